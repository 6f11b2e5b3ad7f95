"""SQLite: what would lose acknowledged entries is refused, what cannot be opened or written is told as unavailable."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, select, text

from broker.errors import ConfigurationInvalid, StorageUnavailable
from broker.storage.engine import Database
from broker.users.models import UserRow
from tests.support.core import NOON
from tests.support.stores import SqliteStore


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Database]:
    opened = Database(SqliteStore(tmp_path / "broker.db").url)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("pragma", "complaint"),
    [
        ("synchronous=NORMAL", "synchronous=FULL"),
        ("synchronous=OFF", "synchronous=FULL"),
        ("journal_mode=DELETE", "WAL"),
    ],
)
def test_a_database_that_could_lose_acknowledged_entries_is_refused(
    on_file: Database, pragma: str, complaint: str
) -> None:
    def weaken(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    event.listen(on_file.engine, "connect", weaken)
    with pytest.raises(ConfigurationInvalid, match=complaint):
        on_file.check_durability()


def test_a_stricter_database_than_needed_is_accepted(on_file: Database) -> None:
    event.listen(on_file.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=EXTRA"))
    on_file.check_durability()


def test_a_database_in_another_journal_mode_is_brought_to_wal(on_file: Database, tmp_path: Path) -> None:
    on_file.close()
    connection = sqlite3.connect(tmp_path / "broker.db")
    assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    connection.close()
    on_file.check_durability()


def test_a_read_only_database_is_told_as_unavailable(on_file: Database) -> None:
    event.listen(on_file.engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only=ON"))
    with pytest.raises(StorageUnavailable) as refusal, on_file.write() as session:
        session.add(UserRow(id="canary-user", created_at=NOON))
    assert "canary" not in str(refusal.value)
    with on_file.read() as session:
        assert session.scalars(select(UserRow.id)).all() == []


@pytest.mark.parametrize("what", ["folder", "no database", "no folder"])
def test_a_database_that_cannot_be_opened_is_told_as_unavailable(tmp_path: Path, what: str) -> None:
    path = tmp_path / "broker.db"
    if what == "folder":
        path.mkdir()
    elif what == "no database":
        path.write_bytes(b"this is no database, however long one looks at it. " * 100)
    else:
        path = tmp_path / "absent" / "broker.db"
    database = Database(f"sqlite:///{path}")
    with pytest.raises(StorageUnavailable), database.read() as session:
        session.execute(text("SELECT 1"))
    with pytest.raises(StorageUnavailable):
        database.check_durability()
