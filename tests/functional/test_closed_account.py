"""A bank closes one of two accounts: the app gets the rest with a reason, and the person reads why."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.actors import Person
from tests.support.platform_client import PlatformClient
from tests.support.world import World

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)
CLOSED = "account-closed"


def account(name: str, number: str) -> dict[str, Any]:
    used = {"id": f"use-{name}", "time": "-P1DT3H", "amount": "-4.80", "description": "Coffee"}
    return {
        "id": name,
        "kind": "current",
        "currency": "GBP",
        "product": name.capitalize(),
        "balance": "100.00",
        "number": number,
        "transactions": [used],
    }


@pytest.fixture(params=["harbor", "meridian"])
def person(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Person:
    """A customer with two accounts, whom no other story knows."""
    info, name = world.info, f"closer-{request.param}"
    accounts = [account("everyday", "40001111"), account("savings", "40002222")]
    people = [{"bank": request.param, "username": name, "name": "Cleo Closer", "accounts": accounts}]
    file = tmp_path / "people.json"
    file.write_text(json.dumps({"version": 1, "people": people}), encoding="utf-8")
    (loaded,) = json.loads(world.command("sandbox", "load", str(file), "--json").stdout)
    return Person(info, name, loaded["password"], request.param)


def closes(person: Person, number: str) -> int:
    bank = next(bank for bank in person.info["banks"] if bank["id"] == person.bank)
    address = bank["faults_url"].replace("/faults", "/accounts/close")
    return requests.post(address, data={"username": person.username, "number": number}, timeout=30).status_code


def test_the_app_gets_the_rest_with_a_reason_and_the_person_reads_why(person: Person) -> None:
    info = person.info
    client, api = PlatformClient.of(info, 1), info["api"]
    tokens = person.shares(client, "accounts", "balances", "transactions", "card_locations")
    listed = client.call(api["account_balances"], tokens.access).json()
    assert listed["meta"] == {"totalRecords": 2}
    numbers = client.call(api["accounts"], tokens.access).json()["data"]["accounts"]
    gone = next(one["accountId"] for one in numbers if one["maskedNumber"].endswith("2222"))

    assert closes(person, "2222") == 204
    assert closes(person, "2222") == 404
    missing = [{"accountId": gone, "code": CLOSED}]
    for name, kind in (("accounts", "accounts"), ("account_balances", "balances")):
        answer = client.call(api[name], tokens.access)
        assert answer.status_code == 200, answer.text
        assert answer.json()["meta"] == {"totalRecords": 1, "missingAccounts": missing}
        assert [one["accountId"] for one in answer.json()["data"][kind]] != [gone]
    places = client.call(api["card_locations"], tokens.access).json()
    assert places["meta"]["missingAccounts"] == missing
    for name in ("account", "balance", "transactions"):
        refused = client.call(api[name].replace("{accountId}", gone), tokens.access)
        assert (refused.status_code, refused.json()["code"]) == (403, CLOSED), refused.text

    for path in ("", f"/{tokens.answer['grant_id']}"):
        page = person.browser.get(f"{info['issuer']}/my-sharing{path}")
        assert "no longer has the account Savings" in page.text
        assert "no longer has the account Everyday" not in page.text
    own = [row for row in person.rows("history") if row["grant_id"] == tokens.answer["grant_id"]]
    released = [row for row in own if row["event"] == "access.released"]
    assert [row["accounts"] for row in released] == [1, 1, 1, 2, 2]
    assert {row["reason"] for row in own if row["event"] == "access.refused"} == {CLOSED}
