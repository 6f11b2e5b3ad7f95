"""Clients that hold on to the server do not keep it from others: 400 of each kind (slowhttptest's classes)."""

import json
import select
import socket
from collections.abc import Iterator
from functools import partial

import pytest

from tests.bench.servers.load import load
from tests.bench.servers.slow import SlowClients
from tests.support.serving import Served, rest, wait_until

BEGUN = (
    b"G",
    b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n",
)
IMPATIENT = {"head_s": 1.0, "body_s": 1.0}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served"), workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("impatient"), **IMPATIENT) as running:
        yield running


@pytest.mark.parametrize("kind", ["idle", "headers", "bodies", "readers"])
def test_honest_clients_are_served_beside_400_slow_ones(served: Served, kind: str) -> None:
    with SlowClients(served.port, kind, 400):
        result = load(served.port, "/echo", clients=8, seconds=1.5, pause=0.02)
    assert result.failures == 0
    assert len(result.latencies) > 50


def test_a_request_that_does_not_come_to_its_end_is_told_so_and_ended(impatient: Served) -> None:
    connections = []
    for begun in BEGUN:
        connections.append(impatient.connect())
        connections[-1].sendall(begun)
    for connection in connections:
        wait_until(partial(has_answer, connection))  # while bytes trickle in, which must not buy more time
        answer = rest(connection)
        connection.close()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["code"] == "request-timeout"


def has_answer(connection: socket.socket) -> bool:
    if select.select([connection], [], [], 0.05)[0]:
        return True
    connection.sendall(b"1")
    return False


def test_a_connection_that_never_says_anything_is_ended_without_a_word(impatient: Served) -> None:
    assert impatient.ask(b"") == b""


def test_when_there_are_too_many_connections_the_slowest_goes_and_the_newest_is_served(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with Served(tmp_path_factory.mktemp("few"), connections=20) as few:
        held = [few.connect() for _ in range(40)]
        for connection in held:
            connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert few.answers()
        held[0].settimeout(5)
        wait_until(lambda: rest(held[0]) == b"")
        for connection in held:
            connection.close()
