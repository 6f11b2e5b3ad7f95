"""Room on SQLite's disk that only taking back may use: when the disk is full, people can still revoke.

The room is a file beside the database. Whoever takes sharing back, or keeps the session in which that is done, gives
the file's room to the database; nothing else is written until the disk has room for the file again. Its size on the
disk is the state that all processes see.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from broker.errors import StorageUnavailable

_SHARE = 5  # at most a fifth of the disk
_NEEDED = 256 * 1024
"""Bytes that one act may need: its pages in the write-ahead log, and the database growing."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """The reserve at a path, so many bytes large, less on a small disk; none when `most_bytes` is 0."""

    path: Path
    most_bytes: int

    def keep(self) -> None:
        """Make sure that the reserve is whole before anything else than taking back is written.

        Raises:
            StorageUnavailable: it was given back, and the disk has no room for it.
        """
        size = self._size()
        if self._present() >= size:
            return
        # More room than the file takes: else the first write after it would find the disk full again.
        if self._free() < size + _NEEDED:
            raise StorageUnavailable("The disk is full.")
        try:
            self._allocate(size)
        except OSError as error:
            self.give_back()
            raise StorageUnavailable("The disk is full.") from error

    def give_back_if_short(self) -> bool:
        """Give the room to the database when the disk has none left; tell whether it is given back."""
        if self._present() and self._free() < _NEEDED:
            self.give_back()
        return self._present() < self._size()

    def give_back(self) -> None:
        """Make the file empty; it stays, because a full disk may have no room for a new name."""
        try:
            os.truncate(self.path, 0)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageUnavailable from error

    def _allocate(self, size: int) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        finally:
            os.close(descriptor)

    def _present(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def _size(self) -> int:
        return min(self.most_bytes, self._statvfs().f_blocks * self._statvfs().f_frsize // _SHARE)

    def _free(self) -> int:
        found = self._statvfs()
        return found.f_bavail * found.f_frsize

    def _statvfs(self) -> os.statvfs_result:
        try:
            return os.statvfs(self.path.parent)
        except OSError as error:
            raise StorageUnavailable from error
