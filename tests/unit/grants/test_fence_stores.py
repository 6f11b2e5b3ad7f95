"""What each kind of fence does when its files or its database sessions fail."""

import fcntl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from broker.errors import StorageUnavailable
from broker.grants.fence import Fences
from broker.grants.file_fence import FileFences, FileHold
from broker.storage.engine import Database
from tests.support.postgres import PostgresServer
from tests.support.stores import Store
from tests.support.waiting import until

# Other tests have databases of their own on the same server.
_HERE = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture
def fences(store: Store) -> Iterator[Fences]:
    opened = Fences(Database(store.url), wait_s=0.3, connections=1)
    yield opened
    opened.close()


def sessions(store: Store, condition: str) -> list[int]:
    here = f"locktype = 'advisory' AND {_HERE}"
    found = store.rows(f"SELECT pid FROM pg_locks WHERE {here} AND {condition}")  # noqa: S608 - ours
    return [pid for (pid,) in found]


@on_postgresql
def test_a_session_that_is_ended_frees_its_fences_and_the_next_one_is_new(fences: Fences, store: Store) -> None:
    held = fences.shared("g")
    (pid,) = sessions(store, "granted")
    store.rows(f"SELECT pg_terminate_backend({pid}, 5000)")
    fences.exclusive(["g"]).drop()
    held.drop()
    for _ in range(3):
        fences.shared("g").drop()
    assert sessions(store, "granted") == []


@on_postgresql
def test_a_session_that_is_ended_while_it_waits_is_told_as_unavailable(store: Store) -> None:
    patient = Fences(Database(store.url), wait_s=20)
    with ThreadPoolExecutor(1) as pool, patient.shared("g"):
        waiter = pool.submit(patient.exclusive, ["g"])
        until(lambda: sessions(store, "NOT granted"))
        store.rows(f"SELECT pg_terminate_backend({sessions(store, 'NOT granted')[0]}, 5000)")
        with pytest.raises(StorageUnavailable):
            waiter.result()
    patient.exclusive(["g"]).drop()
    patient.close()


@on_postgresql
def test_no_more_is_held_at_once_than_there_are_sessions(fences: Fences) -> None:
    held = [fences.shared(f"g{number}") for number in range(5)]
    with pytest.raises(StorageUnavailable):
        fences.shared("g9")
    held.pop().drop()
    fences.shared("g9").drop()


@on_postgresql
def test_the_limits_of_many_locks_do_not_add_up(fences: Fences, store: Store) -> None:
    """Each of these locks comes within its limit; together they would take longer than one may wait."""
    blocker = Fences(Database(store.url))
    names = sorted(["a", "b", "c"], key=fences._key)
    held = [blocker.shared(name) for name in names[:2]]
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(fences.exclusive, names)
        for one in held:
            until(lambda: sessions(store, "NOT granted") or waiter.done())
            began = time.monotonic()
            until(lambda: time.monotonic() - began > 0.2)  # noqa: B023 - asked in this round
            one.drop()
        with pytest.raises(StorageUnavailable):
            waiter.result()
    fences.exclusive(names).drop()
    blocker.close()


@on_postgresql
def test_a_database_that_is_gone_is_told_as_unavailable(fences: Fences, store: Store, postgres: PostgresServer) -> None:
    fences.shared("g").drop()
    store.vanishes()
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            fences.shared("g")
    postgres.runs(f"CREATE DATABASE {store.url.rpartition('/')[2]}")
    fences.shared("g").drop()


@pytest.mark.parametrize("what", ["folder", "stripe"])
def test_a_folder_that_cannot_be_used_is_told_as_unavailable(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "fences"
    if what == "folder":
        folder.write_bytes(b"")
    else:
        (folder / "01").mkdir(parents=True)
    fences = FileFences(folder, 0.05)
    for take in (lambda: fences.shared(1), lambda: fences.exclusive([1])):
        with pytest.raises(StorageUnavailable):
            take()
    if what == "stripe":
        (folder / "01").rmdir()
        fences.exclusive([1]).drop()


def test_a_lock_that_the_system_refuses_is_told_as_unavailable(tmp_path: Path) -> None:
    with FileHold() as hold, pytest.raises(StorageUnavailable):
        hold.take(tmp_path / "x", fcntl.LOCK_SH | fcntl.LOCK_EX, time.monotonic())


def test_grants_of_one_stripe_are_taken_once(tmp_path: Path) -> None:
    fences = FileFences(tmp_path / "fences", 0.05)
    with fences.exclusive([1, 257, 513]), pytest.raises(StorageUnavailable):
        fences.shared(1 + 4 * 256)
    fences.shared(1).drop()


def test_after_preparation_no_hold_needs_a_new_name_on_the_disk(tmp_path: Path) -> None:
    fences = FileFences(tmp_path / "fences", wait_s=0.1)
    fences.prepare()
    made = {path.name for path in (tmp_path / "fences").iterdir()}
    with fences.exclusive(range(1_000)):
        assert {path.name for path in (tmp_path / "fences").iterdir()} == made
    with fences.shared(7):
        assert {path.name for path in (tmp_path / "fences").iterdir()} == made
