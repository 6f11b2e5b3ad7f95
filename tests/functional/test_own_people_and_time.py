"""A world is stopped and started again, given people of somebody's own, and then more time than there was.

All of this under `BROKER_DPOP_NONCE_REQUIRED`, so that every proof of every client in it holds a nonce of the broker.
"""

import copy
import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.architecture.tree import ROOT
from tests.support.actors import Person
from tests.support.markup import active_markup
from tests.support.platform_client import ASSERTION_TYPE, PlatformClient, details
from tests.support.world import World

pytestmark = pytest.mark.timeout(180)
EXAMPLE = ROOT / "docs" / "reference" / "own-people.example.json"
ALL = ("accounts", "balances", "transactions", "card_locations")


@pytest.fixture(scope="module")
def own_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for this file alone: its clock does not come back, and it wants nonces."""
    running = World(tmp_path_factory.mktemp("own"), BROKER_DPOP_NONCE_REQUIRED="true").start()
    yield running
    assert running.stop() == 0


def loads(world: World, content: Any, name: str = "people.json") -> dict[str, Any]:
    """Load a document and return what stands in the info document after it."""
    file = world.data_dir.parent / name
    file.write_text(json.dumps(content), encoding="utf-8")
    world.command("sandbox", "load", str(file))
    document: dict[str, Any] = json.loads((world.data_dir / "info.json").read_text(encoding="utf-8"))
    return document


def example() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    return document


def expired_in_log(world: World) -> list[str]:
    with closing(sqlite3.connect(world.data_dir / "broker.db")) as database:
        rows = database.execute("SELECT grant_id FROM audit_entries WHERE event = 'grant.expired'").fetchall()
    return [row[0] for row in rows]


def until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def test_ctrl_c_leaves_nothing_running_and_a_second_start_goes_on_with_the_same_data(
    own_world: World, tmp_path: Path
) -> None:
    info = own_world.info_now()
    url, client = info["api"]["account_balances"], PlatformClient.of(info)
    tokens = Person.of(info, "harbor").shares(client, "balances")
    pids = [pid for family in info["processes"].values() for pid in family]
    witnesses = {"witness-harbor", "witness-meridian"}
    assert {"broker", "worker", "harbor", "meridian", "messenger", "mailbox", *witnesses} == set(info["processes"])
    assert len(info["processes"]["broker"]) == 1 + 2, "the master and BROKER_WORKERS workers"
    assert own_world.stop() == 0
    try:
        assert not [pid for pid in pids if alive(pid)]
        stopped = own_world.command("sandbox", "info", "--json", check=False)
        assert stopped.returncode == 2
        assert "make run" in stopped.stderr
        copy = shutil.copytree(own_world.data_dir, tmp_path / "copy")
        World(copy, own_world.port_base).command("sandbox", "clean")
        assert not copy.exists()
    finally:
        own_world.start()

    assert own_world.info_now()["users"] == info["users"]
    answer = client.refresh(str(tokens.refresh))
    assert answer.status_code == 200, answer.text
    assert client.call(url, answer.json()["access_token"]).status_code == 200
    assert "running" in own_world.command("sandbox", "clean", check=False).stderr


def test_both_servers_want_nonces_of_their_own_and_nothing_is_used_up_without_one(own_world: World) -> None:
    info = own_world.info_now()
    client, url = PlatformClient.of(info), info["api"]["account_balances"]
    tokens = Person.of(info, "harbor").shares(client, "balances")
    bare = PlatformClient.of(info)
    bare.dpop_key = client.dpop_key

    def refresh(**nonce: str) -> requests.Response:
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh, "client_id": bare.client_id}
        form |= {"client_assertion_type": ASSERTION_TYPE, "client_assertion": bare.assertion()}
        endpoint = bare.metadata["token_endpoint"]
        return bare.http.post(endpoint, data=form, headers={"DPoP": bare.proof("POST", endpoint, **nonce)}, timeout=30)

    def call(**nonce: str) -> requests.Response:
        return bare.call(url, tokens.access, proof=bare.proof("GET", url, tokens.access, **nonce))

    for ask, status in ((refresh, 400), (call, 401)):
        refused = ask()
        assert refused.status_code == status
        assert "use_dpop_nonce" in refused.text + refused.headers.get("WWW-Authenticate", "")
    of_tokens, of_api = (ask().headers["DPoP-Nonce"] for ask in (refresh, call))
    assert of_tokens != of_api
    assert (refresh(nonce=of_api).status_code, call(nonce=of_tokens).status_code) == (400, 401)
    assert (refresh(nonce=of_tokens).status_code, call(nonce=of_api).status_code) == (200, 200)


def test_the_chat_answers_where_every_proof_needs_a_nonce(own_world: World) -> None:
    info = own_world.info_now()
    person, client = Person.of(info, "meridian"), PlatformClient.of(info)
    tokens = person.shares(client, "balances")
    rows = client.call(info["api"]["account_balances"], tokens.access).json()["data"]["balances"]
    browser = person.browser
    hello = browser.get(info["messenger_url"])
    chat = browser.submit(hello, hello.form("name"), name="Sam")
    page = browser.submit(chat, chat.form("bank"), bank="meridian")
    if any("bank" in form.selects for form in page.forms):
        page = person.signs_in_from(page)
    form = page.form("category", "account", "decision")
    ticked = {"category": ["balances"], "account": form.choices("account")}
    chat = browser.submit(page, form, decision="approve", **ticked)
    chat = browser.submit(chat, chat.form("question"), question="What's my balance?")
    for row in rows:
        assert f"{Decimal(row['currentBalance']).copy_abs():,.2f}" in chat.text


def test_people_loaded_into_a_running_world_share_their_own_data_at_both_banks(own_world: World) -> None:
    info = loads(own_world, example())
    client = PlatformClient.of(info)
    assert own_world.command("sandbox", "info").stdout.count("your own data") == 2
    expected = {"harbor": ["1250.40", "-310.00"], "meridian": ["86.15"]}
    for bank, amounts in expected.items():
        tokens = Person.named(info, bank, "ada").shares(client, *ALL)
        balances = client.call(info["api"]["account_balances"], tokens.access).json()["data"]["balances"]
        assert [row["currentBalance"] for row in balances] == amounts
        places = client.call(info["api"]["card_locations"], tokens.access).json()["data"]["cardLocations"]
        towns = {"harbor": ["Cambridge"], "meridian": ["Bristol"]}
        assert [place["address"]["townName"] for place in places if "address" in place] == towns[bank]
        url = info["api"]["transactions"].replace("{accountId}", balances[0]["accountId"])
        lines = client.call(url, tokens.access).json()["data"]["transactions"]
        assert {line["status"] for line in lines} == ({"POSTED", "PENDING"} if bank == "harbor" else {"POSTED"})


def test_a_person_who_is_loaded_again_is_replaced_and_the_grant_goes_on(own_world: World) -> None:
    info = loads(own_world, example())
    client = PlatformClient.of(info)
    tokens = Person.named(info, "harbor", "ada").shares(client, "accounts", "balances")
    url = info["api"]["account_balances"]
    first = client.call(url, tokens.access).json()["data"]["balances"]
    changed = copy.deepcopy(example())
    changed["people"] = changed["people"][:1]
    checking, card, _ = changed["people"][0]["accounts"]
    checking["balance"], card["closed"] = "7.00", True
    again = loads(own_world, changed)
    assert again["users"] == info["users"], "passwords are kept, and so is whoever is not in the file"
    answer = client.call(info["api"]["balance"].replace("{accountId}", first[0]["accountId"]), tokens.access)
    assert answer.json()["data"]["currentBalance"] == "7.00"
    closed = client.call(info["api"]["account"].replace("{accountId}", first[1]["accountId"]), tokens.access).json()
    assert closed.get("code") == "account-closed" or closed["data"]["openStatus"] == "CLOSED"


def test_hostile_text_of_ones_own_is_text(own_world: World) -> None:
    hostile = example()
    person = hostile["people"][0]
    text = "<script>alert(1)</script>\u0000\u001b[2J\u202e'\"&\U0001f4a5" + "x" * 400
    person["name"] = text
    person["accounts"][0] |= {"nickname": text, "product": text}
    for line in person["accounts"][0]["transactions"]:
        line["description"] = text
        line.get("card", {}).update(merchant=text)
    info = loads(own_world, hostile)
    client = PlatformClient.of(info)
    ada = Person.named(info, "harbor", "ada")
    page = ada.arrives_at_consent(client.begin(details(*ALL)))
    assert active_markup(page.body) == []
    assert "<script>alert(1)</script>" in page.text
    file = own_world.data_dir.parent / "people.json"
    assert "\u001b" not in own_world.command("sandbox", "load", str(file)).stdout


def test_a_file_with_a_mistake_is_refused_in_one_line_with_its_place_and_changes_nothing(
    own_world: World, tmp_path: Path
) -> None:
    bad = example()
    bad["people"][1]["accounts"][0]["currency"] = "\u001b[31musd"
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(bad), encoding="utf-8")
    loads(own_world, example())
    before = [(own_world.data_dir / bank / "people.json").read_bytes() for bank in ("harbor", "meridian")]
    done = own_world.command("sandbox", "load", str(file), check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "/people/1/accounts/0/currency" in done.stderr
    assert "people-bad-currency" in done.stderr
    assert "\u001b" not in done.stderr
    assert before == [(own_world.data_dir / bank / "people.json").read_bytes() for bank in ("harbor", "meridian")]


def test_after_the_clock_was_advanced_a_grant_has_expired_for_everybody_who_looks(own_world: World) -> None:
    info = own_world.info
    client, person = PlatformClient.of(info), Person.of(info, "meridian")
    tokens = person.shares(client, "balances", duration_days=30)
    url, grant = info["api"]["account_balances"], tokens.answer["grant_id"]
    assert client.call(url, tokens.access).status_code == 200
    said = own_world.command("sandbox", "clock", "advance", "31d").stdout
    assert re.search(r": 31 d (1 min )?ahead", said), "the minute is of the damaged clock, when its test came first"

    # Every worker process knows at once; proofs and assertions of a client in real time are as good as ever.
    for _ in range(6):
        refused = client.call(url, tokens.access)
        assert (refused.status_code, refused.json()["code"]) == (401, "grant-expired")
    refreshed = client.refresh(str(tokens.refresh))
    assert (refreshed.status_code, refreshed.json()["error"]) == (400, "invalid_grant")
    assert refreshed.json()["code"] == "grant-expired"

    shown = next(row for row in person.rows("my_sharing") if row["grant_id"] == grant)
    assert shown["status"] == "EXPIRED"
    until(lambda: grant in expired_in_log(own_world))

    # Life goes on there: a new grant, a bank that lives in real time.
    tokens = person.shares(client, "balances")
    assert client.call(url, tokens.access).status_code == 200


def test_a_damaged_clock_stops_the_answers_until_it_is_mended(own_world: World) -> None:
    own_world.command("sandbox", "clock", "advance", "1m")
    file = own_world.data_dir / "clock.json"
    good = file.read_bytes()
    ready = own_world.info["issuer"] + "/my-sharing"
    file.write_bytes(b"{}")
    try:
        answer = requests.get(ready, headers={"Cookie": "broker_session=x"}, timeout=10)
        assert answer.status_code == 503
        refused = own_world.command("sandbox", "clock", check=False)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert str(file) in refused.stderr
    finally:
        file.write_bytes(good)
    assert requests.get(ready, headers={"Cookie": "broker_session=x"}, timeout=10).status_code == 200
