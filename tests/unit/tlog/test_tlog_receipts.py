"""Proofs and receipts: who holds one can show it to anybody, and nobody can change a byte of what it says."""

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.tlog.errors import Unverifiable
from broker.tlog.proof import LARGEST_PROOF, TlogProof, parse_proof
from broker.tlog.receipt import LARGEST_LEAF, Cosigned, make_receipt, verify_receipt
from tests.support.trees import ORIGIN, cosigner, note_of, receipt_of, signer, tree_of

TREE = tree_of(40)
LOG, WITNESS = signer(), cosigner()
RECEIPT = receipt_of(TREE, 21, 40)
HASH = base64.b64encode(bytes(32))
NOTE = note_of(TREE, 40)


def refusal(data: bytes) -> Unverifiable:
    with pytest.raises(Unverifiable) as caught:
        verify_receipt(data, [LOG.verifier])
    assert caught.value.detail.endswith(".")
    return caught.value


def test_a_receipt_gives_back_the_leaf_and_where_it_stands() -> None:
    found = verify_receipt(RECEIPT, [LOG.verifier], origin=ORIGIN)
    assert (found.leaf, found.index, found.checkpoint.size) == (TREE.leaves[21], 21, 40)
    assert found.cosigners == ()


def test_a_receipt_names_the_trusted_witnesses() -> None:
    text = NOTE[: NOTE.index(b"\n\n") + 1]
    found = verify_receipt(RECEIPT + WITNESS.cosign(text, 1_800_000_000), [LOG.verifier, WITNESS.verifier])
    assert found.cosigners == (Cosigned(WITNESS.name, 1_800_000_000),)


def test_every_leaf_of_a_log_has_its_receipt() -> None:
    for size in (1, 2, 3, 31, 40):
        for index in range(size):
            assert verify_receipt(receipt_of(TREE, index, size), [LOG.verifier]).leaf == TREE.leaves[index]


def test_no_byte_of_a_receipt_may_change() -> None:
    for place in range(len(RECEIPT)):
        for change in (1, 0x20):
            changed = bytes(byte ^ (change * (number == place)) for number, byte in enumerate(RECEIPT))
            assert refusal(changed).code


def test_a_receipt_that_is_cut_off_is_refused_at_every_length() -> None:
    for length in range(len(RECEIPT)):
        assert refusal(RECEIPT[:length]).code in {"proof-malformed", "note-malformed"}


def test_another_leaf_under_the_same_proof_is_refused() -> None:
    forged = make_receipt(b'{"number":22}', 21, TREE.inclusion(21, 40), NOTE)
    assert refusal(forged).code == "inclusion-unproven"


def test_a_proof_for_a_tree_that_nobody_signed_is_refused() -> None:
    other = tree_of(41)
    forged = make_receipt(other.leaves[40], 40, other.inclusion(40, 41), NOTE)
    assert refusal(forged).code == "index-out-of-range"
    mallory = note_of(other, 41, signer(seed=9))
    assert refusal(make_receipt(other.leaves[40], 40, other.inclusion(40, 41), mallory)).code == "signature-missing"


def test_another_logs_receipt_is_not_this_logs() -> None:
    with pytest.raises(Unverifiable, match="origin-unexpected"):
        verify_receipt(RECEIPT, [LOG.verifier], origin="broker.example/audit/meridian/2026")


@pytest.mark.parametrize("length", [0, LARGEST_LEAF + 1])
def test_a_receipt_holds_a_leaf_of_at_most_4096_bytes(length: int) -> None:
    with pytest.raises(Unverifiable, match="receipt-malformed"):
        make_receipt(b"x" * length, 0, [], NOTE)
    assert refusal(TlogProof(0, (), NOTE, b"x" * length).dump()).code == "receipt-malformed"


def lines(change: Callable[[list[bytes]], list[bytes]]) -> bytes:
    head, _, note = RECEIPT.partition(b"\n\n")
    return b"\n".join(change(head.split(b"\n"))) + b"\n\n" + note


MALFORMED = {
    "nothing": (b"", "empty line"),
    "only a head": (RECEIPT.partition(b"\n\n")[0], "empty line"),
    "no checkpoint": (RECEIPT.partition(b"\n\n")[0] + b"\n\n", "empty line"),
    "another version": (RECEIPT.replace(b"@v1", b"@v2"), "first line"),
    "an empty first line": (b"\n" + RECEIPT, "first line"),
    "a space after the version": (RECEIPT.replace(b"@v1", b"@v1 "), "first line"),
    "carriage returns": (RECEIPT.replace(b"\n", b"\r\n"), "control character"),
    "not UTF-8": (RECEIPT.replace(b"index", b"\xff"), "not UTF-8"),
    "too long": (RECEIPT + b"x" * LARGEST_PROOF, "longer than 65536"),
    "no index": (lines(lambda old: [*old[:2], *old[3:]]), "index is missing"),
    "nothing after the first line": (lines(lambda old: old[:1]), "index is missing"),
    "nothing after the leaf": (lines(lambda old: old[:2]), "index is missing"),
    "the leaf twice": (lines(lambda old: [*old[:2], *old[1:]]), "index is missing"),
    "the leaf after the index": (lines(lambda old: [old[0], old[2], old[1], *old[3:]]), "Hash 1"),
    "the index twice": (lines(lambda old: [*old[:3], *old[2:]]), "Hash 1"),
    "no leaf in its line": (lines(lambda old: [old[0], b"extra ", *old[2:]]), "extra data"),
    "two spaces": (lines(lambda old: [*old[:2], b"index  21", *old[3:]]), "decimal"),
    "a leading zero": (lines(lambda old: [*old[:2], b"index 021", *old[3:]]), "decimal"),
    "a negative index": (lines(lambda old: [*old[:2], b"index -21", *old[3:]]), "decimal"),
    "an index of 64 bits": (lines(lambda old: [*old[:2], b"index 9223372036854775808", *old[3:]]), "decimal"),
    "a hash that is short": (lines(lambda old: [*old[:3], base64.b64encode(bytes(31)), *old[4:]]), "32 bytes"),
    "a hash that is long": (lines(lambda old: [*old[:3], base64.b64encode(bytes(33)), *old[4:]]), "32 bytes"),
    "hexadecimal": (lines(lambda old: [*old[:3], b"00" * 32, *old[4:]]), "32 bytes"),
    "no padding": (lines(lambda old: [*old[:3], old[3].rstrip(b"="), *old[4:]]), "Hash 1"),
    "a space after a hash": (lines(lambda old: [*old[:3], old[3] + b" ", *old[4:]]), "Hash 1"),
    "64 hashes": (lines(lambda old: [*old[:3], *[HASH] * 64]), "more than 63"),
    "hashes in another order": (lines(lambda old: [*old[:3], *reversed(old[3:])]), "does not lead"),
    "a hash twice": (lines(lambda old: [*old[:4], *old[3:]]), "more hashes"),
    "a hash less": (lines(lambda old: old[:-1]), "fewer hashes"),
    "no hashes": (lines(lambda old: old[:3]), "fewer hashes"),
    "something after the note": (RECEIPT + b"more\n", "does not begin"),
    "an empty line after the note": (RECEIPT + b"\n", "signature"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_spoiled_receipt_is_refused_and_the_detail_says_why(name: str) -> None:
    data, word = MALFORMED[name]
    assert word in refusal(data).detail


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary(max_size=99))
def test_a_proof_is_read_as_it_was_written(index: int, hashes: list[bytes], extra: bytes) -> None:
    proof = TlogProof(index, tuple(hashes), NOTE, extra)
    assert parse_proof(proof.dump()) == proof


@given(st.binary(max_size=200))
def test_bytes_that_are_no_receipt_are_refused(data: bytes) -> None:
    assert refusal(data).code == "proof-malformed"
    assert refusal(b"c2sp.org/tlog-proof@v1\n" + data).code


def test_an_ordinary_receipt_has_less_than_4_kilobytes() -> None:
    leaf, hashes = b"x" * 900, [bytes(32)] * 24  # sixteen million entries
    assert len(make_receipt(leaf, 2**24 - 1, hashes, note_of(TREE, 40, LOG, signer(seed=5)))) < 4096
