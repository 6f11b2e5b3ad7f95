"""Closed-loop clients: each sends a request, reads the whole answer, sends the next; in a process of their own."""

import pickle
import re
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ROOT = Path(__file__).resolve().parents[3]
_READ_BYTES = 1 << 16
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to send: for each client its requests, in their order; `repeats` begins again at the end of them."""

    port: int
    requests: Sequence[Sequence[bytes]]
    seconds: float
    repeats: bool = False


@dataclass(slots=True)
class Loaded:
    """What the clients saw: latencies of good answers in seconds, other answers by their first line."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    has_run_dry: bool = False

    @property
    def per_second(self) -> float:
        """Return how many good answers came in a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return a percentile of the latencies, in seconds."""
        ordered = sorted(self.latencies) or [float("nan")]
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Client:
    def __init__(self, order: Order, requests: Sequence[bytes]) -> None:
        self._order, self._requests, self._sent = order, requests, 0
        self.socket = socket.create_connection(("127.0.0.1", order.port), timeout=_PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answer = bytearray()
        self._sent_at = 0.0

    def send(self) -> bool:
        """Send the next request; False when there is none."""
        if self._sent == len(self._requests):
            if not self._order.repeats:
                return False
            self._sent = 0
        self._answer.clear()
        self._sent_at = time.perf_counter()
        self.socket.sendall(self._requests[self._sent])
        self._sent += 1
        return True

    def read(self, seen: Loaded) -> bool:
        """Take in what has come; True when the answer is whole. A connection that ended is opened again."""
        data = self.socket.recv(_READ_BYTES)
        self._answer += data
        if not data:
            seen.failures["connection ended"] += 1
            return True
        end = self._answer.find(b"\r\n\r\n")
        length = _LENGTH.search(self._answer, 0, end + 2) if end >= 0 else None
        if length is None or len(self._answer) < end + 4 + int(length[1]):
            return False
        if self._answer.startswith(b"HTTP/1.1 200"):
            seen.latencies.append(time.perf_counter() - self._sent_at)
        else:
            seen.failures[bytes(self._answer[:12]).decode("latin-1") + " " + _code(self._answer[end:])] += 1
        return True


def _code(body: bytes) -> str:
    found = re.search(rb'"(?:code|error)": *"([^"]+)"', body)
    return found[1].decode("latin-1") if found else ""


def run(order: Order) -> Loaded:
    """Load a server in a process of its own, so that what the clients cost is nobody else's."""
    command = [sys.executable, "-m", "tests.bench.peers.load"]
    done = subprocess.run(command, input=pickle.dumps(order), capture_output=True, cwd=_ROOT, check=True)
    loaded: Loaded = pickle.loads(done.stdout)  # noqa: S301 - our own process wrote it
    return loaded


def _loaded(order: Order) -> Loaded:
    seen, selector = Loaded(order.seconds), selectors.DefaultSelector()
    clients = [_Client(order, requests) for requests in order.requests]
    begun = time.perf_counter()
    for client in clients:
        client.send()
        selector.register(client.socket, selectors.EVENT_READ, client)
    while selector.get_map() and time.perf_counter() - begun < order.seconds:
        for key, _ in selector.select(0.1):
            client = key.data
            if client.read(seen) and not client.send():
                selector.unregister(client.socket)
                seen.has_run_dry = True
    seen.seconds = time.perf_counter() - begun
    return seen


if __name__ == "__main__":
    sys.modules["tests.bench.peers.load"] = sys.modules["__main__"]  # so that both ends mean the same classes
    sys.stdout.buffer.write(pickle.dumps(_loaded(pickle.loads(sys.stdin.buffer.read()))))  # noqa: S301 - as above
