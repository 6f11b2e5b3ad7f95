"""Every answer of the witness, over real HTTP (C2SP tlog-witness)."""

import hashlib
import http.client
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.tlog.checkpoint import Checkpoint, open_cosigned, sign_checkpoint
from broker.tlog.cosignature import Cosigner
from broker.tlog.note import Signer
from broker.tlog.witness import AddCheckpoint, open_answer
from broker.witness.server import WitnessServer
from tests.support.small_logs import SmallLog
from tests.support.witnesses import Answer, asked, new_witness, served

_ORIGIN = "broker.example/audit/harbor/2026"
_NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Asker:
    """A witness that knows one log, and that log."""

    def __init__(self, server: WitnessServer, cosigner: Cosigner, log: SmallLog) -> None:
        self.port, self.cosigner, self.log = server.server_port, cosigner, log

    def __call__(self, body: bytes) -> Answer:
        return asked(self.port, body)

    def last(self, origin: str = _ORIGIN) -> Answer:
        return asked(self.port, None, f"/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint")


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asker]:
    log = SmallLog(_ORIGIN, 20)
    cosigner = new_witness(tmp_path, "# the bank's own", f"log {log.signer.vkey}")
    with served(tmp_path, clock=lambda: _NOW) as server:
        yield Asker(server, cosigner, log)


def assert_cosigned(answer: Answer, ask: Asker, note: bytes) -> None:
    assert answer.status == 200, answer
    (verified,) = open_answer(note, answer.body, [ask.cosigner.verifier]).verified
    assert ask.cosigner.verifier.time_of(verified.signature.signature) == int(_NOW.timestamp())


def test_the_first_checkpoint_and_those_that_continue_it_are_cosigned(ask: Asker) -> None:
    for old, size in ((0, 3), (3, 3), (3, 8), (8, 19), (19, 20)):
        assert_cosigned(ask(ask.log.request(old, size)), ask, ask.log.checkpoint(size))


def test_an_empty_log_is_cosigned_and_may_grow(ask: Asker) -> None:
    assert_cosigned(ask(ask.log.request(0, 0)), ask, ask.log.checkpoint(0))
    assert_cosigned(ask(ask.log.request(0, 5)), ask, ask.log.checkpoint(5))


@pytest.mark.parametrize("old", [0, 3, 7])
def test_a_wrong_old_size_is_a_conflict_that_tells_the_right_one(ask: Asker, old: int) -> None:
    ask(ask.log.request(0, 5))
    answer = ask(ask.log.request(old, 20))
    assert (answer.status, answer.headers["content-type"], answer.body) == (409, "text/x.tlog.size", b"5\n")


def test_an_old_size_above_the_checkpoints_is_malformed(ask: Asker) -> None:
    assert ask(AddCheckpoint(6, (), ask.log.checkpoint(5)).dump()).status == 400


def test_a_fork_is_refused_and_the_former_head_stays(ask: Asker) -> None:
    ask(ask.log.request(0, 10))
    fork = ask.log.fork(common=8, size=20)
    assert ask(fork.request(10, 20)).status == 422
    assert ask(fork.request(10, 10)).status == 422
    assert ask(AddCheckpoint(10, (), ask.log.checkpoint(20)).dump()).status == 422
    assert_cosigned(ask(ask.log.request(10, 20)), ask, ask.log.checkpoint(20))


def test_a_proof_where_none_belongs_and_a_false_empty_root_are_refused(ask: Asker) -> None:
    assert ask(AddCheckpoint(0, (bytes(32),), ask.log.checkpoint(5)).dump()).status == 422
    note = sign_checkpoint(Checkpoint(_ORIGIN, 0, bytes(32)), [ask.log.signer])
    assert ask(AddCheckpoint(0, (), note).dump()).status == 422


def test_an_unknown_log_is_not_found_and_leaves_nothing_behind(ask: Asker, tmp_path: Path) -> None:
    other = SmallLog("broker.example/audit/meridian/2026", 4)
    assert ask(other.request(0)).status == 404
    assert list((tmp_path / "heads").iterdir()) == []


def test_a_checkpoint_that_its_log_has_not_signed_is_forbidden(ask: Asker) -> None:
    stranger = SmallLog(_ORIGIN, 4)
    assert ask(stranger.request(0)).status == 403
    note = ask.log.checkpoint(5)
    at = note.rindex(b" ") + 20
    bad = note[:at] + (b"A" if note[at : at + 1] != b"A" else b"B") + note[at + 1 :]
    assert ask(AddCheckpoint(0, (), bad).dump()).status == 403


def test_signatures_of_unknown_keys_are_ignored_and_not_kept(ask: Asker) -> None:
    note = ask.log.checkpoint(5)
    more = note + Signer("somebody.example", SmallLog("x").key).sign(note.partition(b"\n\n")[0] + b"\n")
    assert ask(AddCheckpoint(0, (), more).dump()).status == 200
    kept = ask.last()
    assert kept.status == 200
    assert b"somebody" not in kept.body
    checkpoint, opened = open_cosigned(kept.body, [ask.log.signer.verifier, ask.cosigner.verifier], _ORIGIN)
    assert (checkpoint.size, len(opened.verified)) == (5, 2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 00\n\nx\n",
        b"new 0\n\nx\n0\nAAAA\n",
        b"old 0\r\n\r\n",
        b"old -1\n\n",
        b"old 0\n" + b"A" * 43 + b"=\n" * 64 + b"\n",
        b"\xff\xfe",
        b"\x00" * 100,
        b"old 99999999999999999999\n\n",
        "old \u0661\n\n".encode(),
    ],
    ids=range(11),
)
def test_a_body_that_is_no_request_is_malformed(ask: Asker, body: bytes) -> None:
    assert ask(body).status == 400


def test_what_is_no_address_of_the_witness_is_not_found(ask: Asker) -> None:
    for path in ("/", "/add-checkpoint/", "/../key.json", "/x/checkpoint", f"/{'0' * 64}/checkpoint", "/key.json"):
        assert asked(ask.port, None, path).status == 404, path
    assert asked(ask.port, b"", "/other").status == 404
    assert asked(ask.port, None, "/add-checkpoint", "DELETE").status == 501
    assert ask.last().status == 404
    assert asked(ask.port, None, "/healthz").body == b"ok\n"


def test_one_connection_serves_many_requests(ask: Asker) -> None:
    line = http.client.HTTPConnection("127.0.0.1", ask.port, timeout=10)
    for old in range(4):
        line.request("POST", "/add-checkpoint", ask.log.request(old, old + 1))
        answer = line.getresponse()
        assert (answer.status, len(answer.read()) > 0) == (200, True)
    line.close()


def test_a_rule_for_years_knows_the_successors_of_a_log_and_nothing_else(tmp_path: Path) -> None:
    log = SmallLog(_ORIGIN, 4)
    cosigner = new_witness(tmp_path, f"years {log.signer.vkey}")
    prefix = "broker.example/audit/harbor"
    known = {f"{prefix}/2026": 200, f"{prefix}/2027": 200, f"{prefix}/2027-2": 200, f"{prefix}/2027-12": 200}
    unknown = {f"{prefix}/2027-1": 404, f"{prefix}/202": 404, f"{prefix}/x/2027": 404, f"{prefix}2/2027": 404}
    with served(tmp_path, clock=lambda: _NOW) as server:
        for origin, status in {**known, **unknown, prefix: 404, "2027": 404}.items():
            successor = SmallLog(origin, 4, log.key)
            assert Asker(server, cosigner, log)(successor.request(0)).status == status, origin
        other_key = SmallLog(f"{prefix}/2028", 4)
        assert Asker(server, cosigner, log)(other_key.request(0)).status == 403


def test_a_damaged_head_is_no_reason_to_begin_anew(ask: Asker, tmp_path: Path) -> None:
    ask(ask.log.request(0, 10))
    kept = tmp_path / "heads" / hashlib.sha256(_ORIGIN.encode()).hexdigest()
    for damage in (b"", b"nonsense", kept.read_bytes().replace(b"harbor/2026", b"harbor/2025")):
        kept.write_bytes(damage)
        assert ask(ask.log.request(0, 10)).status == 503
        assert ask(ask.log.fork(2, 12).request(0)).status == 503


def test_forged_checkpoints_of_known_names_leave_no_file(tmp_path: Path) -> None:
    known = SmallLog(_ORIGIN)
    new_witness(tmp_path, f"years {known.signer.vkey}")
    with served(tmp_path) as server:
        for year in range(2000, 2050):
            stranger = SmallLog(f"broker.example/audit/harbor/{year}", 3)
            assert asked(server.server_port, stranger.request(0, 3)).status == 403
    assert list((tmp_path / "heads").iterdir()) == []
