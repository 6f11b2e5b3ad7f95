"""A bank that lies: it takes the place of a fleet's quick bank, on its port, and answers data requests as told."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.fleet import Fleet
from tests.support.quick_bank import _Bank

_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the broker: its path with the query, whose token it carries, what an honest bank would say."""

    path: str
    customer: str
    honest: Any


Lie = Callable[[socket.socket, Asked, threading.Event], None]
"""Answers one request on its connection, however it likes; the event is set when the bank closes."""


def truth(connection: socket.socket, asked: Asked, _closing: threading.Event) -> None:
    connection.sendall(answer(asked.honest, 404 if asked.honest is None else 200))


def answer(content: Any, status: int = 200, *headers: str) -> bytes:
    """Write an answer: bytes as they are, anything else as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body)}", "Connection: close", *headers]
    if not any(line.lower().startswith("content-type") for line in headers):
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class LyingBank:
    """Stands where a quick bank stood; honest until told to lie."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.origin = f"http://localhost:{port}"
        self.lie: Lie = truth
        self.asked: list[Asked] = []
        self._honest = _Bank(port)
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @contextlib.contextmanager
    def lying(self, lie: Lie) -> Any:
        """Lie for a while."""
        self.lie = lie
        try:
            yield self
        finally:
            self.lie = truth

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # A broker that cuts the line early is what these tests are about.
        with connection, contextlib.suppress(OSError):
            connection.settimeout(30)
            head = b""
            while b"\r\n\r\n" not in head:
                chunk = connection.recv(_READ_BYTES)
                if not chunk:
                    return
                head += chunk
            asked = self._understood(head.decode("latin-1"))
            self.asked.append(asked)
            self.lie(connection, asked, self._closing)

    def _understood(self, head: str) -> Asked:
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        customer = headers.get("authorization", "").removeprefix("Bearer of-")
        path = first.split(" ")[1]
        return Asked(path, customer, self._honest.answer(path.partition("?")[0], customer))


def replace_bank(fleet: Fleet, bank_id: str = "harbor") -> LyingBank:
    """Let a lying bank stand where the fleet's quick bank stood; the fleet closes it at its end."""
    quick = fleet.banks[bank_id]
    quick.close()
    bank: Any = LyingBank(quick.port)
    fleet.banks[bank_id] = bank
    lying: LyingBank = bank
    return lying
