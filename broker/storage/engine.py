"""The database: one engine, read and write transactions, and the durability that the log needs."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from broker.errors import ConfigurationInvalid, InvalidRequest, StorageUnavailable
from broker.storage.write_lock import WriteLock

_BUSY_TIMEOUT_MS = 10_000
# Nothing hangs: not on a lock, not on a statement, not behind a process that has stopped inside its transaction, and
# not on a machine that has vanished.
_POSTGRESQL_LIMITS = {
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_POSTGRESQL_CLIENT = {"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 3}
_POOL_TIMEOUT_S = 10.0
_SYNCHRONOUS_FULL = 2
_WRITE = "broker_write"


class Database:
    """One database, SQLite or PostgreSQL. Every transaction of the broker begins at `read` or `write`.

    `connections` is how many are kept open: as many as there are threads that ask.
    """

    def __init__(self, url: str, connections: int = 8) -> None:
        self.engine = _create(url, connections)
        file = sqlite_file(self.engine)
        self._lock = None if file is None else WriteLock(file.with_name(f"{file.name}-write-lock"))
        self._writing = self.engine.execution_options(**{_WRITE: True})
        self._reading = self.engine
        if self.engine.dialect.name == "postgresql":
            # A grant, its categories and its accounts are several statements: they must be of one moment.
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that sees one state of the database throughout and changes nothing.

        Raises:
            StorageUnavailable: the database cannot be reached or read.
        """
        with _translated(), Session(self._reading, expire_on_commit=False) as session:
            yield session  # closing rolls back; an explicit rollback would expire the rows that the block returned

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session whose changes are committed, durable, when the block ends; rolled back when it raises.

        SQLite: one flock for all processes, then BEGIN IMMEDIATE, so that what the block reads cannot change before
        it writes. Nobody may wait for another lock (a fence, a batch, a bank) inside the block.

        Raises:
            StorageUnavailable: the database cannot be reached, locked in time or written.
        """
        with _translated(), self._turn(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def _turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self._lock is None else self._lock.held()

    def check_durability(self) -> None:
        """Refuse a database that would lose acknowledged entries in a power cut (05-audit-log).

        Raises:
            ConfigurationInvalid: SQLite not in WAL mode with synchronous=FULL, or PostgreSQL without fsync.
        """
        with _translated(), self.engine.connect() as connection:
            problem = _durability_problem(connection)
        if problem:
            raise ConfigurationInvalid(problem, code="database-not-durable")

    def close(self) -> None:
        """Close all pooled connections; the next use opens new ones (needed after a fork)."""
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's failures into ours; its messages can hold values of the statement."""
    try:
        yield
    except DataError as error:
        raise InvalidRequest("A value cannot be stored.") from error
    except (DBAPIError, PoolTimeoutError) as error:
        raise StorageUnavailable from error


def sqlite_file(engine: Engine) -> Path | None:
    """Return the file of a SQLite database, None for another kind."""
    return Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None


def _create(url: str, connections: int) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationInvalid("BROKER_DATABASE_URL is not a database URL.") from error
    # A few more than threads, for work beside the calls; waiting for one ends in a coded error, never in a hang.
    pool = {"pool_size": connections, "max_overflow": 4, "pool_timeout": _POOL_TIMEOUT_S}
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:" or parsed.query:
            raise ConfigurationInvalid("BROKER_DATABASE_URL must name a SQLite file, without options.")
        timeout = {"timeout": _BUSY_TIMEOUT_MS / 1_000}
        engine = create_engine(parsed, connect_args=timeout, hide_parameters=True, **pool)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() == "postgresql":
        driver = parsed.set(drivername="postgresql+psycopg")
        limits = " ".join(f"-c {name}={value}" for name, value in _POSTGRESQL_LIMITS.items())
        arguments = {"options": limits, **_POSTGRESQL_CLIENT}
        return create_engine(driver, connect_args=arguments, pool_pre_ping=True, hide_parameters=True, **pool)
    raise ConfigurationInvalid("BROKER_DATABASE_URL must be a sqlite or postgresql URL.")


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own BEGIN comes too late and too weak; _begin_sqlite writes it.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # NORMAL loses acknowledged records in a power cut
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "recursive_triggers=ON",  # else INSERT OR REPLACE would slip past the triggers that guard the log
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    is_write = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def _durability_problem(connection: Connection) -> str | None:
    if connection.dialect.name == "sqlite":
        mode = connection.execute(text("PRAGMA journal_mode")).scalar_one()
        synchronous = connection.execute(text("PRAGMA synchronous")).scalar_one()
        if str(mode).lower() != "wal":
            return f"SQLite must run in WAL mode; this database says {mode!r} (is its folder on a network drive?)."
        if int(synchronous) < _SYNCHRONOUS_FULL:
            return "SQLite must run with synchronous=FULL; otherwise a power cut loses acknowledged log entries."
        return None
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        value = connection.execute(text(f"SHOW {name}")).scalar_one()
        if value == "off" or (name == "synchronous_commit" and value == "local"):
            return f"PostgreSQL must not run with {name}={value}; acknowledged log entries could be lost."
    return None
