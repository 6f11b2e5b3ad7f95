"""Tiles and entry bundles: paths with one spelling, widths that the size decides, nothing cut off."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import Node, consistency_proof, inclusion_proof, root_of
from broker.tlog.tiles import (
    LARGEST_BUNDLE,
    LARGEST_ENTRY,
    TILE_WIDTH,
    Level,
    Tile,
    TileNodes,
    decode_entries,
    encode_entries,
    parse_tile_path,
    tile_path,
    tiles_of,
    width_in,
)
from tests.support.trees import tree_of

SIZE = 70_000
TREE = tree_of(SIZE)
LEVELS = st.one_of(st.just("entries"), st.integers(0, 63))


def read_tile(tile: Tile) -> bytes:
    height = 8 * int(tile.level)
    first = tile.index * TILE_WIDTH
    return b"".join(TREE.nodes([Node(height, first + place) for place in range(tile.width)]))


@given(LEVELS, st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_a_path_is_read_as_it_was_written(level: Level, index: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, index, width)) == Tile(level, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0",
        "tile/0/",
        "tile/0/1",
        "tile/0/0001",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/00/001",
        "tile/64/001",
        "tile/-1/001",
        "tile/data/001",
        "tile/entries/1",
        "tile/0/001.p/0",
        "tile/0/001.p/01",
        "tile/0/001.p/256",
        "tile/0/001.p/",
        "tile/0/001.p",
        "tile/0/001/",
        "tile/0/001\n",
        "/tile/0/001",
        "tile/0/X001/002",
        "tile/0/../001",
        "tile/0/%30%30%31",
        "tile/0/\u0660\u0660\u0661",
        "tile/0/x009/x223/x372/x036/x854/x775/808",
        "tile/0/x001/x009/x223/x372/x036/x854/x775/807",
    ],
)
def test_another_spelling_is_no_path(path: str) -> None:
    with pytest.raises(Unverifiable, match="tile-malformed"):
        parse_tile_path(path)


@pytest.mark.parametrize(("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_a_tile_that_cannot_be_has_no_path(level: int, index: int, width: int) -> None:
    with pytest.raises(Unverifiable, match="tile-malformed"):
        tile_path(level, index, width)


@given(st.integers(0, 2_000_000))
def test_every_hash_of_a_tree_stands_in_one_tile(size: int) -> None:
    by_level: dict[Level, int] = {}
    for tile in tiles_of(size):
        assert tile.width == width_in(size, tile.level, tile.index) > 0
        by_level[tile.level] = by_level.get(tile.level, 0) + tile.width
    assert by_level == {level: size >> 8 * level for level in range(8) if size >> 8 * level}
    assert width_in(size, 0, size // 256 + 1) == 0


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 513, 1000, 65_535, 65_536, 65_537, SIZE])
def test_roots_and_proofs_are_made_of_tiles(size: int) -> None:
    nodes = TileNodes(read_tile, size)
    assert root_of(nodes, size) == TREE.root(size)
    for index in {0, size // 2, size - 1}:
        assert inclusion_proof(nodes, index, size) == TREE.inclusion(index, size)
    for old in {1, size // 2 or 1, size}:
        assert consistency_proof(nodes, old, size) == TREE.consistency(old, size)


def test_each_tile_is_read_once_for_a_proof() -> None:
    read: list[Tile] = []

    def counted(tile: Tile) -> bytes:
        read.append(tile)
        return read_tile(tile)

    inclusion_proof(TileNodes(counted, SIZE), 300, SIZE)
    assert len(read) == len(set(read))
    assert set(read) <= set(tiles_of(SIZE))


@pytest.mark.parametrize("change", [lambda _: b"", lambda tile: tile[:-1], lambda tile: tile + bytes(32)])
def test_a_tile_of_another_width_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Unverifiable) as caught:
        root_of(TileNodes(lambda tile: change(read_tile(tile)), 300), 300)
    assert caught.value.code == "tile-malformed"
    assert "tile/" in caught.value.detail


@pytest.mark.parametrize("node", [Node(0, 300), Node(2, 75), Node(8, 1), Node(16, 0)])
def test_tiles_have_no_hash_that_the_tree_has_not(node: Node) -> None:
    with pytest.raises(Unverifiable, match="nodes-missing"):
        TileNodes(read_tile, 300)([node])


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_a_bundle_is_read_as_it_was_written(entries: Sequence[bytes]) -> None:
    data = encode_entries(entries)
    assert decode_entries(data) == decode_entries(data, len(entries)) == list(entries)
    with pytest.raises(Unverifiable, match="bundle-malformed"):
        decode_entries(data[:-1])


@pytest.mark.parametrize("entries", [[], [b""] * 257, [b"x" * (LARGEST_ENTRY + 1)]])
def test_a_bundle_that_cannot_be_is_not_made(entries: list[bytes]) -> None:
    with pytest.raises(Unverifiable, match="bundle-malformed"):
        encode_entries(entries)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "1 to 256"),
        (b"\x00", "within its entry 0"),
        (b"\x00\x05abcd", "within its entry 0"),
        (b"\x00\x01a\x00", "within its entry 1"),
        (b"\x00\x00" * 257, "1 to 256"),
        (b"\x00\x00" * 100_000, "1 to 256"),
    ],
)
def test_a_spoiled_bundle_is_refused_and_the_place_is_named(data: bytes, word: str) -> None:
    with pytest.raises(Unverifiable) as caught:
        decode_entries(data)
    assert caught.value.code == "bundle-malformed"
    assert word in caught.value.detail


def test_a_bundle_of_another_width_is_refused() -> None:
    with pytest.raises(Unverifiable, match="has not 2 entries"):
        decode_entries(encode_entries([b"a", b"b", b"c"]), 2)


def test_the_largest_bundle_can_be_read() -> None:
    data = encode_entries([b"x" * LARGEST_ENTRY] * TILE_WIDTH)
    assert len(data) == LARGEST_BUNDLE
    assert len(decode_entries(data, TILE_WIDTH)) == TILE_WIDTH
