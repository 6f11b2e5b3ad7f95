"""Honest clients: each sends a request, waits for the whole answer, and sends the next."""

import re
import selectors
import socket
import time
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATIENCE_S = 2.0


@dataclass(slots=True)
class Result:
    """What a number of clients saw; latencies in seconds."""

    seconds: float
    failures: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies) or [float("inf")]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(slots=True, eq=False)
class _Client:
    connection: socket.socket
    sent_at: float = 0.0
    answer: bytearray = field(default_factory=bytearray)

    def is_whole(self) -> bool:
        end = self.answer.find(b"\r\n\r\n")
        length = _LENGTH.search(self.answer)
        return end >= 0 and length is not None and len(self.answer) >= end + 4 + int(length[1])


class _Clients:
    def __init__(self, port: int, path: str, pause: float, result: Result) -> None:
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self._pause = pause
        self._result = result
        self._selector = selectors.DefaultSelector()
        self._due: list[tuple[float, _Client]] = []

    def open(self) -> None:
        client = _Client(socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE_S))
        client.connection.setblocking(False)
        self._selector.register(client.connection, selectors.EVENT_READ, client)
        self._due.append((time.monotonic() + self._pause, client))

    def turn(self) -> None:
        """Send what is due, read what came, give up on what takes too long."""
        now = time.monotonic()
        ready = [client for at, client in self._due if at <= now]
        self._due = [(at, client) for at, client in self._due if at > now]
        for client in ready:
            self._send(client)
        for key, _ in self._selector.select(0.005 if self._due else 0.2):
            self._read(key.data)
        for client in [key.data for key in self._selector.get_map().values()]:
            if client.sent_at and now - client.sent_at > _PATIENCE_S:
                self._open_anew(client)

    def close(self) -> None:
        for key in list(self._selector.get_map().values()):
            key.data.connection.close()
        self._selector.close()

    def _send(self, client: _Client) -> None:
        client.answer.clear()
        client.sent_at = time.monotonic()
        try:
            client.connection.send(self._request)
        except OSError:
            self._open_anew(client)

    def _read(self, client: _Client) -> None:
        try:
            data = client.connection.recv(1 << 16)
        except OSError:
            data = b""
        client.answer += data
        if not data:
            self._open_anew(client)
        elif client.is_whole():
            now = time.monotonic()
            if client.answer.startswith(b"HTTP/1.1 200"):
                self._result.latencies.append(now - client.sent_at)
            else:
                self._result.failures += 1
            client.sent_at = 0.0
            self._due.append((now + self._pause, client))

    def _open_anew(self, client: _Client) -> None:
        self._result.failures += client.sent_at > 0
        self._due = [entry for entry in self._due if entry[1] is not client]
        self._selector.unregister(client.connection)
        client.connection.close()
        self.open()


def load(port: int, path: str, clients: int, seconds: float, pause: float = 0.0) -> Result:
    """Send GET requests for `seconds`; with a `pause` each client waits so long after an answer."""
    result = Result(seconds)
    all_clients = _Clients(port, path, pause, result)
    for _ in range(clients):
        all_clients.open()
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        all_clients.turn()
    all_clients.close()
    return result
