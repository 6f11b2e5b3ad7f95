"""Tiles: a log as files of 256 hashes or 256 entries (C2SP tlog-tiles).

Tiles are not trusted: what is computed from them must lead to the root of a checkpoint that verifies.
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from broker.tlog.encoding import LARGEST_NUMBER
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import HASH_BYTES, Node, node_hash

TILE_WIDTH = 256
TILE_HEIGHT = 8  # levels of the tree in a tile
LARGEST_ENTRY = 0xFFFF  # bytes
LARGEST_BUNDLE = TILE_WIDTH * (2 + LARGEST_ENTRY)  # bytes

Level = int | Literal["entries"]

_HIGHEST_LEVEL = 63
_CODE = "tile-malformed"
_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?")
_LENGTH = struct.Struct(">H")


class Tile(NamedTuple):
    """Which tile: its level (or "entries"), its number in the level, and how many of its 256 places are filled."""

    level: Level
    index: int  # type: ignore[assignment]  # nobody looks for a value in it with tuple.index
    width: int = TILE_WIDTH


def tile_path(level: Level, index: int, width: int = TILE_WIDTH) -> str:
    """Return where a tile is found below a log's address, e.g. `tile/0/x001/067.p/3`.

    Raises:
        Unverifiable: there is no such tile.
    """
    if level != "entries" and not 0 <= level <= _HIGHEST_LEVEL:
        raise Unverifiable(_CODE, "The level of a tile is from 0 to 63.")
    if not 0 <= index <= LARGEST_NUMBER or not 1 <= width <= TILE_WIDTH:
        raise Unverifiable(_CODE, "The number or the width of a tile is out of range.")
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def parse_tile_path(path: str) -> Tile:
    """Read a path that `tile_path` wrote.

    Raises:
        Unverifiable: it is another path, or another spelling of one.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        raise Unverifiable(_CODE, "This is not the path of a tile.")
    level, groups, width = found.groups()
    tile = Tile(
        "entries" if level == "entries" else int(level),
        int(groups.replace("x", "").replace("/", "")),
        TILE_WIDTH if width is None else int(width),
    )
    if tile_path(*tile) != path:
        raise Unverifiable(_CODE, "The path of this tile is written differently.")
    return tile


def width_in(size: int, level: Level, index: int) -> int:
    """Return how many places of this tile a tree of `size` leaves fills: 0 (no such tile) to 256."""
    hashes = size >> (TILE_HEIGHT * (0 if level == "entries" else level))
    return min(max(hashes - index * TILE_WIDTH, 0), TILE_WIDTH)


def tiles_of(size: int) -> Iterator[Tile]:
    """Name all hash tiles of a tree of `size` leaves, level by level."""
    level = 0
    while count := size >> (TILE_HEIGHT * level):
        for index in range(-(-count // TILE_WIDTH)):
            yield Tile(level, index, width_in(size, level, index))
        level += 1


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """Write an entry bundle of 1 to 256 entries.

    Raises:
        Unverifiable: there are none or too many, or one is longer than 65,535 bytes.
    """
    if not 1 <= len(entries) <= TILE_WIDTH or any(len(entry) > LARGEST_ENTRY for entry in entries):
        raise Unverifiable("bundle-malformed", "An entry bundle has 1 to 256 entries of at most 65,535 bytes.")
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def decode_entries(data: bytes, width: int | None = None) -> list[bytes]:
    """Read an entry bundle; with `width`, exactly so many entries.

    Raises:
        Unverifiable: it is cut off, or has another number of entries.
    """
    entries: list[bytes] = []
    place, end, length_at, prefix = 0, len(data), _LENGTH.unpack_from, _LENGTH.size
    while place < end and len(entries) <= TILE_WIDTH:
        begin = place + prefix
        place = begin + length_at(data, place)[0] if begin <= end else begin
        if place > end:
            raise Unverifiable("bundle-malformed", f"The entry bundle ends within its entry {len(entries)}.")
        entries.append(data[begin:place])
    if not 1 <= len(entries) <= TILE_WIDTH or width not in {None, len(entries)}:
        expected = "1 to 256" if width is None else str(width)
        raise Unverifiable("bundle-malformed", f"The entry bundle has not {expected} entries.")
    return entries


class TileNodes:
    """The hashes of complete subtrees, as `merkle` asks for them, out of the tiles of a tree of `size` leaves.

    `read_tile` gives the bytes of a tile; each is asked for once in a call.
    """

    def __init__(self, read_tile: Callable[[Tile], bytes], size: int) -> None:
        """Take where tiles come from and how large the tree is: that decides which tiles are partial."""
        self._read_tile = read_tile
        self._size = size

    def __call__(self, wanted: Sequence[Node]) -> list[bytes]:
        """Return the hash of each node.

        Raises:
            Unverifiable: the tree has no such complete subtree, or a tile has not the width that the size asks for.
        """
        read: dict[tuple[int, int], bytes] = {}
        return [self._hash_of(node, read) for node in wanted]

    def _hash_of(self, node: Node, read: dict[tuple[int, int], bytes]) -> bytes:
        level, height = divmod(node.level, TILE_HEIGHT)
        index, place = divmod(node.index << height, TILE_WIDTH)
        if place + (1 << height) > width_in(self._size, level, index):
            raise Unverifiable("nodes-missing", f"A tree of {self._size} leaves has no such complete subtree.")
        if (level, index) not in read:
            read[level, index] = self._read(level, index)
        data = read[level, index]
        row = [data[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(place, place + (1 << height))]
        while len(row) > 1:
            row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        return row[0]

    def _read(self, level: int, index: int) -> bytes:
        tile = Tile(level, index, width_in(self._size, level, index))
        data = self._read_tile(tile)
        if len(data) != tile.width * HASH_BYTES:
            raise Unverifiable(_CODE, f"{tile_path(*tile)} has {len(data)} bytes, not {tile.width * HASH_BYTES}.")
        return data
