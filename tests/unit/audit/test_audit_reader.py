"""Who may read what: a person their own entries, a bank those of its own logs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.audit.reader import LoggedEntry, Page, of_bank, of_user, tail
from broker.audit.vocabulary import Entry, Event, Initiator
from tests.support.core import NOON, House

ENTRY = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor", details={"customer": "sub"})


@pytest.fixture
def mixed(house: House) -> House:
    """Two people at two banks, and an entry that belongs to nobody."""
    for user in (house.alice.user_id, "bob"):
        for bank in ("harbor", "meridian"):
            house.watch.passes(seconds=1)
            house.sequencer.append(replace(ENTRY, user_id=user, bank_id=bank, details={"customer": f"{user}@{bank}"}))
    house.sequencer.append(replace(ENTRY, bank_id=None))
    return house


def mine(house: House, user: str, page: Page | None = None) -> list[LoggedEntry]:
    with house.database.read() as session:
        return of_user(session, house.sealer, user, page or Page())


def test_a_person_sees_their_own_entries_at_all_their_banks_newest_first(mixed: House) -> None:
    entries = mine(mixed, "bob")
    assert [entry.details["customer"] for entry in entries] == ["bob@meridian", "bob@harbor"]
    assert entries[0].at > entries[1].at


def test_a_person_who_is_not_in_the_log_sees_nothing(mixed: House) -> None:
    assert mine(mixed, "nobody") == []
    assert mine(mixed, "") == []


def test_a_bank_sees_its_own_logs_only(mixed: House) -> None:
    with mixed.database.read() as session:
        entries = of_bank(session, mixed.sealer, "harbor", Page())
        others = of_bank(session, mixed.sealer, "no-such-bank", Page())
        operators = of_bank(session, mixed.sealer, "operator", Page())
    assert {entry.log for entry in entries} == {"broker.example/audit/harbor/2026"}
    assert {entry.details["customer"] for entry in entries} == {f"{mixed.alice.user_id}@harbor", "bob@harbor"}
    assert others == []
    assert operators[0].details == {"customer": "sub"}


def test_an_erased_detail_leaves_the_entry_readable(mixed: House) -> None:
    mixed.runs("DELETE FROM audit_details")
    assert [entry.details for entry in mine(mixed, "bob")] == [{}, {}]


def test_an_erased_person_is_unlinked_from_the_entries(mixed: House) -> None:
    mixed.runs("DELETE FROM audit_subjects WHERE user_id = 'bob'")
    assert mine(mixed, "bob") == []
    with mixed.database.read() as session:
        entries = of_bank(session, mixed.sealer, "harbor", Page())
    assert [entry.details for entry in entries] == [{}, {"customer": f"{mixed.alice.user_id}@harbor"}]


def test_details_moved_to_another_entry_do_not_open(mixed: House) -> None:
    mixed.runs(
        "UPDATE audit_details SET number = number + 100",
        "UPDATE audit_details SET number = 101 - number WHERE log LIKE '%harbor%'",
    )
    with mixed.database.read() as session, pytest.raises(Exception, match="does not open"):
        of_bank(session, mixed.sealer, "harbor", Page())


def test_pages_go_back_in_time_without_repeating(mixed: House) -> None:
    first = mine(mixed, "bob", Page(limit=1))
    second = mine(mixed, "bob", Page(limit=1, before=first[0].place))
    assert [entry.details["customer"] for entry in [*first, *second]] == ["bob@meridian", "bob@harbor"]
    assert mine(mixed, "bob", Page(before=second[0].place)) == []


def test_pages_lose_no_entry_when_the_clock_has_stepped_back(house: House) -> None:
    for seconds in (0, -10, -20):
        house.watch.now = NOON + timedelta(seconds=seconds)
        house.sequencer.append(replace(ENTRY, user_id="bob"))
        house.sequencer.append(replace(ENTRY, user_id="bob", bank_id="meridian"))
    seen: list[tuple[str, int]] = []
    page = Page(limit=2)
    while entries := mine(house, "bob", page):
        seen += [(entry.bank_id, entry.number) for entry in entries]
        page = Page(limit=2, before=entries[-1].place)
    assert sorted(seen) == [(bank, number) for bank in ("harbor", "meridian") for number in range(3)]


def test_a_tail_shows_what_came_after_oldest_first_without_details(mixed: House) -> None:
    harbor = "broker.example/audit/harbor/2026"
    with mixed.database.read() as session:
        everything = tail(session, after={})
        rest = tail(session, after={harbor: 0})
    assert len(everything) == 5
    assert len(rest) == 4
    assert everything == sorted(everything, key=lambda entry: (entry.at, entry.log, entry.number))
    assert all(entry.details == {} for entry in everything)


def test_a_follower_who_is_far_behind_catches_up(house: House) -> None:
    for _ in range(5):
        house.sequencer.append(ENTRY)
    seen: list[int] = []
    after: dict[str, int] = {"broker.example/audit/harbor/2026": -1}
    with house.database.read() as session:
        while entries := tail(session, after=after, limit=2):
            seen += [entry.number for entry in entries]
            after = {entry.log: entry.number for entry in entries}
    assert seen == [0, 1, 2, 3, 4]
