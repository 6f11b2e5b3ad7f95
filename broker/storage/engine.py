"""The database: one engine, read and write transactions, and the durability that the log needs."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from broker.errors import ConfigurationInvalid, InvalidRequest, StorageConflict, StorageUnavailable
from broker.storage.conflicts import again, is_conflict, note_lasting, note_loss
from broker.storage.prepared import Plain, run
from broker.storage.reserve import Reserve
from broker.storage.rested import ask_rested
from broker.storage.sqlite_file import sqlite_engine
from broker.storage.write_lock import WriteLock

_SYNCHRONOUS_FULL = 2
_WRITE, _LOOK = "broker_write", "broker_look"
POSTGRESQL_LIMITS = {
    # Nothing hangs: not on a lock, not on a statement, not behind a process that has stopped inside its transaction,
    # and not on a machine that has vanished (seen from both sides).
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "options": "-c lock_timeout=10s -c statement_timeout=60s -c idle_in_transaction_session_timeout=30s"
    " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}
"""How libpq connects, where the operator's URL does not say otherwise."""
_POOL_TIMEOUT_S = 10
_PRIMARY_ALONE = ("read-write", "primary")

Found = TypeVar("Found")


class Database:
    """One database, SQLite or PostgreSQL. Every transaction of the broker begins at `read` or `write`.

    `connections` is how many are kept open: as many as there are threads that ask. `reserve_bytes` is the room on
    SQLite's disk that is kept for acts which take sharing back.
    """

    def __init__(self, url: str, connections: int = 8, reserve_bytes: int = 0) -> None:
        self.engine = _create(url, connections)
        self._lock: WriteLock | None = None
        self._reserve: Reserve | None = None
        file = sqlite_file(self.engine)
        if file is not None:
            self._lock = WriteLock(file.with_name(f"{file.name}-write-lock"))
            self._reserve = Reserve(file.with_name(f"{file.name}.reserve"), reserve_bytes)
        self._writing = self._locking = self.engine.execution_options(**{_WRITE: True})
        self._reading = self.engine
        # Not SQLAlchemy's own AUTOCOMMIT, which would leave SQLite's driver another mode than the engine gave it.
        self._looking = self.engine.execution_options(**{_LOOK: True})
        if self.engine.dialect.name == "postgresql":
            # A grant, its categories and its accounts are several statements: they must be of one moment.
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            # Whoever waits for a lock must see what its holder has changed. Where the server wants SERIALIZABLE, what
            # is seen is chosen before the wait, and the one who has waited would be undone each time.
            self._locking = self._writing.execution_options(isolation_level="READ COMMITTED")
            self._looking = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that sees one state of the database throughout and changes nothing.

        Raises:
            StorageUnavailable: the database cannot be reached or read.
        """
        with _translated(), Session(self._reading, expire_on_commit=False) as session:
            yield session  # closing rolls back; an explicit rollback would expire the rows that the block returned

    @contextmanager
    def write(self, *, from_reserve: bool = False, locks_first: bool = False) -> Iterator[Session]:
        """Open a session whose changes are committed, durable, when the block ends; rolled back when it raises.

        SQLite: one flock for all processes, then BEGIN IMMEDIATE, so that what the block reads cannot change before
        it writes. Nobody may wait for another lock (a fence, a batch, a bank) inside the block. `from_reserve` is for
        what takes sharing back, and the session in which that is done: on a full disk they may use the reserve.
        `locks_first` is for what begins with a lock under which everything is decided: a log's. Else PostgreSQL's own
        `default_transaction_isolation` counts.

        Raises:
            StorageUnavailable: the database cannot be reached, locked in time or written.
            StorageConflict: the transaction lost to another one; see `change` and `edge.again`.
        """
        with _translated(), self._turn():
            self.make_room(from_reserve=from_reserve)
            engine = self._locking if locks_first else self._writing
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield session
            note_lasting()

    def change(self, act: Callable[[Session], Found], *, from_reserve: bool = False) -> Found:
        """Run a whole write transaction, again when it loses to another one; `act` does nothing besides.

        Raises:
            StorageUnavailable: as `write`; StorageConflict when it has lost each time.
        """

        def transaction() -> Found:
            with self.write(from_reserve=from_reserve) as session:
                return act(session)

        return again(transaction)

    @contextmanager
    def read_plain(self) -> Iterator[Plain]:
        """Open what `read` opens, for prepared statements alone: a fraction of its cost, for a platform's calls.

        Raises:
            StorageUnavailable: the database cannot be reached or read.
        """
        with _translated(), self._reading.connect() as connection:
            connection.begin()
            yield Plain(connection)  # closing rolls back

    @contextmanager
    def look(self) -> Iterator[Plain]:
        """Open what `read_plain` opens, for one single statement: it is of one moment by itself, and needs no BEGIN.

        Raises:
            StorageUnavailable: the database cannot be reached or read.
        """
        with _translated(), self._looking.connect() as connection:
            connection.begin()
            yield Plain(connection)

    @contextmanager
    def write_plain(self) -> Iterator[Plain]:
        """Open what `write` opens with `locks_first`, for prepared statements alone; never from the reserve.

        Raises:
            StorageUnavailable: the database cannot be reached, locked in time or written.
        """
        with _translated(), self._turn():
            self.make_room()
            with self._locking.begin() as connection:
                yield Plain(connection)
            note_lasting()

    def _turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self._lock is None else self._lock.held()

    def make_file(self) -> None:
        """Make SQLite's file if there is none; nothing but `broker db upgrade` does so.

        Raises:
            StorageUnavailable: its folder is missing or cannot be written.
        """
        file = sqlite_file(self.engine)
        try:
            if file is not None:
                file.touch(0o600)
        except OSError as error:
            raise StorageUnavailable(f"The database's file cannot be made: {error.strerror}.") from error

    def make_room(self, *, from_reserve: bool = False) -> None:
        """Keep the reserve whole, or give it to the database where the disk is full and `from_reserve` allows it.

        Raises:
            StorageUnavailable: the disk is full, and what is to be written may not use the reserve.
        """
        if self._reserve is None or not self._reserve.most_bytes:
            return
        if not from_reserve:
            self._reserve.keep()
        elif self._reserve.give_back_if_short():
            # What the write-ahead log holds goes into the database, so that its room is used again.
            with _translated(), self.engine.connect() as connection:
                connection.execute(text("PRAGMA wal_checkpoint(PASSIVE)"))

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
    except DBAPIError as error:
        if is_conflict(error):
            note_loss()
            raise StorageConflict from error
        raise StorageUnavailable from error
    except PoolTimeoutError as error:
        raise StorageUnavailable from error


def sqlite_file(engine: Engine) -> Path | None:
    """Return the file of a SQLite database, None for another kind."""
    return Path(engine.url.database or "").resolve() if engine.dialect.name == "sqlite" else None


def _create(url: str, connections: int) -> Engine:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # a port that is no number is told as a ValueError
        raise ConfigurationInvalid("BROKER_DATABASE_URL is not a database URL.") from error
    # A few more than threads, for work beside the calls; waiting for one ends in a coded error, never in a hang.
    pool = {"pool_size": connections, "max_overflow": 4, "pool_timeout": _POOL_TIMEOUT_S}
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:" or parsed.query:
            raise ConfigurationInvalid("BROKER_DATABASE_URL must name a SQLite file, without options.")
        engine = sqlite_engine(parsed, Path(parsed.database), pool)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() == "postgresql":
        if _may_be_a_replica(parsed):
            raise ConfigurationInvalid("BROKER_DATABASE_URL has several hosts: add target_session_attrs=read-write.")
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={name: value for name, value in POSTGRESQL_LIMITS.items() if name not in parsed.query},
            hide_parameters=True,
            **pool,
        )
        event.listen(engine, "checkin", _forget_access_mode)
        ask_rested(engine)
        return engine
    raise ConfigurationInvalid("BROKER_DATABASE_URL must be a sqlite or postgresql URL.")


def _may_be_a_replica(url: URL) -> bool:
    """Say whether a session may end on a machine that follows another: a grant read there may be stopped already."""
    hosts = ",".join(map(str, (url.host or "", *url.normalized_query.get("host", ()))))
    return "," in hosts.strip(",") and url.query.get("target_session_attrs") not in _PRIMARY_ALONE


def _forget_access_mode(connection: Any, _record: Any) -> None:
    """Let the next transaction begin as the server wants: after a read SQLAlchemy would ask for READ WRITE.

    A server whose operator has made it read-only (default_transaction_read_only) must not be written all the same.
    """
    if connection is not None:
        connection.read_only = None


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get(_LOOK, False):
        run(connection, "BEGIN IMMEDIATE" if options.get(_WRITE, False) else "BEGIN")


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
