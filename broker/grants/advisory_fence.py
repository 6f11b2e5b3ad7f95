"""Fences of several machines, for PostgreSQL: advisory locks of database sessions that do nothing else.

PostgreSQL queues fairly: who wants a lock alone stops newcomers. The sessions are not those of the transactions,
because nobody may wait for a fence inside a transaction. A pooler in front must not share sessions between clients.
"""

from collections.abc import Collection
from typing import Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolResetState

from broker.errors import StorageUnavailable

_WAIT_MS = 3_000
_POOL_TIMEOUT_S = 5.0
# The server notices a machine that has vanished, and frees its locks, within two seconds.
_SERVER = f"-c lock_timeout={_WAIT_MS} -c tcp_keepalives_idle=1 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=1"
_CLIENT = {"keepalives": 1, "keepalives_idle": 1, "keepalives_interval": 1, "keepalives_count": 2}


class AdvisoryHold:
    """A database session that holds locks; returning it to the pool drops them, and so does its end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
    """Fences in the database. `connections`: how many may be held at once by this process."""

    def __init__(self, url: URL, connections: int) -> None:
        self._engine: Engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=connections,
            max_overflow=4,
            pool_timeout=_POOL_TIMEOUT_S,
            pool_pre_ping=True,
            pool_reset_on_return=None,
            hide_parameters=True,
            connect_args={"options": _SERVER, **_CLIENT},
        )
        event.listen(self._engine, "reset", _unlock)

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

    def close(self) -> None:
        """Close all pooled sessions."""
        self._engine.dispose()

    def _hold(self, statement: str, keys: Collection[int]) -> AdvisoryHold:
        try:
            connection = self._engine.connect()
            try:
                for key in keys:
                    connection.execute(text(statement), {"key": key})
            except DBAPIError:
                connection.close()
                raise
        except (DBAPIError, PoolTimeoutError) as error:
            raise StorageUnavailable from error
        return AdvisoryHold(connection)


def _unlock(connection: object, _record: object, state: PoolResetState) -> None:
    """Unlock when a session goes back to the pool, also when its holder was forgotten."""
    if not state.terminate_only:
        connection.execute("SELECT pg_advisory_unlock_all()")  # type: ignore[attr-defined] # the driver's, untyped here
