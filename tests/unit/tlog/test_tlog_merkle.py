"""Roots, inclusion proofs and consistency proofs: good ones verify, and no other does."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    Node,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.support.trees import tree_of

SIZES = 300
TREE = tree_of(SIZES)
FOREIGN = leaf_hash(b"of no tree")


def include(index: int, size: int, proof: Sequence[bytes]) -> None:
    verify_inclusion(TREE.hashes[index], index=index, size=size, proof=proof, root=TREE.root(size))


def continues(old: int, new: int, proof: Sequence[bytes]) -> None:
    verify_consistency(old_size=old, old_root=TREE.root(old), new_size=new, new_root=TREE.root(new), proof=proof)


def refused(act: Callable[[], object]) -> Unverifiable:
    with pytest.raises(Unverifiable) as caught:
        act()
    assert caught.value.detail.endswith(".")
    return caught.value


def spoiled(proof: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Every way to change, swap, drop or add one hash."""
    for at, found in enumerate(proof):
        for place in (0, HASH_BYTES - 1):
            changed = bytes(byte ^ (place == number) for number, byte in enumerate(found))
            yield [*proof[:at], changed, *proof[at + 1 :]]
        yield [*proof[:at], *proof[at + 1 :]]
        yield [*proof[:at], found, *proof[at:]]
        if at:
            yield [*proof[: at - 1], found, proof[at - 1], *proof[at + 1 :]]
    for at in range(len(proof) + 1):
        yield [*proof[:at], FOREIGN, *proof[at:]]


@pytest.mark.parametrize("begin", range(0, SIZES + 1, 100))
def test_every_leaf_of_every_tree_is_proved(begin: int) -> None:
    for size in range(begin, min(begin + 100, SIZES + 1)):
        assert root_of(TREE.nodes, size) == TREE.root(size)
        for index in range(size):
            include(index, size, inclusion_proof(TREE.nodes, index, size))


@pytest.mark.parametrize("begin", range(0, SIZES + 1, 100))
def test_every_tree_is_proved_to_continue_every_smaller_one(begin: int) -> None:
    for new in range(begin, min(begin + 100, SIZES + 1)):
        for old in range(1, new + 1):
            continues(old, new, consistency_proof(TREE.nodes, old, new))


def test_no_spoiled_inclusion_proof_verifies() -> None:
    for size in range(1, 28):
        for index in range(size):
            for proof in spoiled(TREE.inclusion(index, size)):
                error = refused(lambda index=index, size=size, proof=proof: include(index, size, proof))
                assert error.code == "inclusion-unproven"


def test_no_spoiled_consistency_proof_verifies() -> None:
    for new in range(1, 28):
        for old in range(1, new + 1):
            for proof in spoiled(TREE.consistency(old, new)):
                error = refused(lambda old=old, new=new, proof=proof: continues(old, new, proof))
                assert error.code == "consistency-unproven"


@pytest.mark.parametrize(("old", "new"), [(3, 7), (6, 7), (127, 300), (128, 300)])
def test_a_hash_too_many_or_too_few_is_named(old: int, new: int) -> None:
    proof = TREE.consistency(old, new)
    assert "more hashes" in refused(lambda: continues(old, new, [*proof, FOREIGN])).detail
    assert "fewer hashes" in refused(lambda: continues(old, new, proof[:-1])).detail
    assert "is empty" in refused(lambda: continues(old, new, [])).detail
    assert "more hashes" in refused(lambda: include(old, new, [*TREE.inclusion(old, new), FOREIGN])).detail
    assert "fewer hashes" in refused(lambda: include(old, new, TREE.inclusion(old, new)[:-1])).detail


def test_a_proof_proves_no_other_place_and_no_other_leaf() -> None:
    size = 29
    for index in range(size):
        proof = TREE.inclusion(index, size)
        for other in set(range(size)) - {index}:
            for leaf in (TREE.hashes[index], TREE.hashes[other]):
                facts = {"index": other, "size": size, "proof": proof, "root": TREE.root(size)}
                refused(lambda leaf=leaf, facts=facts: verify_inclusion(leaf, **facts))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (8, 7), (-1, 7), (0, -1)])
def test_a_leaf_outside_of_the_tree_is_neither_proved_nor_verified(index: int, size: int) -> None:
    assert refused(lambda: inclusion_proof(TREE.nodes, index, size)).code == "index-out-of-range"
    facts = {"index": index, "size": size, "proof": [], "root": TREE.hashes[0]}
    assert refused(lambda: verify_inclusion(TREE.hashes[0], **facts)).code == "index-out-of-range"


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 7), (8, 7), (-1, 7)])
def test_consistency_needs_an_old_tree_that_is_not_empty_and_not_larger(old: int, new: int) -> None:
    facts = {"old_size": old, "old_root": EMPTY_ROOT, "new_size": new, "new_root": EMPTY_ROOT, "proof": []}
    assert refused(lambda: verify_consistency(**facts)).code == "size-out-of-range"


def test_two_trees_of_one_size_are_the_same_tree() -> None:
    same = {"old_size": 7, "old_root": TREE.root(7), "new_size": 7}
    assert verify_consistency(**same, new_root=TREE.root(7), proof=[]) is None
    refused(lambda: verify_consistency(**same, new_root=TREE.root(8), proof=[]))
    refused(lambda: verify_consistency(**same, new_root=TREE.root(7), proof=[FOREIGN]))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_hash_has_exactly_32_bytes_wherever_it_stands(length: int) -> None:
    wrong, proof = b"\x07" * length, TREE.inclusion(2, 7)
    good = {"index": 2, "size": 7}
    for leaf, hashes, root in [
        (wrong, proof, TREE.root(7)),
        (TREE.hashes[2], [*proof[:-1], wrong], TREE.root(7)),
        (TREE.hashes[2], proof, wrong),
    ]:
        error = refused(
            lambda leaf=leaf, hashes=hashes, root=root: verify_inclusion(leaf, proof=hashes, root=root, **good)
        )
        assert error.code == "hash-malformed"
    old = {"old_size": 3, "new_size": 7}
    for old_root, new_root, hashes in [
        (wrong, TREE.root(7), TREE.consistency(3, 7)),
        (TREE.root(3), wrong, TREE.consistency(3, 7)),
        (TREE.root(3), TREE.root(7), [wrong]),
    ]:
        roots = {"old_root": old_root, "new_root": new_root, "proof": hashes}
        assert refused(lambda roots=roots: verify_consistency(**old, **roots)).code == "hash-malformed"


def test_what_a_tree_does_not_give_is_missed() -> None:
    assert refused(lambda: root_of(lambda wanted: TREE.nodes(wanted)[:-1], 7)).code == "nodes-missing"
    assert refused(lambda: root_of(lambda wanted: [b"short" for _ in wanted], 7)).code == "hash-malformed"
    assert refused(lambda: root_of(TREE.nodes, -1)).code == "size-out-of-range"
    assert refused(lambda: consistency_proof(TREE.nodes, 8, 7)).code == "size-out-of-range"


def test_of_nothing_there_is_nothing_to_prove() -> None:
    assert consistency_proof(TREE.nodes, 0, 7) == consistency_proof(TREE.nodes, 7, 7) == []
    assert root_of(TREE.nodes, 0) == EMPTY_ROOT


def test_all_hashes_of_a_proof_are_asked_for_at_once() -> None:
    asked: list[Sequence[Node]] = []

    def nodes(wanted: Sequence[Node]) -> list[bytes]:
        asked.append(wanted)
        return TREE.nodes(wanted)

    inclusion_proof(nodes, 5, 299)
    consistency_proof(nodes, 77, 299)
    assert [len(wanted) > 1 for wanted in asked] == [True, True]
