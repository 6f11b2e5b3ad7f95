"""Keeps a copy of a log on the disk, laid out as it is served. What was copied once is never replaced.

Not trusted: the log. A copy is extended only by what its signed checkpoint covers and what follows, hash by hash, from
the entries that are here already; otherwise nothing of the copy changes.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from broker.audit.verification.faults import Fault, Unreadable, found_in
from broker.audit.verification.heads import Head, Trust, opened
from broker.audit.verification.log import Told, nobody
from broker.audit.verification.reading import CHECKPOINT, Missing, Read, mirror_at, replaced
from broker.tlog.compact_range import EMPTY, CompactRange, grow
from broker.tlog.merkle import HASH_BYTES, Node, leaf_hash
from broker.tlog.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    TileNodes,
    decode_entries,
    tile_path,
    tiles_of,
    width_in,
)

_LOCK = ".lock"
_REWRITTEN = ("history-rewritten", "is another entry than the one that was copied before")


@dataclass(frozen=True, slots=True)
class Mirrored:
    """How far the copy goes now, and how many entries are new in it."""

    log: str
    size: int
    added: int


def mirrored(read: Read, folder: Path, trust: Trust, origin: str, told: Told = nobody) -> Mirrored:
    """Bring the copy in a folder up to date with a log.

    Raises:
        Fault: the log is not as it must be, or not the one that was copied before; the copy stays as it was.
        Unreadable: the log has no checkpoint, or another process is at work in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        try:
            head = opened(read(CHECKPOINT), trust, origin)
        except Missing as error:
            raise Unreadable("There is no checkpoint: no such log, or it has no entries yet.") from error
        copy = _Copy(read, folder, origin, _own_head(folder, trust, origin), head)
        copy.check_growth()
        copy.fetch(told)
        copy.settle()
    return Mirrored(origin, head.checkpoint.size, head.checkpoint.size - copy.old_size)


@dataclass(slots=True)
class _Copy:
    """One step of growth: from the head in the folder to the head that the log has signed now."""

    read: Read
    folder: Path
    origin: str
    before: Head | None
    now: Head
    own: Read = field(init=False)
    range: CompactRange = field(init=False)
    above: dict[int, list[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.own = mirror_at(self.folder)
        self.range = self._own_range()

    @property
    def old_size(self) -> int:
        return self.before.checkpoint.size if self.before is not None else 0

    @property
    def new_size(self) -> int:
        return self.now.checkpoint.size

    def check_growth(self) -> None:
        if self.new_size < self.old_size:
            detail = f"is not there any more: the log had {self.old_size} entries and has {self.new_size}"
            raise Fault("log-shrunk", detail, log=self.origin, number=self.new_size)

    def fetch(self, told: Told) -> None:
        """Copy what is new, each bundle compared with its tile and with what is here of it already."""
        for index in range(self.old_size // TILE_WIDTH, -(-self.new_size // TILE_WIDTH)):
            width = width_in(self.new_size, "entries", index)
            tile = self._served(Tile(0, index, width))
            bundle, hashes = self._bundle(Tile("entries", index, width), tile)
            overlap = max(self.old_size - index * TILE_WIDTH, 0)
            self._check_overlap(index, hashes[:overlap])
            if overlap < width:
                growth = grow(self.range, hashes[overlap:])
                self.range = growth.after
                for node, value in growth.nodes:
                    if node.level % TILE_HEIGHT == 0:
                        self.above.setdefault(node.level // TILE_HEIGHT, []).append(value)
            self._write(tile_path("entries", index, width), bundle)
            self._write(tile_path(0, index, width), tile)
            told(index * TILE_WIDTH + width, self.new_size)
        if self.range.root != self.now.checkpoint.root:
            self._find_rewritten()
            detail = "do not hash to the root that the log's key has signed"
            raise Fault("root-wrong", detail, log=self.origin, number=0, last=self.new_size - 1)

    def settle(self) -> None:
        """Put the upper tiles and the new checkpoint in place, then remove the partial tiles that were outgrown."""
        for level, added in sorted(self.above.items()):
            self._write_above(level, added)
        self._write(CHECKPOINT, self.now.note)
        for tile in (*tiles_of(self.old_size), *_bundles_of(self.old_size)):
            if tile.width < TILE_WIDTH and tile.width != width_in(self.new_size, tile.level, tile.index):
                with suppress(FileNotFoundError):
                    (self.folder / tile_path(*tile)).unlink()

    def _bundle(self, wanted: Tile, tile: bytes) -> tuple[bytes, list[bytes]]:
        """Take a bundle from an earlier run that was broken off, if it still fits, else from the log."""
        first = wanted.index * TILE_WIDTH
        with suppress(Missing):
            bundle = self.own(tile_path(*wanted))
            with suppress(ValueError):  # cut off, or otherwise damaged
                hashes = [leaf_hash(leaf) for leaf in decode_entries(bundle, wanted.width)]
                if b"".join(hashes) == tile:
                    return bundle, hashes
        bundle = self._served(wanted)
        with found_in(self.origin, first):
            hashes = [leaf_hash(leaf) for leaf in decode_entries(bundle, wanted.width)]
        self._compare(first, hashes, tile, "entry-altered", "does not hash to what stands in the tree")
        return bundle, hashes

    def _check_overlap(self, index: int, hashes: list[bytes]) -> None:
        if hashes:
            known = self.own(tile_path(0, index, len(hashes)))
            if known != b"".join(hashes):
                self._find_rewritten()  # the first one may stand in a bundle that was not asked for
                self._compare(index * TILE_WIDTH, hashes, known, *_REWRITTEN)

    def _find_rewritten(self) -> None:
        """Find the first entry of a full bundle that the log has changed since it was copied."""
        for index in range(self.old_size // TILE_WIDTH):
            known, tile = self.own(tile_path(0, index)), self._served(Tile(0, index))
            if known != tile:
                hashes = [known[at : at + HASH_BYTES] for at in range(0, len(known), HASH_BYTES)]
                self._compare(index * TILE_WIDTH, hashes, tile, *_REWRITTEN)

    def _compare(self, first: int, hashes: list[bytes], tile: bytes, code: str, detail: str) -> None:
        for place, one in enumerate(hashes):
            if tile[place * HASH_BYTES : (place + 1) * HASH_BYTES] != one:
                raise Fault(code, detail, log=self.origin, number=first + place)

    def _write_above(self, level: int, added: list[bytes]) -> None:
        start = self.old_size >> (TILE_HEIGHT * level)
        partial = start % TILE_WIDTH
        row = b"".join(added)
        if partial:
            row = self.own(tile_path(level, start // TILE_WIDTH, partial)) + row
        for place in range(0, len(row), TILE_WIDTH * HASH_BYTES):
            index = start // TILE_WIDTH + place // (TILE_WIDTH * HASH_BYTES)
            content = row[place : place + TILE_WIDTH * HASH_BYTES]
            tile = Tile(level, index, len(content) // HASH_BYTES)
            if self._served(tile) != content:
                first = index * TILE_WIDTH ** (level + 1)
                detail = f"{tile_path(*tile)} is not what the entries hash to"
                raise Fault("tile-wrong", detail, log=self.origin, number=first)
            self._write(tile_path(*tile), content)

    def _served(self, tile: Tile) -> bytes:
        path = tile_path(*tile)
        try:
            return self.read(path)
        except Missing as error:
            number = tile.index * TILE_WIDTH
            raise Fault("tile-missing", f"The log does not have {path}", log=self.origin, number=number) from error

    def _own_range(self) -> CompactRange:
        if self.before is None:
            return EMPTY
        size, nodes, begin = self.old_size, [], 0
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                nodes.append(Node(level, begin >> level))
                begin += 1 << level
        damaged = Fault("mirror-damaged", "The copy itself was changed or is not complete.", log=self.origin)
        try:
            with found_in(self.origin):
                hashes = TileNodes(lambda tile: self.own(tile_path(*tile)), size)(nodes)
        except Missing as error:
            raise damaged from error
        found = CompactRange(size, tuple(hashes))
        if found.root != self.before.checkpoint.root:
            raise damaged
        return found

    def _write(self, path: str, content: bytes) -> None:
        """Put a file in place whole, and durably, so that the checkpoint never speaks of what is not there."""
        target = self.folder / path
        with suppress(FileNotFoundError):
            if target.stat().st_size == len(content) and target.read_bytes() == content:
                return
        target.parent.mkdir(parents=True, exist_ok=True)
        replaced(target, content)


def _own_head(folder: Path, trust: Trust, origin: str) -> Head | None:
    try:
        return opened(mirror_at(folder)(CHECKPOINT), trust.without_quorum, origin)
    except Missing:
        return None


def _bundles_of(size: int) -> Iterator[Tile]:
    for index in range(-(-size // TILE_WIDTH)):
        yield Tile("entries", index, width_in(size, "entries", index))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other runs out: of two at once, the slower one could put an older checkpoint in place."""
    with (folder / _LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Unreadable("Another process is at work in this folder.") from error
        yield
