"""Reads the entries of a log bundle by bundle, hashes the stored bytes, and compares them with the tiles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from broker.audit.verification.faults import Fault, found_in
from broker.audit.verification.hashing import Rows
from broker.audit.verification.reading import Missing, Read
from broker.tlog.merkle import HASH_BYTES
from broker.tlog.tiles import TILE_WIDTH, decode_entries, tile_path


@dataclass(frozen=True, slots=True)
class Bundle:
    """Up to 256 entries as they are stored, from number `first` on, with the hashes of these very bytes.

    `fault` is what is wrong behind the last of them, so that faults are told in the order of the entries.
    """

    first: int
    leaves: list[bytes]
    hashes: list[bytes]
    fault: Fault | None


def bundles(read: Read, log: str, size: int) -> Iterator[Bundle]:
    """Yield the bundles of a log of this size; one with a fault is the last."""
    for index in range(-(-size // TILE_WIDTH)):
        first = index * TILE_WIDTH
        bundle = _bundle(read, log, index, min(TILE_WIDTH, size - first))
        yield bundle
        if bundle.fault is not None:
            return


def check_tiles_above(read: Read, log: str, rows: Rows) -> None:
    """Compare the tiles of level 1 and above with what the entries hash to.

    Raises:
        Fault: with the entries that a wrong hash stands for.
    """
    for level, row in enumerate(rows.rows, start=1):
        span = TILE_WIDTH**level
        for start in range(0, len(row), TILE_WIDTH):
            expected = row[start : start + TILE_WIDTH]
            path = tile_path(level, start // TILE_WIDTH, len(expected))
            try:
                tile = read(path)
            except Missing as error:
                detail = f"The log does not have {path}."
                raise Fault("tile-missing", detail, log=log, number=start * span) from error
            if tile != b"".join(expected):
                here = _equal(expected, _hashes_in(tile))
                bad = (start + min(here, len(expected) - 1)) * span
                detail = f"{path} is not what the stored entries hash to"
                raise Fault("tile-wrong", detail, log=log, number=bad, last=bad + span - 1)


def _bundle(read: Read, log: str, index: int, width: int) -> Bundle:
    first = index * TILE_WIDTH
    try:
        with found_in(log, first):
            leaves = decode_entries(read(tile_path("entries", index, width)))
        tile = read(tile_path(0, index, width))
    except Missing as error:
        detail = f"The log does not have {error.path}"
        return Bundle(first, [], [], Fault("tile-missing", detail, log=log, number=first, last=first + width - 1))
    hashes = [sha256(b"\x00" + leaf).digest() for leaf in leaves]  # `leaf_hash`, written out: it runs for every entry
    if len(hashes) == width and b"".join(hashes) == tile:
        return Bundle(first, leaves, hashes, None)
    known = _hashes_in(tile)
    good = min(_equal(hashes, known), width)
    missing = good in {len(hashes), len(known)}
    if good == width:
        fault = Fault("bundle-too-long", "stands in a bundle that ends before it", log=log, number=first + good)
    elif missing:
        fault = Fault("entry-missing", "is not there", log=log, number=first + good)
    else:
        fault = Fault("entry-altered", "does not hash to what stands in the tree", log=log, number=first + good)
    return Bundle(first, leaves[:good], hashes[:good], fault)


def _hashes_in(tile: bytes) -> list[bytes]:
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


def _equal(ones: Sequence[bytes], others: Sequence[bytes]) -> int:
    """Return how many of the first are equal."""
    pairs = enumerate(zip(ones, others, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(ones), len(others)))
