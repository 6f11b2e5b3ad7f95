"""Too many requests at once: what is beyond the bound is refused before any work, what is within it is served."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.serving import Served, rest, wait_until

_PLACES = 3


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, threads=1, requests=_PLACES) as running:
        yield running


def asking(name: str, path: str = "/slow") -> bytes:
    return f"GET {path}/{name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()


def test_who_comes_beyond_the_bound_is_told_to_come_again_while_the_others_are_served(served: Served) -> None:
    with ExitStack() as stack:
        within = [stack.enter_context(served.connect()) for _ in range(_PLACES)]
        within[0].sendall(asking("a"))
        wait_until(lambda: served.noted("begun", "a"))
        for connection, name in zip(within[1:], "bc", strict=True):
            connection.sendall(asking(name))
        refused = [served.ask(asking("beyond"))]
        while b" 200 " in refused[-1][:16] and len(refused) <= _PLACES:  # it came before one of the others
            refused.append(served.ask(asking("beyond")))
        head, _, body = refused[-1].partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 5\r\n" in head
        assert b"application/problem+json" in head
        assert json.loads(body)["code"] == "broker-busy"
        assert [rest(connection).endswith(b"whole") for connection in within] == [True] * _PLACES
    assert len(served.noted("begun", "beyond")) == len(refused) - 1, "no work was done for who was refused"
    assert "server.refused" in served.log


def test_when_apps_read_too_much_there_is_a_place_left_for_who_wants_to_stop_them(tmp_path: Path) -> None:
    with ExitStack() as stack:
        served = stack.enter_context(Served(tmp_path, threads=8, requests=8))
        reads = [stack.enter_context(served.connect()) for _ in range(7)]
        for number, connection in enumerate(reads):
            connection.sendall(asking(str(number), "/v1/held"))
        wait_until(lambda: all(served.noted("begun", str(number)) for number in range(7)))
        assert b"broker-busy" in served.ask(asking("beyond", "/v1/echo"))
        assert served.answers()
        served.lets_go()
        assert [rest(connection).endswith(b"whole") for connection in reads] == [True] * 7


def test_a_place_is_given_back_also_when_an_answer_fails_or_its_client_is_gone(served: Served) -> None:
    for _ in range(_PLACES + 1):
        served.ask(b"GET /failing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        with served.connect() as gone:
            gone.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    assert served.answers()
    assert "broker-busy" not in served.log
