"""One database of a test, seen from beside the broker: on connections of its own, and on the disk."""

import sqlite3
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from broker.storage import schema
from broker.storage.engine import Database
from tests.support.postgres import PostgresServer


class Store(ABC):
    """A database that is at the newest revision and empty when a test begins."""

    def __init__(self, url: str) -> None:
        self.url = url
        driver = make_url(url).set(drivername="sqlite" if url.startswith("sqlite") else "postgresql+psycopg")
        self._engine = create_engine(driver, poolclass=NullPool)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what is committed."""
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execution_options(no_parameters=True).exec_driver_sql(query)]

    def runs(self, *statements: str) -> None:
        with self._engine.begin() as connection:
            for statement in statements:
                connection.execution_options(no_parameters=True).exec_driver_sql(statement)

    @abstractmethod
    def breaks_log_at(self, event: str) -> None:
        """Make the database refuse entries of this event, as a full disk would."""

    @abstractmethod
    def mends_log(self) -> None:
        """Let it take them again."""

    @abstractmethod
    def stored_bytes(self) -> bytes:
        """Return every byte that the database has on the disk, deleted rows included."""

    @abstractmethod
    def vanishes(self) -> None:
        """Take the database away for good."""


NewStore = Callable[[Path], AbstractContextManager[Store]]


class SqliteStore(Store):
    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(_empty_file())
        super().__init__(f"sqlite:///{path}")

    def breaks_log_at(self, event: str) -> None:
        self.runs(
            "CREATE TRIGGER disk_full BEFORE INSERT ON audit_entries "
            f"WHEN NEW.event = '{event}' BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )

    def mends_log(self) -> None:
        self.runs("DROP TRIGGER disk_full")

    def stored_bytes(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.path.parent.glob(self.path.name + "*")))

    def vanishes(self) -> None:
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink()


class PostgresStore(Store):
    def __init__(self, server: PostgresServer, url: str) -> None:
        super().__init__(url)
        self.server = server

    def breaks_log_at(self, event: str) -> None:
        self.runs(
            "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = 'disk_full'; END $$",
            f"CREATE TRIGGER disk_full BEFORE INSERT ON audit_entries FOR EACH ROW WHEN (NEW.event = '{event}') "
            "EXECUTE FUNCTION disk_full()",
        )

    def mends_log(self) -> None:
        self.runs("DROP TRIGGER disk_full ON audit_entries", "DROP FUNCTION disk_full()")

    def stored_bytes(self) -> bytes:
        self.server.runs("CHECKPOINT")
        files = (
            "SELECT pg_read_binary_file(path) FROM (SELECT pg_relation_filepath(oid) AS path FROM pg_class "
            "WHERE oid >= 16384) AS files WHERE path IS NOT NULL"
        )
        return b"".join(row[0] for row in self.rows(files))

    def vanishes(self) -> None:
        self.server.drop_database(self.url)


class PostgresStores:
    """Databases of one server, each lent to one test at a time and emptied in between: new ones cost ten times more."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._free: list[tuple[str, psycopg.Connection]] = []
        self._template = ""

    @contextmanager
    def lent(self) -> Iterator[PostgresStore]:
        url, keeper = self._free.pop() if self._free else self._new()
        yield PostgresStore(self.server, url)
        with suppress(psycopg.Error):
            if _emptied(keeper):
                self._free.append((url, keeper))
                return
        keeper.close()
        self.server.drop_database(url)

    def close(self) -> None:
        for _, keeper in self._free:
            keeper.close()

    def _new(self) -> tuple[str, psycopg.Connection]:
        if not self._template:
            url = self.server.new_database()
            migrate(url)
            self._template = url.rpartition("/")[2]
        url = self.server.new_database(self._template)
        # The guard of the log is a trigger; the replica role passes it. Nobody may keep this waiting.
        options = "-c session_replication_role=replica -c lock_timeout=2s"
        keeper = psycopg.connect(url, autocommit=True, options=options)
        keeper.execute(f"CREATE TEMP TABLE original AS {_SHAPE}")
        return url, keeper


_SHAPE = """
SELECT oid::bigint FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT oid FROM pg_trigger UNION ALL SELECT oid FROM pg_proc WHERE oid >= 16384
UNION ALL SELECT setdatabase FROM pg_db_role_setting UNION ALL SELECT hashtext(version_num) FROM alembic_version
"""


def _emptied(keeper: psycopg.Connection) -> bool:
    """Empty all tables; False when a test has changed more than rows."""
    changed = keeper.execute(f"({_SHAPE} EXCEPT ALL TABLE original) UNION ALL (TABLE original EXCEPT ALL ({_SHAPE}))")
    if changed.fetchone() is not None:
        return False
    tables = keeper.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
        "AND relname <> 'alembic_version'"
    )
    keeper.execute("; ".join(f"DELETE FROM {name}" for (name,) in tables.fetchall()).encode())  # noqa: S608 - our tables
    return True


def migrate(url: str) -> None:
    """Bring an empty database to the newest revision."""
    database = Database(url)
    schema.upgrade(database)
    database.close()


@cache
def _empty_file() -> bytes:
    """Migrate once; every test gets a copy of the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        migrate(f"sqlite:///{path}")
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return path.read_bytes()
