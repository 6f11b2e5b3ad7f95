"""One write at a time into a SQLite file, over threads and processes."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from broker.errors import StorageUnavailable
from broker.storage.write_lock import WriteLock
from tests.support.race import ROOT
from tests.support.waiting import until

_HOLDER = """
import sys, pathlib
from broker.storage.write_lock import WriteLock
with WriteLock(pathlib.Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run another process that holds the lock until its input ends."""
    command = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_one_thread_is_inside_at_a_time(path: Path) -> None:
    lock, inside, most = WriteLock(path), [0], [0]

    def enters(_: int) -> None:
        with lock.held():
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enters, range(200)))
    assert most == [1]


@pytest.mark.parametrize("end", ["in order", "killed"])
def test_a_write_waits_for_the_process_that_is_inside(path: Path, holder: subprocess.Popen[str], end: str) -> None:
    def enters() -> int | None:
        with lock.held():
            return holder.wait(20)

    lock = WriteLock(path)
    with ThreadPoolExecutor(1) as pool:
        turn = pool.submit(enters)
        until(lambda: waits_in_the_kernel(path))
        assert not turn.done()
        if end == "killed":
            holder.kill()
        else:
            assert holder.stdin is not None
            holder.stdin.write("go\n")
            holder.stdin.flush()
        assert turn.result(20) == (-9 if end == "killed" else 0)


def waits_in_the_kernel(path: Path) -> bool:
    inode = path.stat().st_ino
    locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    return any("->" in line and f":{inode} " in line for line in locks)


def test_a_thread_that_waits_too_long_is_told_as_unavailable(path: Path) -> None:
    lock = WriteLock(path, wait_s=0.02)
    with lock.held(), ThreadPoolExecutor(1) as pool:
        assert isinstance(pool.submit(lock.held().__enter__).exception(20), StorageUnavailable)
    with lock.held():
        pass


def test_a_write_that_fails_lets_the_next_one_in(path: Path) -> None:
    lock = WriteLock(path, wait_s=0.02)
    with pytest.raises(ZeroDivisionError), lock.held():
        raise ZeroDivisionError
    with lock.held():
        pass


def test_a_lock_file_that_cannot_be_opened_is_told_as_unavailable(path: Path) -> None:
    lock = WriteLock(path, wait_s=0.02)
    path.mkdir()
    with pytest.raises(StorageUnavailable), lock.held():
        pass
    path.rmdir()
    with lock.held():
        pass
