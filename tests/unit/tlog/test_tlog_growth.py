"""A tree that grows: always the same root, the same nodes and the same proofs as the whole tree computed again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.tlog.compact_range import EMPTY, CompactRange, grow
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import EMPTY_ROOT, Node, verify_inclusion
from tests.support.trees import tree_of

TREE = tree_of(700)
SIZES = st.tuples(st.integers(0, 600), st.integers(0, 100))


def grown(size: int) -> CompactRange:
    return grow(EMPTY, TREE.hashes[:size]).after


def test_leaf_by_leaf_or_all_at_once_it_is_the_same_tree() -> None:
    step = EMPTY
    for size in range(1, 301):
        step = grow(step, [TREE.hashes[size - 1]]).after
        assert step == grown(size)
        assert step.root == TREE.root(size)


@given(SIZES)
def test_growth_forms_every_complete_subtree_once(sizes: tuple[int, int]) -> None:
    before, added = sizes
    growth = grow(grown(before), TREE.hashes[before : before + added])
    after = before + added
    expected = [Node(level, index) for level in range(1, 11) for index in range(before >> level, after >> level)]
    assert [node for node, _ in growth.nodes] == expected
    assert [found for _, found in growth.nodes] == TREE.nodes(expected)


@given(SIZES)
def test_every_new_leaf_is_proved_from_what_growth_has_at_hand(sizes: tuple[int, int]) -> None:
    before, added = sizes
    growth = grow(grown(before), TREE.hashes[before : before + added])
    for index in range(before, before + added):
        proof = growth.inclusion_proof(index)
        assert proof == TREE.inclusion(index, before + added)
        verify_inclusion(TREE.hashes[index], index=index, size=before + added, proof=proof, root=growth.after.root)


@pytest.mark.parametrize("before", range(34))
def test_small_trees_grow_by_any_number_of_leaves(before: int) -> None:
    for after in range(before, 70):
        growth = grow(grown(before), TREE.hashes[before:after])
        assert growth.after == grown(after)
        for index in range(before, after):
            assert growth.inclusion_proof(index) == TREE.inclusion(index, after)


@pytest.mark.parametrize("index", [-1, 0, 4, 9, 10])
def test_growth_proves_only_what_it_added(index: int) -> None:
    with pytest.raises(Unverifiable, match="index-out-of-range"):
        grow(grown(5), TREE.hashes[5:9]).inclusion_proof(index)


def test_growth_by_nothing_changes_nothing() -> None:
    growth = grow(grown(11), [])
    assert growth.after == grown(11)
    assert growth.nodes == ()
    assert grow(EMPTY, []).after.root == EMPTY_ROOT


def test_growth_does_not_follow_what_happens_to_the_list_it_was_given() -> None:
    batch = TREE.hashes[5:9]
    growth = grow(grown(5), batch)
    batch.clear()
    assert growth.inclusion_proof(7) == TREE.inclusion(7, 9)


@given(st.integers(0, 700))
def test_what_was_written_down_is_read_again(size: int) -> None:
    assert CompactRange.load(size, grown(size).dump()) == grown(size)


@pytest.mark.parametrize(
    ("size", "data", "code"),
    [
        (3, b"", "range-malformed"),
        (3, bytes(32), "range-malformed"),
        (3, bytes(96), "range-malformed"),
        (3, bytes(63), "hash-malformed"),
        (3, bytes(65), "range-malformed"),
        (0, bytes(32), "range-malformed"),
        (-1, b"", "range-malformed"),
        (-1, bytes(32), "range-malformed"),
    ],
)
def test_what_does_not_fit_the_size_is_refused(size: int, data: bytes, code: str) -> None:
    with pytest.raises(Unverifiable) as caught:
        CompactRange.load(size, data)
    assert caught.value.code == code


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_leaf_that_is_no_hash_is_refused(length: int) -> None:
    with pytest.raises(Unverifiable, match="hash-malformed"):
        grow(EMPTY, [TREE.hashes[0], bytes(length)])
