"""What a witness answers: it cosigns a log that only grows, and says which rule a request breaks."""

import base64
from collections.abc import Sequence

import pytest

from broker.tlog.checkpoint import Checkpoint, sign_checkpoint
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import EMPTY_ROOT
from broker.tlog.note import Signature
from broker.tlog.witness import (
    LARGEST_REQUEST,
    AddCheckpoint,
    Head,
    Verdict,
    judge,
    open_answer,
    parse_add_checkpoint,
    read_size,
)
from tests.support.trees import ORIGIN, cosigner, note_of, signer, tree_of

TREE = tree_of(60)
LOG, WITNESS = signer(), cosigner()
TRUSTED = [LOG.verifier]
NOTE = note_of(TREE, 60)
REQUEST = AddCheckpoint(40, tuple(TREE.consistency(40, 60)), NOTE)


def head(size: int) -> Head:
    return Head(size, TREE.root(size))


def asked(
    old: int,
    new: int,
    *,
    held: Head | None,
    note: bytes | None = None,
    proof: Sequence[bytes] | None = None,
) -> Verdict:
    made = TREE.consistency(old, new) if proof is None else proof
    return judge(AddCheckpoint(old, tuple(made), note or note_of(TREE, new)), TRUSTED, held)


def test_a_checkpoint_that_continues_the_log_is_cosigned() -> None:
    for old in range(1, 61):
        verdict = asked(old, 60, held=head(old))
        assert (verdict.status, verdict.head) == (200, head(60))
        assert verdict.checkpoint == Checkpoint(ORIGIN, 60, TREE.root(60))


def test_the_first_checkpoint_of_a_log_needs_no_proof_and_may_have_none() -> None:
    assert asked(0, 60, held=None).status == 200
    assert asked(0, 60, held=None, proof=[bytes(32)]).status == 422


def test_the_same_checkpoint_again_is_cosigned_again() -> None:
    assert asked(60, 60, held=head(60)).status == 200
    assert asked(60, 60, held=head(60), proof=[bytes(32)]).status == 422


def test_an_empty_log_has_the_root_of_nothing() -> None:
    empty = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), [LOG])
    forged = sign_checkpoint(Checkpoint(ORIGIN, 0, TREE.root(1)), [LOG])
    assert asked(0, 0, held=None, note=empty).status == 200
    assert asked(0, 0, held=None, note=forged).status == 422


def test_an_unknown_log_is_not_found_whoever_signed_it() -> None:
    assert judge(REQUEST, [], None).status == 404


@pytest.mark.parametrize(
    "note",
    [
        note_of(TREE, 60, signer(seed=9)),
        note_of(TREE, 60, signer("broker.example/other", 1)),
        note_of(TREE, 60) + Signature(ORIGIN, LOG.key_id, bytes(64)).line,
        NOTE.replace(b"\n60\n", b"\n59\n"),
    ],
    ids=["another key", "another name", "a bad signature besides the good one", "a changed size"],
)
def test_what_the_log_has_not_signed_is_forbidden(note: bytes) -> None:
    verdict = asked(40, 60, held=head(40), note=note)
    assert (verdict.status, verdict.head, verdict.checkpoint) == (403, head(40), None)


def test_an_old_size_beyond_the_new_one_is_a_bad_request() -> None:
    assert judge(AddCheckpoint(61, (), NOTE), TRUSTED, head(61 - 21)).status == 400


@pytest.mark.parametrize("held", [None, head(39), head(41), head(60)], ids=lambda held: str(held and held.size))
def test_an_old_size_that_the_witness_does_not_hold_is_a_conflict_with_the_one_it_holds(held: Head | None) -> None:
    verdict = asked(40, 60, held=held)
    assert verdict.status == 409
    assert verdict.head.size == (held.size if held else 0)


def test_a_fork_is_never_cosigned() -> None:
    fork = tree_of(60)
    fork.hashes[39] = fork.hashes[38]
    note = note_of(fork, 60)
    for proof in (fork.consistency(40, 60), TREE.consistency(40, 60), []):
        verdict = asked(40, 60, held=head(40), note=note, proof=proof)
        assert (verdict.status, verdict.head, verdict.checkpoint) == (422, head(40), None)
    assert asked(60, 60, held=head(60), note=note, proof=[]).status == 422


def test_a_log_that_shrank_is_never_cosigned() -> None:
    assert asked(39, 39, held=head(40)).status == 409
    assert asked(40, 60, held=head(40), note=note_of(TREE, 39), proof=[]).status == 400


def test_a_proof_with_a_hash_too_many_or_too_few_is_refused() -> None:
    good = TREE.consistency(40, 60)
    for proof in (good[:-1], good[1:], [*good, bytes(32)], good[::-1], []):
        assert asked(40, 60, held=head(40), proof=proof).status == 422


def test_a_request_is_read_as_it_was_written() -> None:
    assert parse_add_checkpoint(REQUEST.dump()) == REQUEST
    first = AddCheckpoint(0, (), NOTE)
    assert parse_add_checkpoint(first.dump()) == first
    assert REQUEST.origin == ORIGIN


HASH = base64.b64encode(bytes(32))
MALFORMED = {
    "nothing": (b"", "empty line"),
    "no empty line": (b"old 40\n", "empty line"),
    "no old size": (HASH + b"\n\n" + NOTE, "old size"),
    "another word": (REQUEST.dump().replace(b"old", b"new"), "old size"),
    "two spaces": (REQUEST.dump().replace(b"old ", b"old  "), "decimal"),
    "a leading zero": (REQUEST.dump().replace(b"old ", b"old 0"), "decimal"),
    "a negative size": (REQUEST.dump().replace(b"old ", b"old -"), "decimal"),
    "64 hashes": (b"old 40\n" + b"\n".join([HASH] * 64) + b"\n\n" + NOTE, "more than 63"),
    "a short hash": (b"old 40\n" + base64.b64encode(bytes(31)) + b"\n\n" + NOTE, "32 bytes"),
    "no base64": (b"old 40\nwords\n\n" + NOTE, "base64"),
    "carriage returns": (REQUEST.dump().replace(b"\n", b"\r\n"), "control character"),
    "not UTF-8": (REQUEST.dump() + b"\xff", "not UTF-8"),
    "too long": (REQUEST.dump() + b"x" * LARGEST_REQUEST, "longer than"),
    "no note": (b"old 0\n\n", "no empty line"),
    "no checkpoint": (b"old 0\n\nhello\n\n" + NOTE.partition(b"\n\n")[2], "three lines"),
    "an empty line more": (b"old 0\n\n\n" + NOTE, "decimal"),
    "something after the note": (REQUEST.dump() + b"more\n", "em dash"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_refused_and_the_detail_says_why(name: str) -> None:
    data, word = MALFORMED[name]
    with pytest.raises(Unverifiable) as caught:
        parse_add_checkpoint(data)
    assert word in caught.value.detail
    assert caught.value.code in {"request-malformed", "note-malformed", "checkpoint-malformed"}


def test_a_request_that_is_cut_off_is_refused_at_every_length() -> None:
    data = REQUEST.dump()
    for length in range(len(data)):
        with pytest.raises(Unverifiable):
            parse_add_checkpoint(data[:length])


def test_no_byte_of_a_request_may_change() -> None:
    data = REQUEST.dump()
    for place in range(len(data)):
        changed = bytes(byte ^ (number == place) for number, byte in enumerate(data))
        try:
            request = parse_add_checkpoint(changed)
        except Unverifiable:
            continue
        assert judge(request, TRUSTED, head(40)).checkpoint is None


def test_a_request_that_nobody_parsed_is_judged_malformed() -> None:
    assert judge(AddCheckpoint(0, (), b"no note"), TRUSTED, head(40)).status == 400


def test_the_answer_of_a_witness_is_verified_against_the_checkpoint_it_was_asked_about() -> None:
    text = NOTE[: NOTE.index(b"\n\n") + 1]
    answer = cosigner("stranger.example", 6).cosign(text, 5) + WITNESS.cosign(text, 1_800_000_000)
    opened = open_answer(NOTE, answer, [WITNESS.verifier])
    assert [found.signature.line for found in opened.verified] == [WITNESS.cosign(text, 1_800_000_000)]
    other = Checkpoint(ORIGIN, 59, TREE.root(59)).text()
    for wrong, code in [
        (WITNESS.cosign(other, 5), "signature-invalid"),
        (cosigner("stranger.example", 6).cosign(text, 5), "signature-missing"),
        (b"", "note-malformed"),
        (b"<html>", "note-malformed"),
        (answer[:-9], "note-malformed"),
        (b"x\n\n" + answer, "signature-invalid"),
    ]:
        with pytest.raises(Unverifiable) as caught:
            open_answer(NOTE, wrong, [WITNESS.verifier])
        assert caught.value.code == code


def test_the_size_that_a_witness_tells_is_read() -> None:
    assert read_size(b"20852163\n") == 20_852_163
    assert read_size(b"0\n") == 0
    for wrong in (b"", b"7", b"07\n", b"7\n\n", b"7\r\n", b" 7\n", b"-7\n", b"9223372036854775808\n", b"<html>\n"):
        with pytest.raises(Unverifiable, match="answer-malformed"):
            read_size(wrong)
