"""Lets one write at a time into a SQLite file: SQLite's own waiting polls, and starves writers under load.

Trusted: whoever deletes the lock file while processes run lets two writers meet; SQLite's lock then still keeps the
data whole, only slower.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.errors import StorageUnavailable

_WAIT_S = 10.0


class WriteLock:
    """An flock on a file beside the database, taken before BEGIN IMMEDIATE by every write of every process.

    `wait_s` is how long a thread waits for the others of its process; for another process there is no limit.
    """

    def __init__(self, path: Path, wait_s: float = _WAIT_S) -> None:
        self._path = path
        self._wait_s = wait_s
        self._inside = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for the block. One thread of each process waits for the file, the others for that thread.

        Raises:
            StorageUnavailable: the lock file cannot be opened, or other threads of this process did not let go in time.
        """
        if not self._inside.acquire(timeout=self._wait_s):
            raise StorageUnavailable
        try:
            # A descriptor of its own for each holder: flock belongs to the open file, and a fork would share it.
            descriptor = _opened(self._path)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)
        finally:
            self._inside.release()


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageUnavailable from error
