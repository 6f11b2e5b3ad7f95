"""Decisions are read back from an instant on, page by page, with what they were judged by."""

from datetime import timedelta

import pytest

from broker.audit.decisions import Kept, Stretch, decided, stretches
from broker.crypto.sealing import Sealer
from tests.support.core import House
from tests.support.decided import interaction, reads


@pytest.fixture
def asked(house: House) -> House:
    """A house that gave a grant, and five minutes later, one a minute, four accesses."""
    grant_id = house.approved()
    for number in range(1, 5):
        house.watch.passes(minutes=5 if number == 1 else 1)
        reads(house, grant_id, number)
    return house


def found_since(house: House, **before: float) -> list[Stretch]:
    with house.database.read() as session:
        return stretches(session, house.watch() - timedelta(**before))[0]


def test_reading_begins_at_the_first_entry_since_an_instant(asked: House) -> None:
    (whole,) = found_since(asked, days=1)
    (three,) = found_since(asked, minutes=2)
    (one,) = found_since(asked, seconds=0)
    assert (whole.first, whole.end, three.first, one.first) == (0, 10, 4, 8)
    asked.watch.passes(minutes=1)
    assert found_since(asked, seconds=30) == []


def test_pages_of_any_size_hold_every_decision_once_with_its_context(asked: House) -> None:
    (whole,) = found_since(asked, days=1)
    for page in (1, 3, 10, 1_000):
        pages = list(decided(asked.database, asked.sealer, whole, page))
        assert sum(count for count, _ in pages) == whole.end
        found = [one for _, held in pages for one in held]
        assert [one.entry.number for one in found] == list(range(10))
        assert all(one.context is not None and one.kept is Kept.WHOLE for one in found)
        assert max(len(held) for _, held in pages) <= page
    assert found[-1].entry.interaction_id == interaction(4)


def test_details_under_another_key_are_told_and_end_nothing(asked: House) -> None:
    (whole,) = found_since(asked, days=1)
    ((_, found),) = decided(asked.database, Sealer(b"another key, of 32 bytes exactly"), whole)
    assert {one.kept for one in found} == {Kept.UNREADABLE}
    assert len(found) == 10


def test_only_the_logs_of_the_banks_that_are_named_are_read(asked: House) -> None:
    asked.approved(bank="meridian")
    with asked.database.read() as session:
        since = asked.watch() - timedelta(days=1)
        named = {bank: [place.log for place in stretches(session, since, [bank])[0]] for bank in ("harbor", "meridian")}
    assert named == {bank: [f"broker.example/audit/{bank}/2026"] for bank in named}
