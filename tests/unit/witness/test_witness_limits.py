"""A witness under callers who mean harm: slow, endless, many, broken. Honest ones are answered all the same."""

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.tlog.witness import LARGEST_REQUEST
from broker.witness.server import WitnessServer
from tests.support.small_logs import SmallLog
from tests.support.waiting import until
from tests.support.witnesses import asked, new_witness, served

_REQUEST_S = 0.5


@pytest.fixture
def log() -> SmallLog:
    return SmallLog("broker.example/audit/harbor/2026", 4)


@pytest.fixture
def server(tmp_path: Path, log: SmallLog) -> Iterator[WitnessServer]:
    new_witness(tmp_path, f"log {log.signer.vkey}")
    with served(tmp_path, request_s=_REQUEST_S, most_connections=4) as running:
        yield running


def sent(server: WitnessServer, data: bytes) -> bytes:
    """Send bytes and return whatever comes until the other side closes."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as line:
        found = b""
        with contextlib.suppress(OSError):  # it may close while we still send
            line.sendall(data)
        with contextlib.suppress(OSError):
            while part := line.recv(65_536):
                found += part
        return found


def is_served(server: WitnessServer, log: SmallLog) -> bool:
    """Say whether an honest caller is answered now; while all threads are taken it is turned away."""
    try:
        return asked(server.server_port, log.request(0)).status in {200, 409}
    except (OSError, http.client.HTTPException):
        return False


def post(*headers: str, body: bytes = b"") -> bytes:
    lines = ["POST /add-checkpoint HTTP/1.1", "Host: w", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (post(), 411),
        (post("Content-Length: 1", "Content-Length: 2", body=b"xx"), 411),
        (post("Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 411),
        (post("Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n"), 411),
        (post("Content-Length: -1"), 411),
        (post("Content-Length: +5", body=b"old 0"), 411),
        (post("Content-Length: 999999999999999999999"), 411),
        (post(f"Content-Length: {LARGEST_REQUEST + 1}"), 413),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"\x00\x01\x02\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 505),
        (b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"get /healthz HTTP/1.1\r\n\r\n", 501),
    ],
    ids=range(13),
)
def test_what_is_no_request_is_refused_and_the_connection_ends(server: WitnessServer, data: bytes, status: int) -> None:
    answer = sent(server, data)
    assert answer[:9] + str(status).encode() in answer[:12], answer[:200]
    assert b"<" not in answer
    assert b"Connection: close" in answer


def test_nothing_that_follows_a_refused_body_is_taken_for_a_request(server: WitnessServer) -> None:
    hidden = b"GET /healthz HTTP/1.1\r\n\r\n"
    assert sent(server, post("Transfer-Encoding: chunked", body=hidden)).count(b"HTTP/1.1 ") == 1


def test_a_head_without_end_is_cut_off(server: WitnessServer) -> None:
    endless = b"GET /healthz HTTP/1.1\r\n" + b"".join(b"h%d: %s\r\n" % (n, b"x" * 60_000) for n in range(90))
    assert sent(server, endless + b"\r\n") == b""


def test_a_slow_drip_is_cut_off_in_time(server: WitnessServer) -> None:
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as line:
        line.sendall(b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 60000\r\n\r\n")
        dripped = 0
        with contextlib.suppress(OSError):
            while time.monotonic() - started < 20:
                line.sendall(b"o")
                dripped += 1
                line.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    if line.recv(1) == b"":
                        break
    assert dripped < 60_000
    assert time.monotonic() - started < 20


def test_idle_connections_make_room_for_others_after_a_while(server: WitnessServer, log: SmallLog) -> None:
    lines = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(12)]

    until(lambda: is_served(server, log))
    for line in lines:
        line.close()


def test_at_most_so_many_threads_are_held_whatever_comes(server: WitnessServer) -> None:
    before = threading.active_count()
    lines = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(40)]
    for line in lines[4:]:
        line.settimeout(20)
    closed = 0
    for line in lines:
        with contextlib.suppress(OSError):
            closed += line.recv(1) == b""
            assert threading.active_count() <= before + 4
    assert closed >= 36
    for line in lines:
        line.close()


def test_a_client_that_is_gone_disturbs_nobody(server: WitnessServer, log: SmallLog) -> None:
    for _ in range(8):
        with socket.create_connection(("127.0.0.1", server.server_port)) as line:
            line.sendall(post(f"Content-Length: {len(log.request(0))}", body=log.request(0)))
    until(lambda: is_served(server, log))
