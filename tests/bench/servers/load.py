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


@dataclass(slots=True)
class _Client:
    connection: socket.socket
    sent_at: float = 0.0
    answer: bytearray = field(default_factory=bytearray)

    def is_whole(self) -> bool:
        end = self.answer.find(b"\r\n\r\n")
        length = _LENGTH.search(self.answer)
        return end >= 0 and length is not None and len(self.answer) >= end + 4 + int(length[1])


def load(port: int, path: str, clients: int, seconds: float, pause: float = 0.0) -> Result:
    """Send GET requests for `seconds`; with a `pause` each client waits so long after an answer."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    result = Result(seconds)
    selector = selectors.DefaultSelector()
    due: list[tuple[float, _Client]] = []
    began = time.monotonic()

    def send(client: _Client) -> None:
        client.answer.clear()
        client.sent_at = time.monotonic()
        try:
            client.connection.send(request)
        except OSError:
            again(client, failed=True)

    def again(client: _Client, *, failed: bool) -> None:
        result.failures += failed
        selector.unregister(client.connection)
        client.connection.close()
        due.append((time.monotonic() + pause, open_one()))

    def open_one() -> _Client:
        client = _Client(socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S))
        client.connection.setblocking(False)
        selector.register(client.connection, selectors.EVENT_READ, client)
        return client

    def read(client: _Client) -> None:
        try:
            data = client.connection.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            again(client, failed=client.sent_at > 0)
            return
        client.answer += data
        if client.is_whole():
            now = time.monotonic()
            if client.answer.startswith(b"HTTP/1.1 200"):
                result.latencies.append(now - client.sent_at)
            else:
                result.failures += 1
            client.sent_at = 0.0
            due.append((now + pause, client))

    for _ in range(clients):
        due.append((began, open_one()))
    while (now := time.monotonic()) - began < seconds:
        ready, due[:] = [c for at, c in due if at <= now], [entry for entry in due if entry[0] > now]
        for client in ready:
            send(client)
        for key, _ in selector.select(0.005 if due else 0.2):
            read(key.data)
        waiting = [key.data for key in selector.get_map().values()]
        for client in [c for c in waiting if c.sent_at and now - c.sent_at > _PATIENCE_S]:
            again(client, failed=True)
    for key in list(selector.get_map().values()):
        key.data.connection.close()
    selector.close()
    return result
