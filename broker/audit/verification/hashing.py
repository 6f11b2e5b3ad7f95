"""The tree over hashes that are in memory: what RFC 6962 §2.1 calls MTH, folded level by level."""

from collections.abc import Sequence
from hashlib import sha256

from broker.tlog.merkle import EMPTY_ROOT
from broker.tlog.tiles import TILE_WIDTH


def folded(row: Sequence[bytes]) -> bytes:
    """Return the root over these hashes, in order: leaf hashes, or roots of full subtrees of one size.

    Pairing from the left and carrying an odd last one up is the tree of RFC 6962: its left halves are always full.
    """
    if not row:
        return EMPTY_ROOT
    while len(row) > 1:
        pairs = iter(row)
        # `node_hash`, written out, since it runs for every entry.
        above = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
        row = [*above, row[-1]] if len(row) % 2 else above
    return row[0]


class Rows:
    """The hashes of all full tiles so far, by level: `rows[0]` over 256 leaves each, `rows[1]` over 65,536 each."""

    def __init__(self) -> None:
        self.rows: list[list[bytes]] = []

    def add(self, leaves: Sequence[bytes]) -> None:
        """Add the hashes of the next 256 leaves."""
        carried, level = folded(leaves), 0
        while True:
            if level == len(self.rows):
                self.rows.append([])
            row = self.rows[level]
            row.append(carried)
            if len(row) % TILE_WIDTH:
                return
            carried, level = folded(row[-TILE_WIDTH:]), level + 1

    def root(self, rest: Sequence[bytes]) -> bytes:
        """Return the root of the tree that ends with `rest`, fewer than 256 leaf hashes behind the full tiles."""
        full = self.rows[0] if self.rows else []
        return folded([*full, folded(rest)] if rest else full)
