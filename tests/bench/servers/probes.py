"""What is asked of every candidate; each probe returns figures for one row of the table."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

from tests.bench.servers.load import load
from tests.bench.servers.running import Running, wait_for
from tests.bench.servers.slow import KINDS, SlowClients

_SLOW_CLIENTS = 400
_LARGE = 16 << 20  # more than the kernel's buffers hold
Figures = dict[str, Any]


def throughput(server: Running, seconds: float) -> Figures:
    """Requests a second and tail of a small answer at 1, 16 and 64 clients; CPU at 16."""
    figures: Figures = {"start s": round(server.started_in_s, 2)}
    load(server.port, "/hello", 8, seconds / 4)
    for clients in (1, 16, 64):
        before = server.cpu_s()
        result = load(server.port, "/hello", clients, seconds)
        figures[f"c={clients} /s"] = round(result.per_second)
        figures[f"c={clients} p99 ms"] = round(result.percentile(0.99) * 1000, 1)
        if clients == 16:
            figures["CPU us"] = round((server.cpu_s() - before) / max(1, len(result.latencies)) * 1e6)
    figures["MiB"] = round(server.largest_mib())
    return figures


def end_of_answer(server: Running, _seconds: float) -> Figures:
    """Whether `close()` comes after the last byte, and when a client who does not read is cut."""
    with server.connect() as connection:
        connection.sendall(f"GET /large/{_LARGE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        began = time.monotonic()
        try:
            wait_for(lambda: bool(server.closed_at()), 6)
        except TimeoutError:
            return {"close()": "after the last byte", "cut after s": "never"}
        after = server.closed_at()[0] - began
        received = sum(map(len, _rest(connection)))
    if received > _LARGE:
        return {"close()": "before the last byte", "cut after s": "-"}
    return {"close()": "after the last byte", "cut after s": round(after, 2)}


def _rest(connection: socket.socket) -> list[bytes]:
    parts = []
    try:
        while part := connection.recv(1 << 20):
            parts.append(part)
    except OSError:
        pass
    return parts


def slow_clients(server: Running, seconds: float) -> Figures:
    """What eight honest clients get, each second fifty times, while 400 slow ones hold on."""
    idle = load(server.port, "/hello", 8, seconds, pause=0.02)
    figures: Figures = {"idle p95 ms": round(idle.percentile(0.95) * 1000, 1)}
    for kind in KINDS:
        with SlowClients(server.port, kind, _SLOW_CLIENTS):
            result = load(server.port, "/hello", 8, seconds, pause=0.02)
        total = len(result.latencies) + result.failures
        share = 100 * len(result.latencies) / max(1, total)
        figures[kind] = f"{share:.1f}% {result.percentile(0.95) * 1000:.1f} ms"
    return figures


def graceful_stop(server: Running, _seconds: float) -> Figures:
    """Whether an answer that is being made arrives whole after SIGTERM, and how long the end takes."""
    with server.connect() as connection:
        connection.sendall(b"GET /slow/1000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        time.sleep(0.3)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        whole = b"".join(_rest(connection)).endswith(b"whole")
    try:
        server.process.wait(25)
    except subprocess.TimeoutExpired:
        return {"SIGTERM": "whole" if whole else "lost", "ends after s": "never"}
    return {"SIGTERM": "whole" if whole else "lost", "ends after s": round(time.monotonic() - began, 2)}


PROBES: tuple[Callable[[Running, float], Figures], ...] = (throughput, end_of_answer, slow_clients, graceful_stop)
