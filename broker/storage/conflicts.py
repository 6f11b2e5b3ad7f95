"""Transactions that lose to another one: which failures are that, and how often what lost is run again.

PostgreSQL undoes one of two transactions that wait for each other (40P01), and at the higher isolation levels one that
somebody has overtaken (40001). Nothing of it was done, so it may be run again, by whoever can run all of it again: a
function (`again`), or the edge a whole request that has not done anything yet (`edge.again`).
"""

import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError

from broker.errors import StorageConflict

_OVERTAKEN, _DEADLOCK = "40001", "40P01"
_MOST: Final = 10
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.002, 0.05

Found = TypeVar("Found")
_has_lasted: ContextVar[bool] = ContextVar("has_lasted", default=False)
_has_lost: ContextVar[bool] = ContextVar("has_lost", default=False)


def is_conflict(error: DBAPIError) -> bool:
    """Say whether the database undid a transaction because of another one, and for no other reason."""
    return getattr(error.orig, "sqlstate", None) in {_OVERTAKEN, _DEADLOCK}


def pauses(
    first_s: float = _FIRST_PAUSE_S, longest_s: float = _LONGEST_PAUSE_S, jitter: Callable[[], float] = random.random
) -> Callable[[int], float]:
    """Return how many seconds to wait before try number n: doubling, with jitter, so that two do not meet for ever."""
    return lambda number: min(longest_s, first_s * 2.0**number) * (0.5 + jitter())


def again(transaction: Callable[[], Found], most: int = _MOST, sleep: Callable[[float], None] = time.sleep) -> Found:
    """Run a whole transaction, again while it loses to others, `most` times; it must do nothing that lasts besides.

    Raises:
        StorageConflict: it has lost each time.
    """
    pause = pauses()
    for number in range(most - 1):
        try:
            return transaction()
        except StorageConflict:
            sleep(pause(number))
    return transaction()


def begin_request() -> None:
    """Forget what this thread has done: a request begins."""
    _has_lasted.set(False)
    _has_lost.set(False)


def note_lasting() -> None:
    """Remember that this request has done what no rollback takes back: a commit, or a question to another machine."""
    _has_lasted.set(True)


def note_loss() -> None:
    """Remember that a transaction of this request has lost to another one."""
    _has_lost.set(True)


def may_run_again() -> bool:
    """Say whether this request has lost to another one and has done nothing that lasts."""
    return _has_lost.get() and not _has_lasted.get()
