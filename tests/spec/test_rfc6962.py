"""RFC 6962 §2.1 (RFC 9162 has the same tree): its example, and the vectors of Certificate Transparency."""

import hashlib

import pytest

from broker.tlog.compact_range import EMPTY, grow
from broker.tlog.merkle import EMPTY_ROOT, Node, consistency_proof, inclusion_proof, leaf_hash, node_hash, root_of

# The leaves and roots that implementations of Certificate Transparency test themselves with.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def nodes(wanted: list[Node]) -> list[bytes]:
    """Give the complete subtrees of the tree of the vectors."""
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]
    found = {Node(0, index): value for index, value in enumerate(hashes)}
    found |= dict(grow(EMPTY, hashes).nodes)
    return [found[node] for node in wanted]


def test_section_2_1_the_hash_of_an_empty_tree_is_the_hash_of_nothing() -> None:
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT == EMPTY.root


def test_section_2_1_leaves_and_nodes_are_hashed_apart() -> None:
    left, right = leaf_hash(b"left"), leaf_hash(b"right")
    assert left == hashlib.sha256(b"\x00left").digest()
    assert node_hash(left, right) == hashlib.sha256(b"\x01" + left + right).digest()
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize("size", range(9))
def test_section_2_1_the_roots_are_those_of_other_implementations(size: int) -> None:
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:size]]
    assert grow(EMPTY, hashes).after.root.hex() == ROOTS[size]
    assert root_of(nodes, size).hex() == ROOTS[size]


# §2.1.3 names the parts of a tree with seven leaves: a to f and j the leaves, g to k what stands above them.
NAMED = {
    **{name: Node(0, index) for index, name in enumerate("abcdef")},
    "j": Node(0, 6),
    "g": Node(1, 0),
    "h": Node(1, 1),
    "i": Node(1, 2),
    "k": Node(2, 0),
}


def named(names: str) -> list[bytes]:
    (last_three,) = [node_hash(*nodes([NAMED["i"], NAMED["j"]]))]
    return [last_three if name == "l" else nodes([NAMED[name]])[0] for name in names]


@pytest.mark.parametrize(("index", "path"), [(0, "bhl"), (3, "cgl"), (4, "fjk"), (6, "ik")])
def test_section_2_1_3_audit_paths_of_the_example(index: int, path: str) -> None:
    assert inclusion_proof(nodes, index, 7) == named(path)


@pytest.mark.parametrize(("old", "path"), [(3, "cdgl"), (4, "l"), (6, "ijk")])
def test_section_2_1_3_consistency_proofs_of_the_example(old: int, path: str) -> None:
    assert consistency_proof(nodes, old, 7) == named(path)
