"""Entries of many threads share a transaction of the database, and its claims are decided one by one."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from broker.audit.vocabulary import Appended, Entry, Event, Initiator
from broker.errors import InvalidRequest, LogUnavailable
from broker.storage.single_use import Claim, Condition, Loss
from broker.tlog.receipt import verify_receipt
from tests.support.core import LOG_KEYS, NOON, House
from tests.support.waiting import until

ENTRY = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor")
PROOF = Claim("dpop", "jti", NOON + timedelta(minutes=2))
COUNT = 12


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(COUNT) as threads:
        yield threads


def appended_together(
    house: House, pool: ThreadPoolExecutor, entries: list[Entry], claims: tuple[Condition, ...] = ()
) -> list[Future[Appended]]:
    """Let the entries queue up behind a transaction that holds their log."""
    lane = house.sequencer._lane("harbor")
    with house.sequencer.transaction(["harbor"]):
        turns = [pool.submit(house.sequencer.append, entry, claims) for entry in entries]
        until(lambda: len(lane._waiting) == len(entries))
    return turns


def test_many_threads_share_few_commits(house: House, pool: ThreadPoolExecutor) -> None:
    commits: list[object] = []
    event.listen(house.database.engine, "commit", commits.append)
    turns = appended_together(house, pool, [ENTRY] * COUNT)
    assert sorted(turn.result().number for turn in turns) == list(range(COUNT))
    assert len(commits) == 2, "that of the transaction, and one for all who waited for it"
    assert house.durable_events() == ["access.requested"] * COUNT


def test_of_one_proof_twice_in_a_batch_exactly_one_wins(house: House, pool: ThreadPoolExecutor) -> None:
    turns = appended_together(house, pool, [ENTRY] * COUNT, (PROOF,))
    lost = [turn.result().lost for turn in turns]
    assert sorted(lost, key=bool) == [None, *[Loss("dpop-replayed")] * (COUNT - 1)]
    assert sorted(house.durable_events()) == ["access.refused"] * (COUNT - 1) + ["access.requested"]


def test_claims_of_a_batch_in_opposite_orders_are_decided_alike(house: House, pool: ThreadPoolExecutor) -> None:
    other = Claim("other", "one", PROOF.expires_at)
    place = iter(range(COUNT))
    orders = [(PROOF, other) if number % 2 else (other, PROOF) for number in place]
    with house.sequencer.transaction(["harbor"]):
        turns = [pool.submit(house.sequencer.append, ENTRY, claims) for claims in orders]
    assert sum(turn.result().lost is None for turn in turns) == 1


def test_an_entry_that_cannot_be_stored_does_not_fail_its_neighbours(
    house: House, pool: ThreadPoolExecutor, database: str
) -> None:
    """PostgreSQL cannot store the character NUL in a text; SQLite can."""
    strange = replace(ENTRY, interaction_id="x\x00y", user_id=house.alice.user_id, details={"n": 1})
    turns = appended_together(house, pool, [ENTRY, ENTRY, strange, ENTRY])
    errors = [type(turn.exception()) for turn in turns if turn.exception() is not None]
    assert errors == ([InvalidRequest] if database == "postgresql" else [])
    assert len(house.durable_events()) == len(turns) - len(errors)
    numbers = [row[0] for row in house.store.rows("SELECT number FROM audit_entries ORDER BY number")]
    assert numbers == list(range(len(numbers)))


def test_a_batch_that_fails_is_told_to_all_and_gives_its_claims_back(house: House, pool: ThreadPoolExecutor) -> None:
    house.breaks_log_at("access.requested")
    turns = appended_together(house, pool, [ENTRY] * 3, (PROOF,))
    assert [type(turn.exception()) for turn in turns] == [LogUnavailable] * 3
    house.mends_log()
    assert house.sequencer.append(ENTRY, [PROOF]).lost is None
    assert house.durable_events() == ["access.requested"]


def test_entries_of_one_commit_share_a_checkpoint_and_each_has_a_proof_of_its_own(
    house: House, pool: ThreadPoolExecutor
) -> None:
    placed = [turn.result() for turn in appended_together(house, pool, [ENTRY] * COUNT)]
    proven = [verify_receipt(one.receipt, LOG_KEYS.verifiers(one.log), origin=one.log) for one in placed]
    assert [receipt.index for receipt in proven] == [one.number for one in placed]
    assert {receipt.checkpoint.size for receipt in proven} == {COUNT}
