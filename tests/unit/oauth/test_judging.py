"""Judging a request that leaves the bank to the person: the same work for the database however many banks there are."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from oauth_app import ASKED
from oauth_world import World
from sqlalchemy import event
from sqlalchemy.engine import Engine

from broker.banks.facts import in_force, in_force_everywhere, keep
from broker.banks.service import add, all_banks


@contextmanager
def counting() -> Iterator[list[str]]:
    statements: list[str] = []

    def count(*told: Any) -> None:
        statements.append(told[2])

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", count)


def pushes(world: World) -> int:
    """Return how many questions one request without a bank asks the database about facts and switches."""
    anywhere = [{name: value for name, value in ASKED[0].items() if name != "bank"}]
    with counting() as statements:
        assert world.messenger.pushes(authorization_details=json.dumps(anywhere)).status_code == 201
    return len([one for one in statements if "FROM bank_facts" in one or "FROM switches" in one])


def test_a_request_without_a_bank_asks_once_for_all_banks(world: World) -> None:
    few = pushes(world)
    with world.services.database.write() as session:
        (bank, *_) = all_banks(session)
        for number in range(20):
            add(session, replace(bank, id=f"bank-{number}"), world.watch())
    assert pushes(world) == few == 2


def test_the_facts_of_all_banks_at_once_are_those_of_each(world: World) -> None:
    files = world.services.catalogue
    bounds = files.banks["harbor"]
    for after, dropped in enumerate(("balances", "transactions")):
        with world.services.sequencer.transaction(["harbor"]) as transaction:
            wished, sealer = replace(bounds, categories=bounds.categories - {dropped}), world.services.sealer
            keep(transaction.session, sealer, bounds, wished, after=after, author="A", reason="why", now=world.watch())
    with world.services.database.read() as session:
        everywhere = in_force_everywhere(session, files)
        assert everywhere == {bank: in_force(session, files, bank).bank for bank in files.banks}
    assert everywhere["harbor"].categories == bounds.categories - {"transactions"}
