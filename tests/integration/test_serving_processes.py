"""Processes come and go: a stop loses nothing, a killed worker is replaced, a killed parent leaves nobody behind."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.serving import Served, rest, wait_until


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, workers=2) as running:
        yield running


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def workers(served: Served) -> list[int]:
    pid = served.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_stop_lets_the_answers_under_way_arrive_whole_and_takes_no_new_connection(served: Served) -> None:
    with served.connect() as under_way, served.connect() as kept:
        kept.sendall(b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"keep-alive" in kept.recv(1 << 16)
        under_way.sendall(b"GET /slow/stop HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: served.noted("begun", "stop"))
        served.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not served.listens())
        # A request that was on its way on a kept connection is answered too, and told that it is the last.
        kept.sendall(b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = rest(kept)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"Connection: close" in answer
        assert rest(under_way).endswith(b"whole")
    assert served.process.wait(10) == 0
    assert served.noted("closed", "stop")


def test_a_stop_reaches_a_worker_that_has_only_just_begun(served: Served) -> None:
    wait_until(lambda: len(workers(served)) == 2)
    for _ in range(3):
        before = workers(served)
        os.kill(before[0], signal.SIGKILL)
        until = time.monotonic() + 10
        while not (new := set(workers(served)) - set(before)):  # without a pause: it is the first moment that counts
            assert time.monotonic() < until
        begun = new.pop()
        os.kill(begun, signal.SIGTERM)
        wait_until(lambda: begun not in workers(served))  # noqa: B023 - asked before the next turn
        wait_until(lambda: len(workers(served)) == 2)


def test_each_worker_keeps_to_one_processor_and_so_does_who_comes_in_its_place(tmp_path: Path) -> None:
    allowed = os.sched_getaffinity(0)
    with Served(tmp_path, workers=len(allowed)) as running:
        wait_until(lambda: len(workers(running)) == len(allowed))
        assert running.answers()  # by then each has begun
        wait_until(lambda: places(running) == [{one} for one in sorted(allowed)])
        os.kill(workers(running)[0], signal.SIGKILL)
        wait_until(lambda: places(running) == [{one} for one in sorted(allowed)])


def places(running: Served) -> list[set[int]]:
    """Return on which processors each worker may run."""
    found = []
    for pid in workers(running):
        try:
            found.append(os.sched_getaffinity(pid))
        except ProcessLookupError:  # it has just ended
            return []
    return sorted(found, key=min)


def test_a_killed_worker_is_replaced_while_the_others_serve_on(served: Served) -> None:
    wait_until(lambda: len(workers(served)) == 2)
    killed, other = workers(served)
    os.kill(killed, signal.SIGKILL)
    assert served.answers()
    wait_until(lambda: len(workers(served)) == 2 and killed not in workers(served))
    assert other in workers(served)
    new = next(pid for pid in workers(served) if pid != other)
    wait_until(lambda: served.pid() == new)


def test_workers_end_when_their_parent_is_killed_and_let_go_of_the_port_at_once(served: Served) -> None:
    wait_until(lambda: len(workers(served)) == 2)
    left = workers(served)
    with served.connect() as under_way:
        under_way.sendall(b"GET /slow/orphan HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: served.noted("begun", "orphan"))
        os.kill(served.process.pid, signal.SIGKILL)
        served.process.wait()
        wait_until(lambda: not served.listens())  # the one with the slow answer is still at it
        with Served(served.notes_file.parent, port=served.port) as successor:
            assert successor.pid() not in left
        assert rest(under_way).endswith(b"whole")
    wait_until(lambda: not any(map(is_alive, left)))


def test_a_worker_that_cannot_be_built_now_is_built_later_and_stops_nobody(served: Served) -> None:
    served.gate.unlink()  # as when the database is away
    for pid in workers(served):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: served.log.count("server.worker_not_ready") >= 4)
    assert served.process.poll() is None
    served.gate.touch()
    wait_until(served.answers)


def test_after_a_hang_up_others_serve_and_what_was_begun_is_finished(served: Served) -> None:
    wait_until(lambda: len(workers(served)) == 2)
    before = workers(served)
    with served.connect() as under_way:
        under_way.sendall(b"GET /slow/renewed HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: served.noted("begun", "renewed"))
        served.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(set(workers(served)) - set(before)) == 2)
        assert all(served.pid() not in before for _ in range(4))
        assert rest(under_way).endswith(b"whole")
    wait_until(lambda: not set(workers(served)) & set(before))
    assert served.answers()


def test_a_hang_up_that_brings_nothing_usable_leaves_everybody_in_place(served: Served) -> None:
    wait_until(lambda: len(workers(served)) == 2)
    before = workers(served)
    served.gate.unlink()
    served.process.send_signal(signal.SIGHUP)
    served.process.send_signal(signal.SIGHUP)
    for _ in range(4):
        assert served.pid() in before
    assert workers(served) == before
    served.gate.touch()
    served.process.send_signal(signal.SIGHUP)  # after which the two before it have been taken care of
    wait_until(lambda: not set(workers(served)) & set(before))
    assert served.answers()


def test_the_log_says_what_was_refused_and_not_what_was_sent(served: Served) -> None:
    answer = served.ask(b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: bkr_at_secret\r\n\r\n")
    problem = json.loads(answer.split(b"\r\n\r\n", 1)[1])
    assert (problem["status"], problem["code"]) == (400, "invalid-request")
    assert "invalid-request" in served.log
    assert "secret" not in served.log
