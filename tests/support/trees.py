"""A plain tree to compare with, and parties with keys of their own."""

import hashlib
from collections.abc import Sequence
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.tlog.checkpoint import Checkpoint, sign_checkpoint
from broker.tlog.cosignature import Cosigner
from broker.tlog.merkle import Node, consistency_proof, inclusion_proof
from broker.tlog.note import Signer
from broker.tlog.receipt import make_receipt

ORIGIN = "broker.example/audit/harbor/2026"


class PlainTree:
    """Every hash is computed from the leaves, in the words of RFC 6962 §2.1."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.leaves = leaves
        self.hashes = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
        self.hash_of = cache(self._hash_of)

    def root(self, size: int) -> bytes:
        return self.hash_of(0, size)

    def nodes(self, wanted: Sequence[Node]) -> list[bytes]:
        return [self.hash_of(node.index << node.level, (node.index + 1) << node.level) for node in wanted]

    def inclusion(self, index: int, size: int) -> list[bytes]:
        return inclusion_proof(self.nodes, index, size)

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        return consistency_proof(self.nodes, old_size, new_size)

    def _hash_of(self, begin: int, end: int) -> bytes:
        if end - begin <= 1:
            return self.hashes[begin] if end > begin else hashlib.sha256(b"").digest()
        width = 1
        while 2 * width < end - begin:
            width *= 2
        both = self.hash_of(begin, begin + width) + self.hash_of(begin + width, end)
        return hashlib.sha256(b"\x01" + both).digest()


def tree_of(size: int) -> PlainTree:
    """Return a tree whose leaves all differ."""
    return PlainTree([b'{"number":%d}' % number for number in range(size)])


def signer(name: str = ORIGIN, seed: int = 1) -> Signer:
    return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def cosigner(name: str = "witness.example/harbor", seed: int = 2) -> Cosigner:
    return Cosigner(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def note_of(tree: PlainTree, size: int, *signers: Signer, origin: str = ORIGIN) -> bytes:
    """Return the signed checkpoint of the tree at this size."""
    return sign_checkpoint(Checkpoint(origin, size, tree.root(size)), signers or (signer(origin),))


def receipt_of(tree: PlainTree, index: int, size: int) -> bytes:
    return make_receipt(tree.leaves[index], index, tree.inclusion(index, size), note_of(tree, size))
