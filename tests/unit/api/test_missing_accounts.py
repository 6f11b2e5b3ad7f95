"""A list about several accounts answers what is there, and says of the others why not; the log says what left."""

import json
from decimal import Decimal
from typing import Any

import pytest

from broker.app import create_app
from broker.audit import reader
from broker.audit.gone import gone_accounts
from broker.banks.connector import BankAccess, BankBalance
from broker.grants.service import Part
from tests.support.core import NOON, House, account
from tests.support.edge import Platform, problem, services_of

ONE = BankBalance("ref-1", Decimal(100), None, None, None, "GBP", NOON)
CLOSED = [{"accountId": "acc-2", "code": "account-closed"}]
PAUSED = [{"accountId": "acc-2", "code": "account-not-granted"}]


def says_closed(access: BankAccess) -> None:
    access.closed.add("ref-2")


@pytest.fixture
def platform(house: House) -> Platform:
    house.bank.own_accounts = [account("ref-1"), account("ref-2")]
    house.bank.own_balances = [ONE]
    return Platform(house, create_app(services_of(house)).test_client(), house.approved())


def told(platform: Platform, path: str) -> dict[str, Any]:
    answer = platform.get(path)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = json.loads(answer.text)
    return body


def released(house: House) -> Any:
    with house.database.read() as session:
        entries = reader.of_user(session, house.sealer, house.alice.user_id, reader.Page())
    return next(entry for entry in entries if entry.event == "access.released")


def gone(house: House) -> dict[str, frozenset[str]]:
    with house.database.read() as session:
        return dict(gone_accounts(session, house.sealer, house.alice.user_id))


@pytest.mark.parametrize("path", ["/v1/accounts/balances", "/v1/card-locations"])
def test_what_the_bank_has_still_is_answered_and_the_rest_is_named(platform: Platform, house: House, path: str) -> None:
    house.bank.meanwhile = says_closed
    assert told(platform, path)["meta"]["missingAccounts"] == CLOSED
    entry = released(house)
    assert (entry.accounts, entry.closed) == (1, 1)
    assert (entry.details["accounts"], entry.details["closed"]) == (["ref-1"], ["ref-2"])
    assert gone(house) == {platform.grant_id: frozenset({"ref-2"})}


def test_a_list_of_accounts_names_those_that_the_bank_lists_no_longer(platform: Platform, house: House) -> None:
    house.bank.own_accounts = [account("ref-1")]
    answer = told(platform, "/v1/accounts")
    assert [one["accountId"] for one in answer["data"]["accounts"]] == ["acc-1"]
    assert answer["meta"] == {"totalRecords": 1, "missingAccounts": CLOSED}


def test_nothing_is_said_where_nothing_is_missing(platform: Platform, house: House) -> None:
    assert told(platform, "/v1/accounts/balances")["meta"] == {"totalRecords": 1}
    entry = released(house)
    assert (entry.accounts, entry.closed, "closed" in entry.details) == (2, None, False)
    assert gone(house) == {}


def test_an_account_that_is_closed_is_refused_when_it_is_asked_for_alone(platform: Platform, house: House) -> None:
    house.bank.meanwhile = says_closed
    house.bank.own_balances = []
    for path in ("/v1/accounts/acc-2/balance", "/v1/accounts/acc-2/transactions"):
        assert problem(platform.get(path)) == (403, "account-closed")
        assert (house.events()[-1], house.log()[-1].reasons) == ("access.refused", ("account-closed",))
    assert gone(house) == {platform.grant_id: frozenset({"ref-2"})}


def test_a_paused_account_is_named_and_one_that_was_taken_out_is_not(platform: Platform, house: House) -> None:
    house.grants.pause(house.alice, platform.grant_id, Part(account_id="acc-2"))
    assert told(platform, "/v1/accounts/balances")["meta"]["missingAccounts"] == PAUSED
    assert house.bank.asked[-1] == ("balances", ("ref-1",))
    house.grants.revoke(house.alice, platform.grant_id, Part(account_id="acc-2"))
    assert "missingAccounts" not in told(platform, "/v1/accounts/balances")["meta"]


def test_an_account_that_is_back_is_gone_no_longer(platform: Platform, house: House) -> None:
    house.bank.meanwhile = says_closed
    told(platform, "/v1/accounts/balances")
    house.bank.meanwhile = lambda _: None
    house.watch.passes(seconds=1)
    told(platform, "/v1/accounts/balances")
    assert gone(house) == {}


def test_a_list_of_which_nothing_is_left_is_empty_and_says_why(platform: Platform, house: House) -> None:
    house.bank.own_accounts = []
    answer = told(platform, "/v1/accounts")
    assert answer["data"] == {"accounts": []}
    assert [one["code"] for one in answer["meta"]["missingAccounts"]] == ["account-closed"] * 2
    entry = released(house)
    assert (entry.records, entry.accounts, entry.closed) == (0, 0, 2)
