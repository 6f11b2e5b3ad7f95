"""The log: contiguous, monotone, durable, append-only, and unreadable where it is personal (invariants 1, 8, 9)."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import ConsentRefused, LogUnavailable, NotFound, StorageUnavailable
from broker.grants.acts import bank_of
from broker.storage.single_use import Claim, Loss
from tests.support.core import CREDENTIAL, NOON, House
from tests.support.race import race

ENTRY = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor")
SOON = NOON + timedelta(minutes=2)


def stored(house: House) -> list[tuple[int, int, bytes]]:
    return [(*row,) for row in house.store.rows("SELECT number, time_us, leaf FROM audit_entries ORDER BY log, number")]


def test_numbers_have_no_gap_and_no_double_under_threads_and_processes(house: House) -> None:
    assert race("append", house.store.url, processes=2, count=60, threads=8) == [60, 60]
    assert [number for number, _, _ in stored(house)] == list(range(120))


def test_a_refused_transaction_leaves_no_gap(house: House) -> None:
    house.sequencer.append(ENTRY)
    with pytest.raises(ConsentRefused), house.sequencer.transaction(["harbor"]) as transaction:  # noqa: PT012 - the block is what must be undone
        transaction.append(ENTRY)
        raise ConsentRefused
    assert house.sequencer.append(ENTRY).number == 1
    assert [number for number, _, _ in stored(house)] == [0, 1]


def test_time_never_runs_backwards_when_the_clock_does(house: House) -> None:
    for step in (0, -3600, -7200, 1, 60):
        house.watch.now = NOON + timedelta(seconds=step)
        house.sequencer.append(ENTRY)
    times = [time for _, time, _ in stored(house)]
    assert all(first <= second for first, second in pairwise(times))
    assert [(time - times[0]) // 1_000_000 for time in times] == [0, 0, 0, 1, 60]
    assert [json.loads(leaf)["time"] for _, _, leaf in stored(house)] == times


def test_an_entry_is_durable_when_append_returns(house: House) -> None:
    for number in range(3):
        assert house.sequencer.append(ENTRY).number == number
        assert len(stored(house)) == number + 1


def test_an_entry_of_a_transaction_is_not_seen_before_its_end(house: House) -> None:
    with house.sequencer.transaction(["harbor"]) as transaction:
        transaction.append(ENTRY)
        assert stored(house) == []
    assert len(stored(house)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET event = 'access.refused'",
        "UPDATE audit_entries SET number = number + 1",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_entries WHERE number = 0",
    ],
)
def test_the_database_refuses_to_alter_history(house: House, statement: str) -> None:
    house.sequencer.append(ENTRY)
    before = stored(house)
    with pytest.raises(DBAPIError, match="append-only"):
        house.runs(statement)
    assert stored(house) == before


REPLACING = {
    "sqlite": "REPLACE INTO audit_entries (log, number, time_us, event, leaf) "
    "SELECT log, number, time_us, 'other', leaf FROM audit_entries",
    "postgresql": "INSERT INTO audit_entries (log, number, time_us, event, leaf) "
    "SELECT log, number, time_us, event, leaf FROM audit_entries "
    "ON CONFLICT (log, number) DO UPDATE SET event = 'other'",
}


def test_the_broker_cannot_replace_an_entry(house: House, database: str) -> None:
    house.sequencer.append(ENTRY)
    before = stored(house)
    with pytest.raises(StorageUnavailable), house.database.write() as session:
        session.execute(text(REPLACING[database]))
    assert stored(house) == before


def test_personal_details_are_not_readable_in_the_database(house: House) -> None:
    details = {"customer": "customer-canary", "accounts": ["account-canary"]}
    house.sequencer.append(replace(ENTRY, user_id=house.alice.user_id, details=details))
    house.sequencer.append(replace(ENTRY, bank_id=None, details={"endpoint": "operator-canary"}))
    written = house.stored_bytes()
    for canary in (b"customer-canary", b"account-canary", b"operator-canary", b"sub-alice", b"Alice Canary"):
        assert canary not in written
    assert all(house.alice.user_id.encode() not in leaf for _, _, leaf in stored(house))


def test_a_person_has_another_pseudonym_at_each_bank(house: House) -> None:
    for bank in ("harbor", "meridian", "harbor"):
        house.sequencer.append(replace(ENTRY, bank_id=bank, user_id=house.alice.user_id))
    names = {entry.log: entry.subject for entry in house.log()}
    assert len(set(names.values())) == 2
    assert len({entry.subject for entry in house.log()}) == 2


def test_each_bank_has_a_log_of_its_own_and_the_operator_another(house: House) -> None:
    for bank in ("harbor", "meridian", None):
        assert house.sequencer.append(replace(ENTRY, bank_id=bank)).number == 0
    assert {entry.log for entry in house.log()} == {
        f"broker.example/audit/{owner}/2026" for owner in ("harbor", "meridian", "operator")
    }


def test_a_new_year_does_not_begin_a_new_log_by_the_callers_clock(house: House) -> None:
    house.sequencer.append(ENTRY)
    house.watch.passes(days=100)
    assert house.sequencer.append(ENTRY).log == "broker.example/audit/harbor/2026"


def test_a_leaf_is_canonical_and_names_nothing_that_is_empty(house: House) -> None:
    house.sequencer.append(replace(ENTRY, category="balances", records=0))
    leaf = stored(house)[0][2]
    value = json.loads(leaf)
    assert leaf == json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    assert (value["records"], value["decision"]) == (0, "allowed")
    assert not value.keys() & {"subject", "purpose", "reasons", "grant"}


@pytest.mark.parametrize(
    ("event", "decision"),
    [
        (Event.ACCESS_REFUSED, "refused"),
        (Event.GRANT_REJECTED, "refused"),
        (Event.GRANT_REFUSED, "refused"),
        (Event.ACCESS_FAILED, "failed"),
        (Event.ACCESS_RELEASED, "allowed"),
    ],
)
def test_an_entry_says_in_one_word_how_it_ended(event: Event, decision: str) -> None:
    assert replace(ENTRY, event=event).decision == decision


def test_an_append_that_fails_is_told_as_a_missing_log(house: House) -> None:
    house.breaks_log_at("access.requested")
    with pytest.raises(LogUnavailable):
        house.sequencer.append(ENTRY)
    house.mends_log()
    assert house.sequencer.append(ENTRY).number == 0


def test_a_transaction_that_fails_is_told_as_a_missing_log_and_changes_nothing(house: House) -> None:
    house.breaks_log_at("access.requested")
    banks = ["harbor", "harbor", None]
    with pytest.raises(LogUnavailable), house.sequencer.transaction(banks) as transaction:  # noqa: PT012 - the block is what must be undone
        house.users.replace_credential(
            transaction.session, house.alice.user_id, "harbor", old=CREDENTIAL.dump(), new=None
        )
        transaction.append(ENTRY)
    with house.database.read() as session:
        identity = house.users.at_bank(session, house.alice.user_id, "harbor")
    assert identity is not None
    assert identity.credential is not None


def test_a_lost_claim_turns_the_request_into_a_refusal(house: House) -> None:
    won = house.sequencer.append(ENTRY, [Claim("dpop", "jti", SOON), Claim("other", "one", SOON)])
    lost = house.sequencer.append(ENTRY, [Claim("other", "two", SOON), Claim("dpop", "jti", SOON)])
    assert (won.lost, lost.lost) == (None, Loss("dpop-replayed"))
    first, second = house.log()
    assert (first.event, first.reasons) == (Event.ACCESS_REQUESTED, ())
    assert (second.event, second.reasons, second.decision) == (Event.ACCESS_REFUSED, ("dpop-replayed",), "refused")


def test_an_append_that_fails_gives_its_claims_back(house: House) -> None:
    house.breaks_log_at("access.requested")
    with pytest.raises(LogUnavailable):
        house.sequencer.append(ENTRY, [Claim("dpop", "jti", SOON)])
    house.mends_log()
    assert house.sequencer.append(ENTRY, [Claim("dpop", "jti", SOON)]).lost is None


def test_a_question_before_the_lock_changes_nothing(house: House) -> None:
    with pytest.raises(NotFound):
        house.sequencer.look_up(lambda session: bank_of(session, house.alice, "no-such"))
    assert house.log() == []
