"""One connection: what it waits for, what has arrived, and what must still be handed to the kernel."""

import math
import socket
import struct
import time
from enum import Enum, auto
from typing import Any

from broker.cli.serving.intake import Intake

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: unsent bytes are dropped, the peer sees a reset


class Waiting(Enum):
    """What the poller waits for on a connection."""

    HEAD = auto()
    BODY = auto()
    NEXT = auto()
    HAND_OVER = auto()
    DOWNLOAD = auto()
    GOODBYE = auto()

    @classmethod
    def of_reading(cls) -> frozenset["Waiting"]:
        """Return what a client can be waited for without an answer under way."""
        return frozenset({cls.HEAD, cls.BODY, cls.NEXT, cls.GOODBYE})

    @classmethod
    def of_sending(cls) -> frozenset["Waiting"]:
        """Return what a client is waited for with an answer half sent."""
        return frozenset({cls.HAND_OVER, cls.DOWNLOAD})


class Outbox:
    """Takes the place of the socket while an answer is written: nothing leaves before it is complete."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.answer: Any = None  # what the application returned; its `close()` is owed
        self.sending = Waiting.HAND_OVER  # how the client is waited for who does not take all of it at once

    def sendall(self, data: bytes) -> None:
        self.parts.append(data)

    def shutdown(self, _how: int) -> None:
        """Drop an answer that failed half-way (gunicorn ends the connection then)."""
        self.parts.clear()
        raise OSError

    def close(self) -> None:
        self.parts.clear()


class Connection:
    """Belongs to the poller, or to one thread of the pool while a request is answered; never to both."""

    def __init__(self, cfg: Any, client: socket.socket, peer: Any, server: Any, body_max_bytes: int) -> None:
        self.socket = client
        self.client = peer
        self.server = server
        self.intake = Intake(cfg, peer, body_max_bytes)
        self.sock = Outbox()  # the name that gunicorn writes to
        self.waiting: Waiting | None = None  # None: a thread has it
        self.deadline = math.inf
        self.keeps = False  # whether the connection outlives the answer
        self.has_served = False
        self.has_begun = False  # whether a byte of the answer may have left
        self._unsent = memoryview(b"")

    def wait_for(self, waiting: Waiting | None, *, at_most_s: float = math.inf) -> None:
        """Begin to wait; waiting on for the same thing gives no more time."""
        if waiting is not self.waiting:
            self.waiting = waiting
            self.deadline = time.monotonic() + at_most_s

    def receive(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None when it was nothing after all."""
        try:
            return self.socket.recv(65_536)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def begin_hand_over(self) -> None:
        """Take the finished answer out of the outbox."""
        self._unsent = memoryview(b"".join(self.sock.parts))
        self.sock.parts.clear()
        self.has_begun = True

    def send(self) -> bool:
        """Give the kernel what it takes without waiting; True when the last byte has been given.

        Raises:
            OSError: the client is gone.
        """
        try:
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            return False
        return True

    def close_answer(self) -> None:
        """Call the `close()` that the application is owed, once."""
        answer, self.sock.answer = self.sock.answer, None
        if hasattr(answer, "close"):
            answer.close()

    def cut(self) -> None:
        """End the connection at once; what the kernel has not sent is dropped."""
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        finally:
            self.socket.close()
