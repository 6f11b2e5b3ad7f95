"""A tree that only grows, kept as the hashes of its few largest complete subtrees.

This is all that a writer needs to extend a log of any size and to prove what it has just added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import HASH_BYTES, Node, fold, node_hash


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The first `size` leaves as complete subtrees: one hash for each bit of the size, largest subtree first."""

    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise Unverifiable("range-malformed", "A compact range has one hash for each bit of its size.")
        if any(len(found) != HASH_BYTES for found in self.hashes):
            raise Unverifiable("hash-malformed", f"A hash of the tree must have exactly {HASH_BYTES} bytes.")

    @property
    def root(self) -> bytes:
        """Return the root of the tree (RFC 6962 §2.1)."""
        return fold(self.hashes)

    def dump(self) -> bytes:
        """Return the hashes one after the other; the size is kept elsewhere."""
        return b"".join(self.hashes)

    @classmethod
    def load(cls, size: int, data: bytes) -> "CompactRange":
        """Read what `dump` wrote for a tree of this size.

        Raises:
            Unverifiable: the data does not fit the size.
        """
        parts = range(0, len(data), HASH_BYTES)
        return cls(size, tuple(bytes(data[begin : begin + HASH_BYTES]) for begin in parts))


EMPTY = CompactRange(0, ())


@dataclass(frozen=True)
class Growth:
    """A tree after some leaves were added, and what was hashed for it.

    `before` is the tree's size before. `rows` holds, for each level from the leaves up, the hashes that this growth had
    at hand: they begin at an even place, so that the first may be an older one.
    """

    before: int
    after: CompactRange
    rows: tuple[Sequence[bytes], ...]

    @property
    def nodes(self) -> tuple[tuple[Node, bytes], ...]:
        """Return the complete subtrees of level 1 and higher that this growth formed, by level and index."""
        formed: list[tuple[Node, bytes]] = []
        for level, row in enumerate(self.rows[1:], 1):
            first = self.before >> level
            known = first & 1  # the row's first hash is an older one
            formed += [(Node(level, first + number), found) for number, found in enumerate(row[known:])]
        return tuple(formed)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Prove that the new leaf `index` stands in the tree as it is now: its sibling first (RFC 6962 §2.1.1).

        Raises:
            Unverifiable: the leaf is not one of those that were added.
        """
        if not self.before <= index < self.after.size:
            raise Unverifiable("index-out-of-range", f"Leaf {index} is none of those that were added.")
        proof = []
        number, last, begin = index, self.after.size - 1, self.before
        for row, edge in zip(self.rows, self._edges, strict=True):
            if number & 1:
                proof.append(row[number - 1 - (begin & ~1)])
            elif number + 1 < last:
                proof.append(row[number + 1 - (begin & ~1)])
            elif number + 1 == last:
                proof.append(edge)
            number, last, begin = number >> 1, last >> 1, begin >> 1
        return proof

    @cached_property
    def _edges(self) -> list[bytes]:
        """For each level the hash of the last subtree, which need not be complete."""
        last, begin = self.after.size - 1, self.before
        edge = self.rows[0][-1]
        edges = []
        for row in self.rows:
            edges.append(edge)
            if last & 1:
                edge = node_hash(row[last - 1 - (begin & ~1)], edge)
            last, begin = last >> 1, begin >> 1
        return edges


def grow(before: CompactRange, leaf_hashes: Sequence[bytes]) -> Growth:
    """Add leaves, given as their hashes, level by level: one hash per leaf, however large the tree is.

    Raises:
        Unverifiable: a leaf hash has not 32 bytes.
    """
    if any(len(found) != HASH_BYTES for found in leaf_hashes):
        raise Unverifiable("hash-malformed", f"A hash of a leaf must have exactly {HASH_BYTES} bytes.")
    older = list(before.hashes)
    row: Sequence[bytes] = tuple(leaf_hashes)
    rows: list[Sequence[bytes]] = []
    kept: list[bytes] = []
    size = before.size
    while row or size:
        if size & 1:
            row = [older.pop(), *row]
        rows.append(row)
        if len(row) & 1:
            kept.append(row[-1])
        pairs = iter(row)
        # `node_hash`, written out: the one line of this package that runs for every entry of a log.
        row = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
        size >>= 1
    return Growth(before.size, CompactRange(before.size + len(leaf_hashes), tuple(reversed(kept))), tuple(rows))
