"""The Merkle tree of RFC 6962 and RFC 9162: hashes, roots, proofs, and their verification.

Trusted: nothing but SHA-256. Who makes a proof need not be trusted; who verifies it against a root that a log signed
knows that the log holds the leaf, or that it has only grown.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from broker.tlog.errors import Unverifiable

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
MOST_HASHES = 63  # of a proof in a tree that is smaller than 2**63


class Node(NamedTuple):
    """The complete subtree of the `2**level` leaves that begin at leaf `index * 2**level`."""

    level: int
    index: int  # type: ignore[assignment]  # nobody looks for a value in it with tuple.index


Nodes = Callable[[Sequence[Node]], Sequence[bytes]]
"""Where the hashes of complete subtrees are: all that are needed are asked for at once and come in the same order."""


def leaf_hash(data: bytes) -> bytes:
    """Hash a leaf (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into the one above them (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Hash neighbouring complete subtrees, largest first, into the one root above them all."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def root_of(nodes: Nodes, size: int) -> bytes:
    """Return the root of the tree of the first `size` leaves (RFC 6962 §2.1).

    Raises:
        Unverifiable: the size is negative, or `nodes` gave something else than one hash for each node.
    """
    if size < 0:
        raise Unverifiable("size-out-of-range", "A tree has no negative size.")
    return _hashes_of(nodes, [(0, size)])[0]


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """Prove that leaf `index` stands in the tree of `size` leaves: its sibling first (RFC 6962 §2.1.1).

    Raises:
        Unverifiable: the tree has no such leaf, or `nodes` gave something else than one hash for each node.
    """
    _check_index(index, size)
    begin, end = 0, size
    siblings = []
    while end - begin > 1:
        middle = begin + _left_width(end - begin)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((begin, middle))
            begin = middle
    return _hashes_of(nodes, siblings[::-1])


def consistency_proof(nodes: Nodes, old_size: int, new_size: int) -> list[bytes]:
    """Prove that the tree of `old_size` leaves is the beginning of the one of `new_size` (RFC 6962 §2.1.2).

    Of size 0 and of equal sizes there is nothing to prove: the proof is empty.

    Raises:
        Unverifiable: the old tree is larger, or `nodes` gave something else than one hash for each node.
    """
    if not 0 <= old_size <= new_size:
        raise Unverifiable("size-out-of-range", "The old tree must not be larger than the new one.")
    begin, end = 0, new_size
    ranges = []
    while 0 < old_size < end:
        middle = begin + _left_width(end - begin)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin > 0:  # otherwise the verifier has the hash of this part already: it is the old root
        ranges.append((begin, end))
    return _hashes_of(nodes, ranges[::-1])


def verify_inclusion(leaf_hash: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf with this hash stands at `index` in the tree with this size and root (RFC 9162 §2.1.3.2).

    Raises:
        Unverifiable: it does not follow from the proof, or the proof has a hash too many or too few.
    """
    _check_index(index, size)
    _check_hashes([leaf_hash, root, *proof])
    number, last, computed = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            raise Unverifiable("inclusion-unproven", "The inclusion proof has more hashes than the tree has levels.")
        if number & 1 or number == last:
            computed = node_hash(sibling, computed)
            while not number & 1 and number:  # levels at which this subtree is alone at the right edge
                number, last = number >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        number, last = number >> 1, last >> 1
    if last != 0:
        raise Unverifiable("inclusion-unproven", "The inclusion proof has fewer hashes than it needs.")
    if computed != root:
        raise Unverifiable("inclusion-unproven", "The inclusion proof does not lead to the root of the tree.")


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the old tree is the beginning of the new one (RFC 9162 §2.1.4.2).

    Raises:
        Unverifiable: it does not follow from the proof; the old tree is empty (nothing can be proved of it) or larger;
            the proof has a hash too many or too few.
    """
    if not 0 < old_size <= new_size:
        raise Unverifiable("size-out-of-range", "A consistency proof needs 0 < old size <= new size.")
    _check_hashes([old_root, new_root, *proof])
    if old_size == new_size:
        if proof or old_root != new_root:
            raise Unverifiable("consistency-unproven", "Two trees of the same size have different roots, or a proof.")
        return
    old, new = _roots_from(proof, old_size, new_size, old_root)
    if old != old_root:
        raise Unverifiable("consistency-unproven", "The consistency proof does not lead to the old root.")
    if new != new_root:
        raise Unverifiable("consistency-unproven", "The consistency proof does not lead to the new root.")


def _roots_from(proof: Sequence[bytes], old_size: int, new_size: int, old_root: bytes) -> tuple[bytes, bytes]:
    # A complete old tree is itself the first hash; a proof does not repeat it.
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else [*proof]
    number, last = old_size - 1, new_size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    if not proof:
        raise Unverifiable("consistency-unproven", "The consistency proof is empty.")
    old = new = hashes[0]
    for other in hashes[1:]:
        if last == 0:
            raise Unverifiable("consistency-unproven", "The consistency proof has more hashes than it needs.")
        if number & 1 or number == last:
            old, new = node_hash(other, old), node_hash(other, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node_hash(new, other)
        number, last = number >> 1, last >> 1
    if last != 0:
        raise Unverifiable("consistency-unproven", "The consistency proof has fewer hashes than it needs.")
    return old, new


def _left_width(width: int) -> int:
    """Return the largest power of two below `width`: so many leaves are left of where a tree splits."""
    return 1 << ((width - 1).bit_length() - 1)


def _complete(begin: int, end: int) -> Iterator[Node]:
    """Cut a range that begins where a tree splits into complete subtrees, largest first."""
    while begin < end:
        level = (end - begin).bit_length() - 1
        yield Node(level, begin >> level)
        begin += 1 << level


def _hashes_of(nodes: Nodes, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    cut = [list(_complete(begin, end)) for begin, end in ranges]
    wanted = [node for part in cut for node in part]
    given = list(nodes(wanted)) if wanted else []
    if len(given) != len(wanted):
        raise Unverifiable("nodes-missing", f"Of {len(wanted)} hashes of the tree {len(given)} were given.")
    _check_hashes(given)
    hashes = iter(given)
    return [fold([next(hashes) for _ in part]) for part in cut]


def _check_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise Unverifiable("index-out-of-range", f"A tree of {size} leaves has no leaf {index}.")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(found) != HASH_BYTES for found in hashes):
        raise Unverifiable("hash-malformed", f"A hash of the tree must have exactly {HASH_BYTES} bytes.")
