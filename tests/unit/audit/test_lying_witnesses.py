"""A witness that lies, stalls or floods: it is not believed, nothing is stored, and nobody else is delayed."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.audit.pushing import Pusher
from broker.audit.submission import LARGEST_ANSWER, Says
from broker.audit.witnessed import cosigned_checkpoint, keep, last_size
from broker.tlog.checkpoint import parse_checkpoint
from broker.tlog.cosignature import Cosigner
from broker.tlog.note import parse_note
from broker.tlog.witness import AddCheckpoint
from tests.support.lying_witness import Lie, answer, lying, saying
from tests.support.waiting import until
from tests.support.witnessed import ENTRY, LOG, Watched, submission_on, watched, witness_at

_TIMEOUT_S = 0.6
_HONEST = Cosigner("w.example", Ed25519PrivateKey.generate())
_STRANGER = Cosigner("w.example", Ed25519PrivateKey.generate())


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path) as opened:
        opened.process().append(ENTRY)
        opened.process().append(ENTRY)
        yield opened


def text_of(request: AddCheckpoint) -> bytes:
    return parse_note(request.note).text


def cosigned_by(cosigner: Cosigner) -> Lie:
    return lambda line, request: line.sendall(answer(200, cosigner.cosign(text_of(request), 1_800_000_000)))


def of_another_checkpoint(line: socket.socket, request: AddCheckpoint) -> None:
    checkpoint = parse_checkpoint(text_of(request))
    other = text_of(request).replace(f"\n{checkpoint.size}\n".encode(), f"\n{checkpoint.size + 1}\n".encode())
    line.sendall(answer(200, _HONEST.cosign(other, 1_800_000_000)))


def spoiled(line: socket.socket, request: AddCheckpoint) -> None:
    good = _HONEST.cosign(text_of(request), 1_800_000_000)
    at = good.index(b" ", 6) + 30
    line.sendall(answer(200, good[:at] + (b"B" if good[at : at + 1] == b"A" else b"A") + good[at + 1 :]))


def drips(line: socket.socket, _request: AddCheckpoint) -> None:
    with contextlib.suppress(OSError):
        line.sendall(b"HTTP/1.1 200 So\r\nContent-Length: 4000\r\n\r\n")
        for _ in range(200):
            line.sendall(b"x")
            time.sleep(0.02)


def never(line: socket.socket, _request: AddCheckpoint) -> None:
    with contextlib.suppress(OSError):
        line.recv(1)


def same_conflict(line: socket.socket, request: AddCheckpoint) -> None:
    line.sendall(answer(409, b"%d\n" % (1 - request.old_size % 2), "Content-Type: text/x.tlog.size"))


_LIES: dict[str, Lie] = {
    "nothing": saying(200),
    "no signature": saying(200, b"hello\n"),
    "not UTF-8": saying(200, b"\xff" * 200),
    "another key": cosigned_by(_STRANGER),
    "another name": cosigned_by(Cosigner("x.example", Ed25519PrivateKey.generate())),
    "another checkpoint": of_another_checkpoint,
    "a bad signature": spoiled,
    "a huge answer": saying(200, b"x" * (LARGEST_ANSWER + 1)),
    "an endless size": saying(409, b"9" * 10_000),
    "no size": saying(409, b"-1\n"),
    "a size again and again": same_conflict,
    "a redirect": saying(307, b"", "Location: http://localhost:1/add-checkpoint"),
    "not found": saying(404),
    "forbidden": saying(403),
    "broken": saying(500),
    "no HTTP": lambda line, _: line.sendall(b"\x00" * 100),
    "hangs up": lambda _line, _request: None,
    "drips": drips,
    "never answers": never,
}


@pytest.mark.parametrize("name", _LIES)
def test_a_lie_neither_confirms_nor_contradicts_and_leaves_nothing(log: Watched, name: str) -> None:
    with lying(_LIES[name]) as port:
        submission = submission_on(log.house.database, [port], _TIMEOUT_S)
        said = submission.submit(witness_at(_HONEST.verifier, port), LOG)
    assert (said.says, said.line) == (Says.UNANSWERED, b""), said


def test_an_honest_answer_counts(log: Watched) -> None:
    with lying(cosigned_by(_HONEST)) as port:
        said = submission_on(log.house.database, [port], _TIMEOUT_S).submit(witness_at(_HONEST.verifier, port), LOG)
    assert (said.says, said.size) == (Says.CONSISTENT, 2)


def test_lines_of_others_beside_the_cosignature_are_ignored(log: Watched) -> None:
    other = Cosigner("x.example", Ed25519PrivateKey.generate())

    def both(line: socket.socket, request: AddCheckpoint) -> None:
        line.sendall(answer(200, b"".join(one.cosign(text_of(request), 1_800_000_000) for one in (other, _HONEST))))

    with lying(both) as port:
        said = submission_on(log.house.database, [port], _TIMEOUT_S).submit(witness_at(_HONEST.verifier, port), LOG)
    assert (said.says, said.line.count(b"\n")) == (Says.CONSISTENT, 1)
    assert b"w.example" in said.line


def test_a_larger_size_and_another_history_are_contradictions(log: Watched) -> None:
    for lie in (saying(409, b"3\n"), saying(422)):
        with lying(lie) as port:
            submission = submission_on(log.house.database, [port], _TIMEOUT_S)
            assert submission.submit(witness_at(_HONEST.verifier, port), LOG).says is Says.CONTRADICTS


_SIZED = "Content-Type: text/x.tlog.size"
_AT_OUR_SIZE: dict[str, tuple[Lie, Says]] = {
    "our size again": (saying(409, b"2\n", _SIZED), Says.CONTRADICTS),
    "our size without its type": (saying(409, b"2\n"), Says.CONTRADICTS),
    "nothing": (saying(409), Says.CONTRADICTS),
    "words": (saying(409, b"another root\n", "Content-Type: text/plain"), Says.CONTRADICTS),
    "as the page says": (saying(422), Says.CONTRADICTS),
    "a size that is none": (saying(409, b"x\n", f"{_SIZED}; charset=utf-8"), Says.UNANSWERED),
    "a smaller size again and again": (same_conflict, Says.UNANSWERED),
}


@pytest.mark.parametrize("name", _AT_OUR_SIZE)
def test_a_conflict_about_our_own_size_is_another_root(log: Watched, name: str) -> None:
    lie, says = _AT_OUR_SIZE[name]
    cosigned = log.submission.submit(log.witnesses.members[0], LOG)
    assert cosigned.checkpoint is not None
    with log.house.database.write() as session:  # so that the first request goes on from our own size
        keep(session, cosigned.checkpoint, cosigned.note, {"w.example": cosigned.line})
    with lying(lie) as port:
        submission = submission_on(log.house.database, [port], _TIMEOUT_S)
        assert submission.submit(witness_at(_HONEST.verifier, port), LOG).says is says


def test_a_witness_that_knows_what_another_process_has_just_written_contradicts_nothing(log: Watched) -> None:
    def is_ahead(line: socket.socket, request: AddCheckpoint) -> None:
        if parse_checkpoint(text_of(request)).size == 2:
            log.process().append(ENTRY)
            line.sendall(answer(409, b"3\n"))
        else:
            line.sendall(answer(200, _HONEST.cosign(text_of(request), 1_800_000_000)))

    with lying(is_ahead) as port:
        said = submission_on(log.house.database, [port], 5.0).submit(witness_at(_HONEST.verifier, port), LOG)
    assert (said.says, said.size) == (Says.CONSISTENT, 3)


def test_the_pusher_brings_every_new_head_at_once_after_a_quiet_time_and_then_in_steps(log: Watched) -> None:
    (witness,) = log.witnesses.members
    now, never_stops = [0.0], threading.Event()
    pusher = Pusher(log.submission, witness, lambda: now[0])

    def kept() -> int:
        pusher.push_due(never_stops)
        with log.house.database.read() as session:
            return last_size(session, LOG, witness.name)

    assert kept() == 2
    log.process().append(ENTRY)
    assert kept() == 2  # the pause after a push
    now[0] = 4.0
    assert kept() == 3
    now[0] = 400.0
    log.process().append(ENTRY)
    assert kept() == 4  # nothing was pushed lately


def test_a_dead_witness_does_not_delay_another(log: Watched) -> None:
    (honest,) = log.witnesses.members
    stopping = threading.Event()
    with lying(never) as port:
        dead = witness_at(_HONEST.verifier, port)
        slow = submission_on(log.house.database, [port], 1.0)
        pushers = [Pusher(slow, dead), Pusher(log.submission, honest)]
        threads = [threading.Thread(target=pusher.run, args=[stopping]) for pusher in pushers]
        for thread in threads:
            thread.start()

        def is_kept() -> bool:
            with log.house.database.read() as session:
                return last_size(session, LOG, honest.name) == 2

        until(is_kept)
        assert threads[0].is_alive()
        stopping.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_a_contradicted_log_is_pushed_no_more_and_others_are(log: Watched) -> None:
    asked: list[bytes] = []

    def contradicts(line: socket.socket, request: AddCheckpoint) -> None:
        asked.append(request.note)
        line.sendall(answer(422, b""))

    with lying(contradicts) as port:
        pusher = Pusher(submission_on(log.house.database, [port]), witness_at(_HONEST.verifier, port), lambda: 0.0)
        for _ in range(3):
            pusher.push_due(threading.Event())
    assert len(asked) == 1


def test_a_spoiled_row_spoils_only_itself(log: Watched) -> None:
    (witness,) = log.witnesses.members
    said = log.submission.submit(witness, LOG)
    assert said.checkpoint is not None
    with log.house.database.write() as session:
        keep(session, said.checkpoint, said.note, {said.witness: said.line, "z.example": b"nonsense\n"})
        keep(session, said.checkpoint, said.note, {said.witness: b"another\n"})
    with log.house.database.read() as session:
        assert cosigned_checkpoint(session, LOG) == said.note + said.line + b"nonsense\n"
