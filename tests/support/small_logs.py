"""A small log in memory: signs checkpoints of any size it has had, and proves that one continues another."""

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.tlog.checkpoint import Checkpoint, sign_checkpoint
from broker.tlog.merkle import Node, consistency_proof, leaf_hash, node_hash, root_of
from broker.tlog.note import Signer
from broker.tlog.witness import AddCheckpoint


class SmallLog:
    """A log of short texts. `fork` gives a log of the same name and key whose last entries are others."""

    def __init__(self, origin: str, size: int = 0, key: Ed25519PrivateKey | None = None) -> None:
        self.origin = origin
        self.key = key or Ed25519PrivateKey.generate()
        self.signer = Signer(origin, self.key)
        self.leaves = [leaf_hash(f"{origin} {number}".encode()) for number in range(size)]

    @property
    def size(self) -> int:
        return len(self.leaves)

    def grow(self, count: int = 1) -> "SmallLog":
        self.leaves += [leaf_hash(f"{self.origin} {self.size + number}".encode()) for number in range(count)]
        return self

    def fork(self, common: int, size: int) -> "SmallLog":
        other = SmallLog(self.origin, 0, self.key)
        other.leaves = self.leaves[:common] + [leaf_hash(f"forged {n}".encode()) for n in range(common, size)]
        return other

    def checkpoint(self, size: int | None = None, signer: Signer | None = None) -> bytes:
        size = self.size if size is None else size
        return sign_checkpoint(Checkpoint(self.origin, size, root_of(self.nodes, size)), [signer or self.signer])

    def request(self, old: int, size: int | None = None) -> bytes:
        size = self.size if size is None else size
        proof = tuple(consistency_proof(self.nodes, old, size)) if old <= size else ()
        return AddCheckpoint(old, proof, self.checkpoint(size)).dump()

    def nodes(self, nodes: Sequence[Node]) -> list[bytes]:
        return [self._node(node) for node in nodes]

    def _node(self, node: Node) -> bytes:
        hashes = self.leaves[node.index << node.level : (node.index + 1) << node.level]
        assert len(hashes) == 1 << node.level
        while len(hashes) > 1:
            hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
        return hashes[0]
