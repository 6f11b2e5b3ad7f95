"""Reads a request from a socket within a time and a size, however slowly or endlessly the bytes drip."""

import io
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class DeadlineReader(io.RawIOBase):
    """What a socket sends within `seconds` of the last `restart`, `most_bytes` at most."""

    def __init__(self, sock: socket.socket, seconds: float, most_bytes: int) -> None:
        super().__init__()
        self._sock = sock
        self._seconds = seconds
        self._most_bytes = most_bytes
        self.restart()

    def restart(self) -> None:
        """Begin time and size anew, for a further request."""
        self._ends_at = time.monotonic() + self._seconds
        self._bytes_left = self._most_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read what is there, at most what is allowed.

        Raises:
            TimeoutError: nothing came in time, or more has come than is allowed.
        """
        left = self._ends_at - time.monotonic()
        if left <= 0 or not self._bytes_left:
            raise TimeoutError
        self._sock.settimeout(left)
        count = self._sock.recv_into(memoryview(buffer)[: self._bytes_left])
        self._bytes_left -= count
        return count
