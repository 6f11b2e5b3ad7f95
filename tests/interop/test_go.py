"""Go's `sumdb/note` and `sumdb/tlog` accept what we make and refuse what was changed."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from broker.tlog.merkle import Node
from broker.tlog.note import Signature
from broker.tlog.tiles import TILE_WIDTH, Tile, tile_path, tiles_of
from tests.interop.conftest import Judge
from tests.support.trees import ORIGIN, PlainTree, cosigner, note_of, signer, tree_of

pytestmark = pytest.mark.interop
SIZES = 100
LARGE = (255, 256, 257, 511, 512, 513, 1_000, 4_097, 65_535, 65_536, 65_537, 70_000)
LOG, ROTATED, STRANGER, WITNESS = signer(), signer(seed=5), signer("stranger.example", 6), cosigner()
TREE, BIG = tree_of(SIZES), tree_of(max(LARGE))
OTHER = bytes(32)


def case(kind: str, note: bytes, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, "vkeys": [LOG.vkey], "origin": ORIGIN, "note": note, **facts}


def inclusion(tree: PlainTree, index: int, note: bytes, proof: Sequence[bytes]) -> dict[str, Any]:
    return case("inclusion", note, leaf=tree.leaves[index], proof={"number": index, "hashes": list(proof)})


def consistency(old_note: bytes, note: bytes, proof: Sequence[bytes]) -> dict[str, Any]:
    return case("consistency", note, oldNote=old_note, proof={"number": 0, "hashes": list(proof)})


@pytest.fixture(scope="module")
def notes() -> dict[int, bytes]:
    return {size: note_of(TREE, size) for size in range(SIZES + 1)}


def changed(proof: Sequence[bytes]) -> Iterator[list[bytes]]:
    """The same proof with a hash changed, dropped, added, and in the other order."""
    yield [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
    yield [*proof[:-1]]
    yield [*proof, OTHER]
    if len(proof) > 1:
        yield [*proof[::-1]]


def test_checkpoints_are_accepted_with_the_signatures_of_strangers_and_witnesses(
    go: Judge, notes: dict[int, bytes]
) -> None:
    text = notes[7].partition(b"\n\n")[0] + b"\n"
    more = notes[7] + ROTATED.sign(text) + STRANGER.sign(text) + WITNESS.cosign(text, 1_800_000_000)
    both = case("checkpoint", more) | {"vkeys": [LOG.vkey, ROTATED.vkey]}
    cases = [case("checkpoint", note) for note in notes.values()] + [case("checkpoint", more), both]
    assert set(go(cases)) == {""}


def test_changed_checkpoints_are_refused(go: Judge, notes: dict[int, bytes]) -> None:
    note = notes[7]
    text = note.partition(b"\n\n")[0] + b"\n"
    bad = Signature(ROTATED.name, ROTATED.key_id, bytes(64)).line
    cases = [
        case("checkpoint", note.replace(b"\n7\n", b"\n8\n")),
        case("checkpoint", note[:-5] + b"AA==\n"),
        case("checkpoint", note_of(TREE, 7, STRANGER)),
        case("checkpoint", note_of(TREE, 7, ROTATED)),
        case("checkpoint", text + b"\n" + LOG.sign(text + b"x\n")),
        case("checkpoint", note + bad) | {"vkeys": [LOG.vkey, ROTATED.vkey]},
    ]
    assert all(go(cases))


def test_inclusion_proofs_of_every_leaf_are_accepted(go: Judge, notes: dict[int, bytes]) -> None:
    cases = [
        inclusion(TREE, index, notes[size], TREE.inclusion(index, size))
        for size in range(1, SIZES + 1)
        for index in range(size)
    ]
    for size in LARGE:
        note = note_of(BIG, size)
        cases += [inclusion(BIG, i, note, BIG.inclusion(i, size)) for i in {0, size // 3, size - 1}]
    assert set(go(cases)) == {""}


def test_changed_inclusion_proofs_are_refused(go: Judge, notes: dict[int, bytes]) -> None:
    cases = [
        inclusion(TREE, index, notes[size], proof)
        for size in range(2, 40)
        for index in range(size)
        for proof in changed(TREE.inclusion(index, size))
    ]
    cases += [inclusion(TREE, index, notes[40], TREE.inclusion(21, 40)) for index in range(40) if index != 21]
    assert all(go(cases))


def test_consistency_proofs_between_all_sizes_are_accepted(go: Judge, notes: dict[int, bytes]) -> None:
    cases = [
        consistency(notes[old], notes[new], TREE.consistency(old, new))
        for new in range(1, SIZES + 1)
        for old in range(1, new + 1)
    ]
    large = {size: note_of(BIG, size) for size in LARGE}
    cases += [
        consistency(large[old], large[new], BIG.consistency(old, new)) for new in LARGE for old in LARGE if old <= new
    ]
    assert set(go(cases)) == {""}


def test_changed_consistency_proofs_and_forks_are_refused(go: Judge, notes: dict[int, bytes]) -> None:
    cases = [
        consistency(notes[old], notes[new], proof)
        for new in range(2, 40)
        for old in range(1, new)
        for proof in changed(TREE.consistency(old, new))
    ]
    fork = tree_of(SIZES)
    fork.hashes[3] = fork.hashes[4]
    cases += [consistency(notes[old], note_of(fork, 40), fork.consistency(old, 40)) for old in range(4, 40)]
    assert all(go(cases))


def read_tile(tile: Tile) -> bytes:
    first = tile.index * TILE_WIDTH
    return b"".join(BIG.nodes([Node(8 * int(tile.level), first + place) for place in range(tile.width)]))


def tiled(size: int, spoil: str = "") -> dict[str, Any]:
    """All tiles of a log, and proofs that we made of them."""
    tiles = {tile_path(*tile): read_tile(tile) for tile in tiles_of(size)}
    if spoil:
        tiles[spoil] = OTHER + tiles[spoil][32:]
    leaves, olds = {0, size // 3, size - 1}, {1, size // 3, size - 1, size}  # inner and right edge
    return case(
        "tiles",
        note_of(BIG, size),
        tiles=tiles,
        records=[{"number": index, "hashes": BIG.inclusion(index, size)} for index in leaves],
        trees=[{"number": old, "hashes": BIG.consistency(old, size)} for old in olds if old],
    )


def test_tiles_lead_to_the_signed_root_and_to_the_same_proofs(go: Judge) -> None:
    assert set(go([tiled(size) for size in (3, *LARGE)])) == {""}


def test_a_changed_tile_is_refused(go: Judge) -> None:
    cases = [
        tiled(70_000, spoil="tile/0/000"),
        tiled(70_000, spoil="tile/1/000"),
        tiled(70_000, spoil="tile/1/001.p/17"),
        tiled(70_000, spoil="tile/2/000.p/1"),
    ]
    cases.append(tiled(1_000) | {"note": note_of(tree_of(1_000), 999)})
    assert all(go(cases))
