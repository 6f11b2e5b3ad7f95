"""Fences of one machine, for SQLite: flock on striped files, with a turnstile so that readers cannot starve a revoke.

Linux gives a shared flock to newcomers while somebody waits for it alone. Therefore each stripe has a second lock, the
turnstile: a newcomer passes it on the way in, who wants to be alone stays in it until the others have left.
"""

import fcntl
import os
import threading
import time
from collections.abc import Collection
from pathlib import Path
from typing import Self

from broker.errors import StorageUnavailable

_STRIPES = 256
_PAUSE_S = 0.001


class FileHold:
    """Open files that hold locks; closing them drops the locks, and so does the end of the process."""

    def __init__(self) -> None:
        self._descriptors: list[int] = []
        self._mutex = threading.Lock()

    def opened(self, path: Path) -> int:
        """Open the file anew, because flock belongs to the open file.

        Raises:
            StorageUnavailable: the file cannot be opened.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageUnavailable from error
        self._descriptors.append(descriptor)
        return descriptor

    def take(self, path: Path, kind: int, deadline: float) -> int:
        """Open the file and lock it.

        Raises:
            StorageUnavailable: the file cannot be opened, or the lock not be had before the deadline.
        """
        descriptor = self.opened(path)
        # Tried again and again, because a blocking flock has no time limit.
        while True:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise StorageUnavailable from error
                time.sleep(_PAUSE_S)
            except OSError as error:
                raise StorageUnavailable from error
            else:
                return descriptor

    def leave(self, descriptor: int) -> None:
        """Drop one of the locks."""
        self._descriptors.remove(descriptor)
        os.close(descriptor)

    def drop(self) -> None:
        """Drop all locks."""
        with self._mutex:
            descriptors, self._descriptors = self._descriptors, []
        for descriptor in descriptors:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    def __del__(self) -> None:
        self.drop()


class FileFences:
    """Fences in a folder beside the database. Grants share a stripe by chance, which only makes them wait.

    `wait_s` is how long one waits to be alone. Who shares waits longer: for that one to give up, or to be done.
    """

    def __init__(self, folder: Path, wait_s: float) -> None:
        self._folder = folder
        self._wait_s = wait_s

    def shared(self, key: int) -> FileHold:
        """Hold the stripe with others.

        Raises:
            StorageUnavailable: somebody holds it alone for too long, or the folder cannot be written.
        """
        deadline = time.monotonic() + 2 * self._wait_s
        stripe, hold = key % _STRIPES, self._hold()
        try:
            turnstile = hold.take(self._turnstile(stripe), fcntl.LOCK_SH, deadline)
            hold.take(self._file(stripe), fcntl.LOCK_SH, deadline)
            hold.leave(turnstile)
        except StorageUnavailable:
            hold.drop()
            raise
        return hold

    def exclusive(self, keys: Collection[int]) -> FileHold:
        """Hold the stripes alone; distinct ones in ascending order, so that nobody waits in a circle.

        Raises:
            StorageUnavailable: a holder did not leave in time, or the folder cannot be written.
        """
        deadline = time.monotonic() + self._wait_s
        hold = self._hold()
        try:
            for stripe in sorted({key % _STRIPES for key in keys}):
                hold.take(self._turnstile(stripe), fcntl.LOCK_EX, deadline)
                hold.take(self._file(stripe), fcntl.LOCK_EX, deadline)
        except StorageUnavailable:
            hold.drop()
            raise
        return hold

    def prepare(self) -> None:
        """Make all files now: a disk that is full later might have no room for a new name.

        Raises:
            StorageUnavailable: the folder cannot be written.
        """
        hold = self._hold()
        with hold:
            for stripe in range(_STRIPES):
                for path in (self._file(stripe), self._turnstile(stripe)):
                    hold.leave(hold.opened(path))

    def close(self) -> None:
        """Nothing stays open between two holds."""

    def _hold(self) -> FileHold:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StorageUnavailable from error
        return FileHold()

    def _file(self, stripe: int) -> Path:
        return self._folder / f"{stripe:02x}"

    def _turnstile(self, stripe: int) -> Path:
        return self._folder / f"{stripe:02x}.turnstile"
