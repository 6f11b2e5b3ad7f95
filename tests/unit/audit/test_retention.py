"""A year ends: its log is closed, the next one commits to it, and what is old enough is dropped."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from broker.audit import retention
from broker.audit.reader import Page, of_user
from broker.audit.tree import entries_of, head_of, listed
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import ConfigurationInvalid, NotFound, StorageUnavailable
from tests.support.core import House

ENTRY = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor")
OLD, NEW = "broker.example/audit/harbor/2026", "broker.example/audit/harbor/2027"
NEW_YEAR = datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)


def rolled_over(house: House) -> list[str]:
    house.watch.now = NEW_YEAR
    return retention.close_finished_years(house.sequencer, NEW_YEAR)


def leaves(house: House, log: str) -> list[dict[str, object]]:
    with house.database.read() as session:
        return [json.loads(leaf) for leaf in entries_of(session, log, 0, 100)]


def test_the_last_entry_names_the_next_log_and_its_first_commits_to_the_last_checkpoint(house: House) -> None:
    for bank in ("harbor", "harbor", "meridian", None):
        house.sequencer.append(replace(ENTRY, bank_id=bank))
    assert rolled_over(house) == [
        "broker.example/audit/harbor/2026",
        "broker.example/audit/meridian/2026",
        "broker.example/audit/operator/2026",
    ]
    assert house.sequencer.append(ENTRY).log == NEW
    with house.database.read() as session:
        closed, opened = head_of(session, OLD), head_of(session, NEW)
    assert not closed.is_current
    assert opened.is_current
    assert (leaves(house, OLD)[-1]["event"], leaves(house, OLD)[-1]["next"]) == ("log.closed", NEW)
    first = leaves(house, NEW)[0]
    assert first["event"] == "log.opened"
    assert first["previous"] == {"origin": OLD, "size": closed.size, "root": closed.note.split(b"\n")[2].decode()}


def test_a_year_is_closed_once_and_not_before_it_is_over(house: House) -> None:
    house.sequencer.append(ENTRY)
    assert retention.close_finished_years(house.sequencer, house.watch()) == []
    assert rolled_over(house) == [OLD]
    assert rolled_over(house) == []


def test_a_damaged_log_keeps_no_other_from_being_closed(house: House) -> None:
    for bank in ("harbor", "meridian"):
        house.sequencer.append(replace(ENTRY, bank_id=bank))
    house.runs("UPDATE audit_logs SET frontier = 'x' WHERE owner = 'harbor'")
    assert rolled_over(house) == ["broker.example/audit/meridian/2026"]
    with house.database.read() as session:
        assert [(log.origin, log.is_current) for log in listed(session, "harbor")] == [(OLD, True)]
        with pytest.raises(StorageUnavailable):
            head_of(session, OLD)
        assert head_of(session, "broker.example/audit/meridian/2027").size == 1


def test_which_log_is_current_is_what_the_state_row_says_and_not_the_clock(house: House) -> None:
    house.sequencer.append(ENTRY)
    house.watch.now = NEW_YEAR
    assert house.sequencer.append(ENTRY).log == OLD


def test_a_persons_chain_begins_anew_in_the_next_log_and_both_are_still_theirs(house: House) -> None:
    alice = replace(ENTRY, user_id=house.alice.user_id, details={"endpoint": "x"})
    house.sequencer.append(alice)
    rolled_over(house)
    house.sequencer.append(alice)
    assert [leaf.get("subjectSeq") for leaf in leaves(house, NEW)] == [None, 0]
    with house.database.read() as session:
        assert {entry.log for entry in of_user(session, house.sealer, house.alice.user_id, Page())} == {OLD, NEW}


@pytest.mark.parametrize(("log", "years", "code"), [(NEW, 1, "log-current"), (OLD, 6, "log-kept")])
def test_a_log_is_kept_while_it_is_current_or_young(house: House, log: str, years: int, code: str) -> None:
    house.sequencer.append(ENTRY)
    rolled_over(house)
    with pytest.raises(ConfigurationInvalid, match=code):
        retention.drop(house.database, log, NEW_YEAR.replace(year=2032), years)
    assert len(leaves(house, OLD)) == 2


def test_a_dropped_log_keeps_its_checkpoint_and_nothing_else(house: House) -> None:
    house.sequencer.append(replace(ENTRY, user_id=house.alice.user_id, details={"endpoint": "endpoint-canary"}))
    rolled_over(house)
    retention.drop(house.database, OLD, NEW_YEAR.replace(year=2033))
    assert leaves(house, OLD) == []
    assert house.store.rows("SELECT count(*) FROM audit_details")[0][0] == 0
    with house.database.read() as session:
        assert head_of(session, OLD).size == 2
        assert head_of(session, OLD).note
    assert len(leaves(house, NEW)) == 1
    with pytest.raises(NotFound):
        retention.drop(house.database, "broker.example/audit/nobody/2026", NEW_YEAR)
