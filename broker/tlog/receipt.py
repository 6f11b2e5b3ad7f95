"""Receipts: a tlog-proof whose extra data is the leaf itself, so that whoever holds one can show it to anybody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from broker.tlog.checkpoint import Checkpoint, open_cosigned
from broker.tlog.cosignature import CosignatureVerifier
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import leaf_hash, verify_inclusion
from broker.tlog.note import Opened, Verifier
from broker.tlog.proof import TlogProof, parse_proof

LARGEST_LEAF = 4096  # bytes


class Cosigned(NamedTuple):
    """A trusted witness that has cosigned, and when: in seconds since 1970."""

    name: str
    time_s: int


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """A leaf that a log is bound to: leaf `index` of the tree that `checkpoint` tells of."""

    leaf: bytes
    index: int
    checkpoint: Checkpoint
    cosigners: tuple[Cosigned, ...]


def make_receipt(leaf: bytes, index: int, hashes: Sequence[bytes], checkpoint_note: bytes) -> bytes:
    """Write a receipt: `hashes` is the leaf's inclusion proof in the tree of the signed checkpoint.

    Raises:
        Unverifiable: the leaf is empty or longer than 4,096 bytes.
    """
    _check_leaf(leaf)
    return TlogProof(index, tuple(hashes), checkpoint_note, leaf).dump()


def verify_receipt(data: bytes, verifiers: Iterable[Verifier], *, origin: str | None = None) -> VerifiedReceipt:
    """Verify a receipt offline with the keys that the reader trusts: of logs, and of witnesses.

    Raises:
        Unverifiable: it is malformed, its checkpoint does not verify (or is another log's than `origin`), or the leaf
            does not stand in the checkpoint's tree.
    """
    proof = parse_proof(data)
    _check_leaf(proof.extra)
    checkpoint, opened = open_cosigned(proof.checkpoint, verifiers, origin)
    verify_inclusion(
        leaf_hash(proof.extra), index=proof.index, size=checkpoint.size, proof=proof.hashes, root=checkpoint.root
    )
    return VerifiedReceipt(proof.extra, proof.index, checkpoint, cosigners_of(opened))


def cosigners_of(opened: Opened) -> tuple[Cosigned, ...]:
    """Name the trusted witnesses that have cosigned a checkpoint, each once."""
    return tuple(
        Cosigned(signature.name, verifier.time_of(signature.signature))
        for verifier, signature in opened.verified
        if isinstance(verifier, CosignatureVerifier)
    )


def _check_leaf(leaf: bytes) -> None:
    if not 0 < len(leaf) <= LARGEST_LEAF:
        raise Unverifiable("receipt-malformed", f"A receipt holds its leaf: 1 to {LARGEST_LEAF} bytes.")
