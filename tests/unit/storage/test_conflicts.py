"""Transactions that lose to others: which they are, and that a function is run again and a block is not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from broker.errors import StorageConflict, StorageUnavailable
from broker.storage.conflicts import again, begin_request, may_run_again, note_loss, pauses
from broker.storage.engine import Database
from tests.support.stores import PostgresStore, Store

on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
_USERS = "INSERT INTO users (id, created_at) VALUES ('u1', now()), ('u2', now())"
_LONGEST_S = 20


@pytest.fixture
def opened(store: Store) -> Iterator[Database]:
    database = Database(store.url)
    yield database
    database.close()


class Locking:
    """A transaction that locks two rows, and meets another one in between."""

    def __init__(self, first: str, second: str, barrier: Barrier, tries: list[str]) -> None:
        self.rows = first, second
        self.barrier = barrier
        self.tries = tries

    def __call__(self, session: Session) -> str:
        self.tries.append(self.rows[0])
        for row in self.rows:
            session.execute(text("UPDATE users SET created_at = now() WHERE id = :row"), {"row": row})
            if row == self.rows[0] and len(self.tries) <= 2:
                self.barrier.wait(_LONGEST_S)
        return self.rows[0]


@on_postgresql
def test_of_two_that_wait_for_each_other_the_one_that_lost_is_run_again(opened: Database, store: PostgresStore) -> None:
    store.runs(_USERS)
    barrier, tries = Barrier(2), list[str]()
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(opened.change, Locking(*rows, barrier, tries)) for rows in (("u1", "u2"), ("u2", "u1"))]
        assert [one.result(_LONGEST_S) for one in both] == ["u1", "u2"]
    assert len(tries) == 3  # PostgreSQL undid one of them, once


@on_postgresql
def test_a_block_that_has_lost_says_so_and_a_request_of_nothing_else_may_run_again(
    opened: Database, store: PostgresStore
) -> None:
    store.runs(_USERS)
    barrier, tries = Barrier(2), list[str]()

    def block(first: str, second: str) -> tuple[str, bool]:
        begin_request()
        try:
            with opened.write() as session:
                Locking(first, second, barrier, tries)(session)
        except StorageConflict:
            return "lost", may_run_again()
        return "won", may_run_again()

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(copy_context().run, block, *rows) for rows in (("u1", "u2"), ("u2", "u1"))]
        assert sorted(one.result(_LONGEST_S) for one in both) == [("lost", True), ("won", False)]
    assert len(tries) == 2


def test_what_was_committed_before_keeps_a_request_from_running_again(opened: Database) -> None:
    begin_request()
    with opened.write() as session:
        session.execute(text("DELETE FROM users"))
    note_loss()
    assert not may_run_again()


def test_a_transaction_is_tried_a_bounded_number_of_times() -> None:
    tries, slept = [0], list[float]()

    def transaction() -> None:
        tries[0] += 1
        raise StorageConflict

    with pytest.raises(StorageConflict):
        again(transaction, most=4, sleep=slept.append)
    assert tries == [4]
    assert len(slept) == 3


def test_another_failure_is_not_tried_again() -> None:
    tries = [0]

    def transaction() -> None:
        tries[0] += 1
        raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        again(transaction)
    assert tries == [1]


def test_the_pauses_double_up_to_a_limit_and_differ() -> None:
    pause = pauses(0.002, 0.05, jitter=lambda: 0.5)
    assert [round(pause(number), 3) for number in range(7)] == [0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.05]
    assert pauses(0.002, 0.05, jitter=lambda: 0.0)(0) < pause(0)
