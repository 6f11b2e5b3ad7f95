"""SQLite's file: the one at its path or none; what was moved away is not written any more."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from broker.errors import StorageUnavailable
from broker.storage import schema
from broker.storage.condition import check_writable
from broker.storage.engine import Database
from broker.users.models import UserRow
from tests.support.core import NOON, House


def writes(database: Database, name: str) -> None:
    with database.write() as session:
        session.add(UserRow(id=name, created_at=NOON))


def users(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(UserRow.id).where(UserRow.id.like("u%")).order_by(UserRow.id)))


def test_a_file_that_was_moved_away_is_neither_written_nor_read_nor_made_anew(house: House) -> None:
    writes(house.database, "u1")
    away = house.path.with_name("elsewhere.db")
    house.path.rename(away)
    with pytest.raises(StorageUnavailable):
        writes(house.database, "u2")
    with pytest.raises(StorageUnavailable):
        users(house.database)
    with pytest.raises(StorageUnavailable):
        check_writable(house.database)
    assert not house.path.exists()
    away.rename(house.path)
    writes(house.database, "u3")
    assert users(house.database) == ["u1", "u3"]


def test_another_file_at_the_path_is_the_database_from_then_on(house: House) -> None:
    house.database.close()
    backup = house.path.with_name("backup.db")
    shutil.copy(house.path, backup)
    writes(house.database, "u1")
    house.path.unlink()
    for name in ("broker.db-wal", "broker.db-shm"):
        house.path.with_name(name).unlink()
    backup.rename(house.path)
    assert users(house.database) == []
    writes(house.database, "u2")
    assert users(house.database) == ["u2"]


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
