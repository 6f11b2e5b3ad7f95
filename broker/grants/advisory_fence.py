"""Fences of several machines, for PostgreSQL: advisory locks of database sessions that do nothing else.

PostgreSQL queues fairly: who wants a lock alone stops newcomers. The sessions are not those of the transactions,
because nobody may wait for a fence inside a transaction. A pooler in front must not share sessions between clients.
"""

import time
from collections.abc import Collection
from contextlib import ExitStack
from typing import Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolResetState

from broker.errors import StorageUnavailable
from broker.storage.rested import ask_rested

# The server notices a machine that has vanished, and frees its locks, within two seconds.
_SERVER = "-c tcp_keepalives_idle=1 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=1"
# A server that has vanished is noticed as quickly, and the next one of the URL is asked.
_CLIENT = {
    "connect_timeout": 2,
    "tcp_user_timeout": 3_000,
    "keepalives_idle": 1,
    "keepalives_interval": 1,
    "keepalives_count": 2,
}


class AdvisoryHold:
    """A database session that holds locks; returning it to the pool drops them, and so does its end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, statement: str, key: int) -> None:
        """Wait for one more lock."""
        self._connection.execute(text(statement), {"key": key})

    def drop(self) -> None:
        """Drop all locks."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def __del__(self) -> None:
        # A connection stands in a cycle with its transaction: without this, a forgotten hold waits for the collector.
        self.drop()


class AdvisoryFences:
    """Fences in the database. `connections`: how many may be held at once by this process; `wait_s`: for a lock."""

    def __init__(self, url: URL, connections: int, wait_s: float) -> None:
        self._wait_s, limit_ms = wait_s, int(wait_s * 1_000)
        self._engine: Engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=connections,
            max_overflow=4,
            pool_timeout=wait_s,
            pool_reset_on_return=None,
            hide_parameters=True,
            connect_args={
                "options": f"{_SERVER} -c lock_timeout={limit_ms} -c statement_timeout={limit_ms}",
                **_CLIENT,
            },
        )
        event.listen(self._engine, "reset", _unlock)
        ask_rested(self._engine)

    def shared(self, key: int) -> AdvisoryHold:
        """Hold the lock with others.

        Raises:
            StorageUnavailable: somebody holds it alone for too long, or the database cannot be reached.
        """
        return self._hold("SELECT pg_advisory_lock_shared(:key)", [key])

    def exclusive(self, keys: Collection[int]) -> AdvisoryHold:
        """Hold the locks alone; in ascending order, so that nobody waits in a circle.

        Raises:
            StorageUnavailable: a holder did not leave in time, or the database cannot be reached.
        """
        return self._hold("SELECT pg_advisory_lock(:key)", sorted(keys))

    def prepare(self) -> None:
        """Locks in the database need nothing made before."""

    def close(self) -> None:
        """Close all pooled sessions."""
        self._engine.dispose()

    def _hold(self, statement: str, keys: Collection[int]) -> AdvisoryHold:
        try:
            with ExitStack() as stack:
                hold = stack.enter_context(AdvisoryHold(self._engine.connect()))
                deadline = time.monotonic() + self._wait_s
                for key in keys:
                    if time.monotonic() > deadline:  # each lock has its own limit; together they must not add up
                        raise StorageUnavailable
                    hold.take(statement, key)
                stack.pop_all()
        except (DBAPIError, PoolTimeoutError) as error:
            raise StorageUnavailable from error
        return hold


def _unlock(connection: object, _record: object, _state: PoolResetState) -> None:
    """Unlock when a session goes back to the pool; one that fails here is closed, which unlocks too."""
    connection.execute("SELECT pg_advisory_unlock_all()")  # type: ignore[attr-defined] # the driver's, untyped here
