"""The room that is kept for taking back: there from the first write, given back, taken again when there is room."""

import os
from pathlib import Path

import pytest

from broker.errors import StorageUnavailable
from broker.storage.engine import Database
from broker.storage.reserve import Reserve
from tests.support.stores import SqliteStore

_BYTES = 1_000_000


@pytest.fixture
def reserve(tmp_path: Path) -> Reserve:
    return Reserve(tmp_path / "reserve", _BYTES)


def test_it_takes_its_room_on_the_disk_and_not_only_in_the_name(reserve: Reserve) -> None:
    reserve.keep()
    found = reserve.path.stat()
    assert (found.st_size, found.st_mode & 0o777) == (_BYTES, 0o600)
    assert found.st_blocks * 512 >= _BYTES


def test_it_is_not_given_back_while_the_disk_has_room(reserve: Reserve) -> None:
    reserve.keep()
    assert not reserve.give_back_if_short()
    assert reserve.path.stat().st_size == _BYTES


def test_what_was_given_back_is_taken_again_when_there_is_room(reserve: Reserve) -> None:
    reserve.keep()
    reserve.give_back()
    assert reserve.path.stat().st_size == 0
    reserve.keep()
    assert reserve.path.stat().st_size == _BYTES


def test_giving_back_what_was_never_kept_changes_nothing(reserve: Reserve) -> None:
    reserve.give_back()
    assert not reserve.path.exists()


def test_it_is_a_fifth_of_the_disk_at_most(tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    whole = disk.f_blocks * disk.f_frsize
    huge = Reserve(tmp_path / "reserve", 2 * whole)
    assert huge._size() == whole // 5


def test_it_says_so_when_its_folder_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        Reserve(tmp_path / "absent" / "reserve", _BYTES).keep()


def test_a_database_keeps_it_beside_its_file_from_the_first_write(tmp_path: Path) -> None:
    url, beside = SqliteStore(tmp_path / "broker.db").url, tmp_path / "broker.db.reserve"
    without = Database(url)
    with without.write():
        assert not beside.exists()  # this one asked for none
    without.close()
    database = Database(url, reserve_bytes=_BYTES)
    with database.read():
        assert not beside.exists()
    with database.write(from_reserve=True):
        assert not beside.exists()
    with database.write():
        assert beside.stat().st_size == _BYTES
    database.close()
