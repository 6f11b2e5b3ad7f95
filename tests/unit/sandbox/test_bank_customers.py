"""A running bank finds the people of its file by itself; a file that cannot be used changes nothing."""

import json
import sqlite3
from contextlib import closing
from threading import Event

import bank_world
import pytest
from bank_world import Client

from broker.sandbox.bank.app import open_bank
from broker.sandbox.bank.books import catch_up
from broker.sandbox.bank.config import ConfigError, load_config
from broker.sandbox.bank.database import open_database
from broker.sandbox.bank.ledger import accounts_of, balance_of
from broker.sandbox.people.roster import personas_of
from tests.architecture.tree import ROOT

EXAMPLE = [
    # In these tests `ada` is staff.
    person | {"username": "eve"}
    for person in json.loads((ROOT / "docs/reference/own-people.example.json").read_text(encoding="utf-8"))["people"]
]
SEEN_AT = "2026-11-22T12:00:00+00:00"


def write(folder, person):
    rows = [{"loaded_at": SEEN_AT, "password": "pass of eve", "person": person}]
    draft = folder / "people.draft"
    draft.write_text(json.dumps(rows), encoding="utf-8")
    draft.replace(folder / "people.json")


def amounts(client):
    if client.bank.standard == "fdx":
        ids = [each["accountId"] for each in client.reads("/accounts").json()["accounts"]]
        return [client.reads(f"/accounts/{each}").json()["currentBalance"] for each in ids]
    ids = [each["AccountId"] for each in client.reads("/accounts").json()["Data"]["Account"]]
    balances = [client.reads(f"/accounts/{each}/balances").json()["Data"]["Balance"] for each in ids]
    return [float(b["Amount"]["Amount"]) for each in balances for b in each if b["Type"] == "ITBD"]


@pytest.mark.parametrize(("standard", "person", "held"), [("fdx", 0, [1250.4, 310, 0]), ("obie", 1, [86.15])])
def test_people_come_into_a_running_bank_are_replaced_and_survive_a_bad_file(tmp_path, standard, person, held):
    bank = bank_world.prepare(tmp_path, standard)
    bank.start()
    try:
        write(tmp_path, EXAMPLE[person])
        client = Client(bank).signs_in("eve")
        assert amounts(client) == held
        changed = json.loads(json.dumps(EXAMPLE[person]))
        changed["accounts"] = changed["accounts"][:1]
        changed["accounts"][0]["balance"] = "3.00"
        write(tmp_path, changed)
        assert amounts(client) == [3], "the token still stands for the same customer"
        (tmp_path / "people.json").write_text("[{}]", encoding="utf-8")
        assert amounts(client) == [3]
        (tmp_path / "people.json").unlink()
        assert client.reads("/accounts").status_code == 401, "who is in no file is no customer"
    finally:
        code, errors = bank.stop()
    assert (code, errors.count("\n")) == (0, 1)
    assert "people.json cannot be used" in errors


BAD = {
    "no-json": "{",
    "no-list": "{}",
    "no-person": "[{}]",
    "bad-person": json.dumps([{"loaded_at": SEEN_AT, "password": "x", "person": {}}]),
    "no-password": json.dumps([{"loaded_at": SEEN_AT, "password": "", "person": EXAMPLE[0]}]),
    "no-instant": json.dumps([{"loaded_at": 1, "password": "x", "person": EXAMPLE[0]}]),
    "taken": json.dumps([{"loaded_at": SEEN_AT, "password": "x", "person": EXAMPLE[0] | {"username": "maya"}}]),
    "staff": json.dumps([{"loaded_at": SEEN_AT, "password": "x", "person": EXAMPLE[0] | {"username": "ada"}}]),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD)
def test_a_bank_does_not_start_with_people_that_cannot_be_used(tmp_path, content):
    file = bank_world.prepare(tmp_path, "fdx").config_file
    (tmp_path / "people.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError):
        open_bank(load_config(file), Event())


def test_books_of_another_shape_are_written_again(tmp_path):
    path = tmp_path / "bank.db"
    with closing(sqlite3.connect(path)) as old:
        old.execute("CREATE TABLE account (account_id TEXT PRIMARY KEY)")
        old.execute("CREATE TABLE token (digest TEXT PRIMARY KEY, kept TEXT)")
        old.execute("INSERT INTO token VALUES ('d', 'kept')")
        old.commit()
    sessions = open_database(path)
    persona = personas_of("meridian")[4]
    with sessions.begin() as session:
        catch_up(session, persona, bank_world.TODAY)
        assert len(accounts_of(session, persona.subject)) == 1
    with closing(sqlite3.connect(path)) as kept:
        assert kept.execute("SELECT kept FROM token").fetchall() == [("kept",)]


def test_the_two_holders_of_a_joint_account_see_the_same_account_with_the_same_balance(tmp_path):
    sessions = open_database(tmp_path / "bank.db")
    daniel, amara = personas_of("harbor")[1], personas_of("harbor")[3]
    with sessions.begin() as session:
        catch_up(session, amara, bank_world.TODAY)
        catch_up(session, daniel, bank_world.TODAY)
        shared = [account for account in accounts_of(session, amara.subject) if account.joint]
        assert [account.account_id for account in shared] == [daniel.account_id("checking")]
        assert shared[0].account_id in [account.account_id for account in accounts_of(session, daniel.subject)]
        assert balance_of(session, shared[0], bank_world.NOON).booked > 0


def test_a_balance_is_added_up_from_an_index_alone(tmp_path):
    open_database(tmp_path / "bank.db")
    with closing(sqlite3.connect(tmp_path / "bank.db")) as database:
        query = "SELECT coalesce(sum(amount_cents), 0) FROM entry WHERE account_id = 'a' AND posted_at <= 1"
        plan = " ".join(row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {query}"))
    assert "COVERING INDEX" in plan
