"""Checkpoints and cosignatures: who speaks for a log, and when a witness saw it."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.tlog.checkpoint import (
    Checkpoint,
    open_checkpoint,
    open_cosigned,
    parse_checkpoint,
    sign_checkpoint,
)
from broker.tlog.cosignature import CosignatureVerifier, Cosigner
from broker.tlog.errors import Unverifiable
from broker.tlog.note import Signature, open_note, parse_note, sign_note
from broker.tlog.receipt import Cosigned, cosigners_of
from tests.support.trees import ORIGIN, cosigner, note_of, signer, tree_of

TREE = tree_of(20)
LOG, WITNESS = signer(), cosigner()
ROOT = base64.b64encode(TREE.root(20))
NOTE = note_of(TREE, 20)
TEXT = parse_note(NOTE).text
NOW = 1_800_000_000


def code_of(data: bytes, *verifiers: object, origin: str | None = None) -> str:
    with pytest.raises(Unverifiable) as caught:
        open_checkpoint(data, verifiers or (LOG.verifier,), origin)  # type: ignore[arg-type]  # of several kinds
    return caught.value.code


def test_a_checkpoint_is_read_as_it_was_signed() -> None:
    checkpoint = Checkpoint(ORIGIN, 20, TREE.root(20), ("an extension", "another"))
    assert open_checkpoint(sign_checkpoint(checkpoint, [LOG]), [LOG.verifier], ORIGIN) == checkpoint


def test_two_keys_of_a_log_may_sign_and_either_is_enough() -> None:
    new = signer(seed=7)
    note = note_of(TREE, 20, LOG, new)
    assert open_checkpoint(note, [LOG.verifier]) == open_checkpoint(note, [new.verifier])


def test_another_logs_checkpoint_is_not_this_logs() -> None:
    assert code_of(NOTE, origin="broker.example/audit/other/2026") == "origin-unexpected"


def test_only_the_key_named_like_the_origin_speaks_for_a_log() -> None:
    other = signer("broker.example/audit/other/2026", 5)
    assert code_of(note_of(TREE, 20, other), other.verifier) == "signature-missing"


def test_a_witness_named_like_the_log_does_not_speak_for_it() -> None:
    namesake = cosigner(ORIGIN, 8)
    note = TEXT + b"\n" + namesake.cosign(TEXT, NOW)
    assert len(open_note(note, [namesake.verifier]).verified) == 1
    assert code_of(note, namesake.verifier) == "signature-missing"


MALFORMED = {
    "two lines": b"o\n0\n",
    "no last newline": b"o\n0\n" + ROOT,
    "no origin": b"\n0\n" + ROOT + b"\n",
    "an empty extension": b"o\n7\n" + ROOT + b"\n\nx\n",
    "a leading zero": b"o\n07\n" + ROOT + b"\n",
    "a sign": b"o\n+7\n" + ROOT + b"\n",
    "a negative size": b"o\n-7\n" + ROOT + b"\n",
    "a space": b"o\n 7\n" + ROOT + b"\n",
    "no size": b"o\n\n" + ROOT + b"\n",
    "other digits": "o\n\u0667\n".encode() + ROOT + b"\n",
    "an underscore": b"o\n1_0\n" + ROOT + b"\n",
    "a size beyond 63 bits": b"o\n9223372036854775808\n" + ROOT + b"\n",
    "a root without padding": b"o\n7\n" + ROOT.rstrip(b"=") + b"\n",
    "a short root": b"o\n7\n" + base64.b64encode(bytes(31)) + b"\n",
    "a long root": b"o\n7\n" + base64.b64encode(bytes(33)) + b"\n",
    "a carriage return": b"o\r\n7\n" + ROOT + b"\n",
    "too long": b"o\n7\n" + ROOT + b"\n" + b"x" * 65536 + b"\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_checkpoint_is_refused(name: str) -> None:
    with pytest.raises(Unverifiable, match="checkpoint-malformed"):
        parse_checkpoint(MALFORMED[name])


def test_a_signed_note_that_is_no_checkpoint_is_refused() -> None:
    assert code_of(sign_note(b"hello\n", [LOG])) == "checkpoint-malformed"


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 0, bytes(32), ()),
        ("a\nb", 0, bytes(32), ()),
        ("o", -1, bytes(32), ()),
        ("o", 2**63, bytes(32), ()),
        ("o", 0, bytes(31), ()),
        ("o", 0, bytes(32), ("",)),
        ("o", 0, bytes(32), ("a\nb",)),
    ],
)
def test_a_checkpoint_that_could_not_be_read_again_is_not_made(
    origin: str, size: int, root: bytes, extensions: tuple[str, ...]
) -> None:
    with pytest.raises(Unverifiable, match="checkpoint-malformed"):
        Checkpoint(origin, size, root, extensions)


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_has_one_text(size: int, root: bytes) -> None:
    checkpoint = Checkpoint("o", size, root)
    assert parse_checkpoint(checkpoint.text()) == checkpoint


def test_cosigners_are_told_with_their_times_and_strangers_are_not() -> None:
    second, stranger = cosigner("second.example", 3), cosigner("stranger.example", 4)
    note = NOTE + stranger.cosign(TEXT, 1) + WITNESS.cosign(TEXT, NOW) + second.cosign(TEXT, NOW + 60)
    checkpoint, opened = open_cosigned(note, [LOG.verifier, WITNESS.verifier, second.verifier])
    assert checkpoint.size == 20
    assert cosigners_of(opened) == (Cosigned(WITNESS.name, NOW), Cosigned("second.example", NOW + 60))


def test_a_cosignature_is_bound_to_its_time_and_its_text() -> None:
    line = WITNESS.cosign(TEXT, NOW)
    (found,) = parse_note(TEXT + b"\n" + line).signatures
    verifier = WITNESS.verifier
    assert verifier.verify(TEXT, found.signature)
    assert verifier.time_of(found.signature) == NOW
    later = (NOW + 1).to_bytes(8, "big") + found.signature[8:]
    assert not verifier.verify(TEXT, later)
    assert not verifier.verify(TEXT + b"more\n", found.signature)
    assert code_of(NOTE + Signature(WITNESS.name, WITNESS.key_id, later).line, LOG.verifier, verifier) == (
        "signature-invalid"
    )


@pytest.mark.parametrize("time_s", [0, -1, 2**63])
def test_a_cosignature_has_a_time(time_s: int) -> None:
    with pytest.raises(Unverifiable, match="time-out-of-range"):
        WITNESS.cosign(TEXT, time_s)
    message = b"cosignature/v1\ntime %d\n" % time_s + TEXT
    made = (time_s % 2**64).to_bytes(8, "big") + WITNESS._key.sign(message)
    assert not WITNESS.verifier.verify(TEXT, made)


@pytest.mark.parametrize("length", [0, 64, 71, 73])
def test_a_cosignature_of_another_length_is_none(length: int) -> None:
    assert not WITNESS.verifier.verify(TEXT, bytes(length))
    with pytest.raises(Unverifiable, match="signature-invalid"):
        WITNESS.verifier.time_of(bytes(length))


def test_only_checkpoints_are_cosigned() -> None:
    with pytest.raises(Unverifiable, match="checkpoint-malformed"):
        WITNESS.cosign(b"hello\n", NOW)


def test_the_key_of_a_witness_is_read_as_it_was_written_and_is_no_logs_key() -> None:
    assert CosignatureVerifier.of_vkey(WITNESS.vkey) == WITNESS.verifier
    assert CosignatureVerifier.of_vkey(WITNESS.vkey).vkey == WITNESS.vkey
    assert Cosigner(ORIGIN, LOG._key).key_id != LOG.key_id
    with pytest.raises(Unverifiable, match="key-malformed"):
        CosignatureVerifier.of_vkey(LOG.vkey)
