"""Reads are counted exactly: by grant, category and day, apart with and without the person."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.clock import day_of
from broker.grants.reads import OF_DAY, Counted, Read, ReadOn, counted_by, forget_old_reads
from broker.storage.prepared import Prepared
from broker.storage.single_use import Claim, Condition
from tests.support.core import NOON, House

TODAY = day_of(NOON)
_OF_DAY = Prepared(OF_DAY)
READ = Read("g", "balances", TODAY, is_attended=False, ceiling=4)
ASKED = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor")
PAGE = Claim("read-page", "r 2", NOON + timedelta(minutes=10))


def lost(house: House, *conditions: Condition) -> str | None:
    loss = house.sequencer.append(ASKED, conditions).lost
    return loss and loss.code


def counted(house: House, read: Read = READ) -> Counted:
    with house.database.read() as session:
        return counted_by(_OF_DAY.first(session, of_grant=read.grant_id, of_category=read.category, on=read.day))


def test_of_ten_at_once_exactly_as_many_are_counted_as_the_ceiling_says(house: House) -> None:
    with ThreadPoolExecutor(10) as pool:
        found = list(pool.map(lambda _: lost(house, READ), range(10)))
    assert sorted(found, key=str) == [None] * 4 + ["frequency-exceeded"] * 6
    assert counted(house) == Counted(unattended=4)
    assert [entry.reasons for entry in house.log() if entry.event == "access.refused"] == [("frequency-exceeded",)] * 6


@pytest.mark.parametrize(
    "other",
    [
        replace(READ, grant_id="h"),
        replace(READ, category="accounts"),
        replace(READ, day=TODAY + timedelta(days=1)),
        replace(READ, is_attended=True),
    ],
    ids=["another grant", "another category", "another day", "with the person"],
)
def test_what_is_counted_apart_leaves_room(house: House, other: Read) -> None:
    for _ in range(READ.ceiling):
        assert lost(house, READ) is None
    assert lost(house, other) is None
    assert lost(house, READ) == "frequency-exceeded"
    assert counted(house).unattended == READ.ceiling


@pytest.mark.any_database
@pytest.mark.parametrize("ceiling", [0, -1])
def test_a_ceiling_of_nothing_lets_nothing_through(house: House, ceiling: int) -> None:
    assert lost(house, replace(READ, ceiling=ceiling)) == "frequency-exceeded"
    assert counted(house) == Counted()


def test_a_ceiling_that_was_lowered_counts_at_once(house: House) -> None:
    for _ in range(3):
        assert lost(house, READ) is None
    assert lost(house, replace(READ, ceiling=3)) == "frequency-exceeded"


def test_a_page_goes_with_its_read_once_and_is_a_read_from_then_on(house: House) -> None:
    on = ReadOn(READ, PAGE)
    assert lost(house, READ) is None
    assert lost(house, on) is None
    assert counted(house).unattended == 1
    for _ in range(3):
        assert lost(house, on) is None
    assert counted(house).unattended == 4
    assert lost(house, on) == "frequency-exceeded"


@pytest.mark.any_database
def test_counts_are_forgotten_when_no_clock_takes_their_day_for_today(house: House) -> None:
    for days in range(5):
        assert lost(house, replace(READ, day=TODAY - timedelta(days=days))) is None
    with house.database.write() as session:
        forget_old_reads(session, NOON)
    kept = [counted(house, replace(READ, day=TODAY - timedelta(days=days))).unattended for days in range(5)]
    assert kept == [1, 1, 1, 0, 0]
