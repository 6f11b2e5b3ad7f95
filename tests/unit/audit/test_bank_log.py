"""A bank's own logs: found by time, filtered, page by page; and never another bank's."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from broker.audit import bank_log
from broker.audit.bank_figures import Figures, figures
from broker.audit.bank_log import After, Slice, Wanted
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import NotFound
from tests.support.core import NOON, House

ACCESS = Entry(
    Event.ACCESS_RELEASED, Initiator.DATA_RECIPIENT, "harbor", platform_id="messenger", category="balances", records=1
)


def matching(house: House, bank: str = "harbor", *, rows: int = 50, most: int = 5_000, **wanted: Any) -> Slice:
    before = wanted.pop("before", None)
    with house.database.read() as session:
        return bank_log.matching(session, bank, Wanted(**wanted), before=before, rows=rows, most=most)


def counted(house: House, days: int = 7, **more: Any) -> Figures:
    with house.database.read() as session:
        return figures(session, "harbor", NOON - timedelta(days=1), NOON + timedelta(days=days), **more)


def numbers(found: Slice) -> list[int]:
    return [row.number for row in found.rows]


@pytest.fixture
def busy(house: House) -> House:
    """Ten reads an hour apart at one bank, five of them of the second category; one at another bank in between."""
    for hour in range(10):
        category = "balances" if hour % 2 else "transactions"
        house.sequencer.append(replace(ACCESS, category=category, user_id="bob" if hour < 3 else None))
        house.watch.passes(hours=1)
    house.sequencer.append(replace(ACCESS, bank_id="meridian", user_id="bob"))
    return house


def test_pages_follow_each_other_without_gap_or_repetition(busy: House) -> None:
    seen: list[int] = []
    before: After | None = None
    while True:
        found = matching(busy, rows=3, before=before)
        seen += numbers(found)
        if found.older is None:
            break
        before = found.older
    assert seen == list(range(9, -1, -1))


def test_a_span_of_time_is_found_to_the_microsecond(busy: House) -> None:
    since, until = NOON + timedelta(hours=2), NOON + timedelta(hours=5)
    assert numbers(matching(busy, since=since, until=until)) == [4, 3, 2]
    assert numbers(matching(busy, since=since + timedelta(microseconds=1), until=until)) == [4, 3]
    assert numbers(matching(busy, since=NOON + timedelta(days=2))) == []
    assert numbers(matching(busy, until=NOON)) == []


def test_a_filter_that_fits_little_stops_after_enough_was_looked_at_and_goes_on_there(busy: House) -> None:
    first = matching(busy, category="transactions", most=4)
    assert (numbers(first), first.looked_at, first.older) == ([8, 6], 4, After("2026", 6))
    assert numbers(matching(busy, category="transactions", before=first.older)) == [4, 2, 0]


def test_a_customer_is_found_by_the_pseudonym_at_this_bank_alone(busy: House) -> None:
    with busy.database.read() as session:
        known = bank_log.pseudonyms(session, "harbor", "no pseudonym", "bob")
        others = bank_log.pseudonyms(session, "meridian", "no pseudonym", "bob")
        strange = bank_log.pseudonyms(session, "harbor", next(iter(others)), None)
        people = bank_log.people(session, "harbor", {*known, *others})
    assert len(known) == len(others) == 1
    assert (strange, people) == (frozenset(), dict.fromkeys(known, "bob"))
    assert numbers(matching(busy, subjects=known)) == [2, 1, 0]
    assert numbers(matching(busy, subjects=others)) == []
    assert numbers(matching(busy, subjects=frozenset())) == []


def test_nobody_reads_the_log_of_another_bank(busy: House) -> None:
    assert {row.log.split("/")[-2] for row in matching(busy).rows} == {"harbor"}
    assert matching(busy, "nowhere").rows == []
    with busy.database.read() as session:
        assert bank_log.entry_at(session, "meridian", "2026", 0).log.endswith("/meridian/2026")
        for bank, year, number in (("harbor", "2026", 10), ("harbor", "1999", 0), ("nowhere", "2026", 0)):
            with pytest.raises(NotFound):
                bank_log.entry_at(session, bank, year, number)
        with pytest.raises(NotFound):
            bank_log.entry_at(session, "harbor", "2026", 10**30)


@pytest.mark.parametrize(
    ("wanted", "found_by"),
    [
        ({"subjects": frozenset("a")}, "subject="),
        ({"grant": "g"}, "grant_id="),
        ({}, "log=? AND number>? AND number<?"),
    ],
)
def test_a_reading_goes_by_an_index_that_narrows_it(busy: House, wanted: dict[str, Any], found_by: str) -> None:
    asked: list[tuple[str, Any]] = []
    engine = busy.database.engine
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL decides by the sizes of the tables")

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if "FROM audit_entries" in statement:
            asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    matching(busy, **wanted)
    event.remove(engine, "before_cursor_execute", note)
    assert asked
    with busy.database.read() as session:
        for statement, parameters in asked:
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            assert f"({found_by}" in str(plan.all())


def test_the_figures_count_reads_refusals_and_what_became_of_requests(house: House) -> None:
    def logs(what: Event, initiator: Initiator = Initiator.INDIVIDUAL, *reasons: str, part: str | None = None) -> None:
        house.sequencer.append(replace(ACCESS, event=what, initiator=initiator, reasons=reasons, part=part))

    app = Initiator.DATA_RECIPIENT
    for what in (Event.ACCESS_REQUESTED, Event.ACCESS_RELEASED, Event.ACCESS_REQUESTED, Event.ACCESS_FAILED):
        logs(what, app)
    logs(Event.ACCESS_REFUSED, app, "grant-paused", "category-paused")
    for _ in range(3):
        logs(Event.GRANT_PROPOSED)
    logs(Event.GRANT_PROPOSED, part="amendment")
    logs(Event.GRANT_REFUSED, part="amendment")
    logs(Event.GRANT_AMENDED)
    logs(Event.GRANT_APPROVED)
    logs(Event.GRANT_REFUSED, Initiator.INDIVIDUAL, "user-refused")
    for reason in ("unapproved", "unclaimed", "ended"):
        logs(Event.GRANT_EXPIRED, Initiator.DATA_ACCESS_PLATFORM, reason)
    logs(Event.GRANT_REVOKED, Initiator.INDIVIDUAL, "user-action")
    logs(Event.GRANT_REVOKED, app, "platform-action")
    logs(Event.GRANT_REVOKED, Initiator.DATA_ACCESS_PLATFORM, "details-erased")
    house.sequencer.append(replace(ACCESS, bank_id="meridian"))
    found = counted(house)
    assert dict(found.reads) == {(NOON.date(), "balances", "messenger"): 1}
    assert (dict(found.refusals), found.failures) == ({"grant-paused": 1}, 1)
    told = {name: getattr(found.funnel, name) for name in found.funnel.__slots__}
    assert told == {"asked": 3} | {name: 1 for name in told if name not in {"asked", "rejected"}} | {"rejected": 0}
    assert (found.is_cut, found.looked_at) == (False, 19)


def test_a_span_with_too_many_entries_counts_the_newest_and_says_since_when(busy: House) -> None:
    found = counted(busy, most=4)
    assert (found.is_cut, found.looked_at, sum(found.reads.values())) == (True, 4, 4)
    assert found.counted_from == NOON + timedelta(hours=6)


def test_the_steps_of_an_access_are_told_from_others_under_the_same_interaction_id(house: House) -> None:
    for access in ("a", "b"):
        for step in (Event.ACCESS_REQUESTED, Event.ACCESS_RELEASED):
            house.sequencer.append(replace(ACCESS, event=step, interaction_id="one", access_id=access))
    with house.database.read() as session:
        row = bank_log.entry_at(session, "harbor", "2026", 3)
        steps = bank_log.of_same_access(session, row)
    assert [(step.number, json.loads(step.leaf)["access"]) for step in steps] == [(2, "b"), (3, "b")]
