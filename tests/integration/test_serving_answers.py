"""How an answer ends: `close()` comes after the last byte, always, and no client can put it off."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from tests.support.serving import LARGE, Served, rest, wait_until


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served")) as running:
        yield running


def read_all(connection: socket.socket) -> None:
    while connection.recv(1 << 20):
        pass


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()


def test_an_answer_is_closed_after_its_last_byte_and_not_before(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(get("/large/read"))
        received = 0
        wait_until(lambda: served.noted("made", "read"))
        # The kernels between us hold some of it. While we have not taken the rest, the last byte cannot have been sent.
        while received < LARGE // 4:
            received += len(connection.recv(1 << 18))
        assert served.noted("closed", "read") == []
        received += len(rest(connection))
    assert received > LARGE
    wait_until(lambda: served.noted("closed", "read"))


def test_a_client_who_does_not_read_is_cut_within_a_second_and_the_answer_closed(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(get("/large/unread"))
        wait_until(lambda: served.noted("closed", "unread"))
        held = served.noted("closed", "unread")[0] - served.noted("made", "unread")[0]
        with pytest.raises(ConnectionResetError):  # what the kernel still held was dropped, not sent later
            read_all(connection)
    assert 0.5 < held < 1.0


def test_a_download_that_holds_nothing_may_be_taken_slowly(served: Served) -> None:
    with served.connect() as slow, served.connect() as cut:
        slow.sendall(get("/download/patient"))
        cut.sendall(get("/large/impatient"))
        wait_until(lambda: served.noted("closed", "impatient"))
        assert served.noted("closed", "patient") == []
        assert len(rest(slow)) > LARGE
    wait_until(lambda: served.noted("closed", "patient"))


def test_of_downloads_that_nobody_takes_four_are_kept(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(5):
            stack.enter_context(served.connect()).sendall(get(f"/download/kept-{number}"))
            wait_until(lambda asked=f"kept-{number}": served.noted("made", asked))
        wait_until(lambda: sum(bool(served.noted("closed", f"kept-{number}")) for number in range(5)) == 1)
    wait_until(lambda: all(served.noted("closed", f"kept-{number}") for number in range(5)))


def test_slow_readers_take_no_thread_from_others(served: Served) -> None:
    def is_overtaken(argument: str) -> bool:
        with contextlib.ExitStack() as stack:
            for _ in range(24):  # three times the threads
                stack.enter_context(served.connect()).sendall(get(f"/large/{argument}"))
            wait_until(lambda: len(served.noted("made", argument)) == 24)
            assert served.ask(get(f"/echo/{argument}-other")).startswith(b"HTTP/1.1 200")
        wait_until(lambda: len(served.noted("closed", argument)) == 24)
        return served.noted("closed", f"{argument}-other")[0] < max(served.noted("closed", argument))

    assert any(is_overtaken(f"many-{attempt}") for attempt in range(3))  # a busy machine may be too slow to overtake


def test_a_client_who_leaves_in_the_middle_ends_the_answer_at_once(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(get("/large/left"))
        connection.recv(1)
    wait_until(lambda: served.noted("closed", "left"))


def test_a_client_who_leaves_before_the_answer_does_not_keep_it_open(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(get("/slow/gone"))
        wait_until(lambda: served.noted("begun", "gone"))
    wait_until(lambda: served.noted("closed", "gone"))


def test_an_answer_to_head_is_closed_and_has_no_body(served: Served) -> None:
    assert served.ask(get("/large/head", "HEAD")).endswith(b"\r\n\r\n")
    wait_until(lambda: served.noted("closed", "head"))


def test_an_answer_that_breaks_is_closed_and_nothing_of_it_leaves(served: Served) -> None:
    answer = served.ask(get("/breaking/half-way"))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b'"code": "internal-error"' in answer
    assert b"secret" not in answer
    assert b"some" not in answer.replace(b"Something", b"")
    wait_until(lambda: served.noted("closed", "half-way"))


def test_an_application_that_fails_is_told_as_an_error_without_its_words(served: Served) -> None:
    answer = served.ask(get("/failing/at-all"))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in answer
    assert served.answers()


def test_each_answer_is_closed_once(served: Served) -> None:
    with served.connect() as connection:
        for _ in range(3):
            connection.sendall(b"GET /echo/thrice HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")
    wait_until(lambda: len(served.noted("closed", "thrice")) == 3)
    for argument in ("read", "unread", "left", "gone", "head", "half-way"):
        assert len(served.noted("closed", argument)) <= 1
