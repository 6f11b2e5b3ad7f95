"""SQLite's file: the one at its path or none; what was moved away is not written any more."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from broker.errors import StorageUnavailable
from broker.storage import schema
from broker.storage.condition import check_writable
from broker.storage.engine import Database
from broker.users.models import UserRow
from tests.support.core import NOON
from tests.support.stores import SqliteStore


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return SqliteStore(tmp_path / "broker.db").path


@pytest.fixture
def on_file(file: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{file}")
    yield opened
    opened.close()


def writes(database: Database, name: str) -> None:
    with database.write() as session:
        session.add(UserRow(id=name, created_at=NOON))


def users(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(UserRow.id).order_by(UserRow.id)))


def test_a_file_that_was_moved_away_is_neither_written_nor_read_nor_made_anew(on_file: Database, file: Path) -> None:
    writes(on_file, "u1")
    away = file.with_name("elsewhere.db")
    file.rename(away)
    with pytest.raises(StorageUnavailable):
        writes(on_file, "u2")
    with pytest.raises(StorageUnavailable):
        users(on_file)
    with pytest.raises(StorageUnavailable):
        check_writable(on_file)
    assert not file.exists()
    away.rename(file)
    writes(on_file, "u3")
    assert users(on_file) == ["u1", "u3"]


def test_another_file_at_the_path_is_the_database_from_then_on(on_file: Database, file: Path) -> None:
    backup = file.with_name("backup.db")
    shutil.copy(file, backup)
    writes(on_file, "u1")
    file.unlink()
    for name in ("broker.db-wal", "broker.db-shm"):
        file.with_name(name).unlink()
    backup.rename(file)
    assert users(on_file) == []
    writes(on_file, "u2")
    assert users(on_file) == ["u2"]


def test_only_an_upgrade_makes_the_file_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    database = Database(f"sqlite:///{path}")
    with pytest.raises(StorageUnavailable):
        writes(database, "u1")
    assert not path.exists()
    schema.upgrade(database)
    assert path.stat().st_mode & 0o777 == 0o600
    writes(database, "u1")
    database.close()


def test_a_missing_folder_is_told_and_not_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'absent' / 'new.db'}")
    with pytest.raises(StorageUnavailable, match="No such file"):
        schema.upgrade(database)
    assert not (tmp_path / "absent").exists()


def test_a_process_whose_sync_fails_ends_before_it_acknowledges_anything(file: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        assert os.environ.get("CI") != "true", "CI needs strace"
        pytest.skip("strace is not installed")
    url, trace = f"sqlite:///{file}", file.with_name("trace")
    program = (
        "from broker.storage.engine import Database\n"
        "from sqlalchemy import text\n"
        f"with Database({url!r}).write() as session:\n"
        "    session.execute(text('CREATE TABLE kept (id INTEGER)'))\n"
        "print('acknowledged')\n"
    )
    fails = ["-f", "-qq", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"]
    command = [strace, *fails, "-o", str(trace), sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (os.EX_IOERR, ""), ended.stderr
    assert "INJECTED" in trace.read_text(encoding="utf-8")
