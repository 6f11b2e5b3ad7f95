"""The instant at which a call ends whatever the other side does: a server that drips bytes is cut off."""

import http.client
import io
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from broker.errors import BankTimeout

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on a monotonic clock, in seconds."""

    ends_at: float
    monotonic: Callable[[], float]

    def remaining(self) -> float:
        """Give the seconds that are left, always more than none.

        Raises: BankTimeout when it has passed.
        """
        left = self.ends_at - self.monotonic()
        if left <= 0:
            raise BankTimeout
        return left

    def allows(self, seconds: float) -> bool:
        """Tell whether so many seconds can still pass before it."""
        return self.monotonic() + seconds < self.ends_at


class DeadlineResponse(http.client.HTTPResponse):
    """A response of which status line, headers and body all have to arrive before one deadline."""

    def __init__(self, deadline: Deadline, sock: socket.socket, method: str | None = None) -> None:
        # http.client takes nothing from the socket but the file that it makes.
        super().__init__(cast("Any", _DeadlineSocket(sock, deadline)), method=method)


class _DeadlineSocket:
    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineStream(self._sock, self._deadline))


class _DeadlineStream(io.RawIOBase):
    """Sets the socket's timeout anew before each read: by itself it limits one read, not their sum."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        self._sock.settimeout(self._deadline.remaining())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
