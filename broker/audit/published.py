"""What a log serves to those who verify it, by the paths of C2SP tlog-tiles: checkpoint, hash tiles, entry bundles.

Not trusted: whoever reads this hashes it again, up to the root that the log's key has signed.
"""

import re
from dataclasses import dataclass

from sqlalchemy.orm import Session

from broker.audit import tree, witnessed
from broker.errors import NotFound
from broker.tlog.errors import Unverifiable
from broker.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, encode_entries, parse_tile_path, width_in

_OWNER = re.compile(r"[a-z][a-z0-9-]{1,63}")
_YEAR = re.compile(r"[0-9]{4}(-[1-9][0-9]{0,3})?")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes of a log. Those that are `final` never change: a full tile, a full bundle."""

    body: bytes
    final: bool = False


def log_at(host: str, owner: str, year: str) -> str:
    """Return the name of the log at an address below `/audit`.

    Raises:
        NotFound: there can be no such log.
    """
    if not _OWNER.fullmatch(owner) or not _YEAR.fullmatch(year):
        raise NotFound("There is no such log.")
    return f"{host}/audit/{owner}/{year}"


def checkpoint(session: Session, log: str) -> Stored:
    """Return the newest checkpoint that a witness has cosigned, with all cosignatures; else the newest signed one.

    Raises:
        NotFound: there is no such log, or it has no entries yet.
    """
    if tree.head_of(session, log).is_dropped:
        return tip(session, log)  # nothing is left to compute an older root from
    try:
        return Stored(witnessed.cosigned_checkpoint(session, log))
    except NotFound:
        # Where the tree below a cosigned one is damaged, the newest still lets verifiers name the first bad entry.
        return tip(session, log)


def tip(session: Session, log: str) -> Stored:
    """Return the newest signed checkpoint, over all entries, whether a witness has seen it or not.

    Raises:
        NotFound: there is no such log, or it has no entries yet.
    """
    note = tree.head_of(session, log).note
    if not note:
        raise NotFound("The log has no entries yet.")
    return Stored(note)


def hash_tile(session: Session, log: str, path: str) -> Stored:
    """Return a tile of hashes, such as `tile/0/x001/067` or `tile/1/000.p/3`.

    Raises:
        NotFound: there is no such tile; an entry bundle is none.
    """
    tile = _tile(session, log, path)
    if tile.level == "entries":
        raise NotFound("There is no such tile.")
    level, first = tile.level * TILE_HEIGHT, tile.index * TILE_WIDTH
    return _stored(b"".join(tree.hashes_of(session, log, level, first, tile.width)), tile)


def entry_bundle(session: Session, log: str, path: str) -> Stored:
    """Return a bundle of entries, such as `tile/entries/000.p/7`. Who may have it is the caller's question.

    Raises:
        NotFound: there is no such bundle, or not any more.
    """
    tile = _tile(session, log, path)
    if tile.level != "entries":
        raise NotFound("There is no such bundle.")
    leaves = tree.entries_of(session, log, tile.index * TILE_WIDTH, tile.width)
    return _stored(encode_entries(leaves) if leaves else b"", tile)


def proof(session: Session, log: str, number: str) -> Stored:
    """Return the receipt of one entry (C2SP tlog-proof), with the signatures of witnesses where they cover it.

    Raises:
        NotFound: there is no such log or entry.
    """
    if not _NUMBER.fullmatch(number):
        raise NotFound("There is no such entry.")
    return Stored(witnessed.cosigned_receipt(session, log, int(number)))


def _tile(session: Session, log: str, path: str) -> Tile:
    try:
        tile = parse_tile_path(path)
    except Unverifiable as error:
        raise NotFound("There is no such tile.") from error
    if tile.width > width_in(tree.head_of(session, log).size, tile.level, tile.index):
        raise NotFound("The log has not grown so far.")
    return tile


def _stored(body: bytes, tile: Tile) -> Stored:
    if not body:
        raise NotFound("That part of the log does not exist, or not any more.")
    return Stored(body, final=tile.width == TILE_WIDTH)
