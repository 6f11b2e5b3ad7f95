"""Reads a log as the tree it is: nodes, tiles, entries, the checkpoint, a receipt for any entry.

Not trusted: what is read here proves itself by the checkpoint's signature and the hashes, or is refused by who gets it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Cast, ColumnElement, LargeBinary, bindparam, cast, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from broker.audit.models import EntryRow, LogState, NodeRow
from broker.audit.writer import TILE_HEIGHT
from broker.errors import NotFound, StorageUnavailable
from broker.storage.prepared import Prepared
from broker.tlog.compact_range import CompactRange
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import Node, Nodes, inclusion_proof, node_hash
from broker.tlog.receipt import make_receipt

_log = structlog.get_logger(__name__)


def _as_bytes(column: InstrumentedAttribute[bytes]) -> Cast[bytes]:
    """SQLite keeps a text where somebody puts one; here it must not stop those who look for such things."""
    return cast(column, LargeBinary)


def _between(number: InstrumentedAttribute[int]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return number >= bindparam("first"), number < bindparam("behind")


_LEAF_HASHES = Prepared(
    select(_as_bytes(EntryRow.leaf_hash).label("hash"))
    .where(EntryRow.log == bindparam("of_log"), *_between(EntryRow.number))
    .order_by(EntryRow.number)
)
_NODE_HASHES = Prepared(
    select(_as_bytes(NodeRow.hash).label("hash"))
    .where(NodeRow.log == bindparam("of_log"), NodeRow.level == bindparam("at_level"), *_between(NodeRow.number))
    .order_by(NodeRow.number)
)


@dataclass(frozen=True, slots=True)
class Head:
    """How far a log has got: its name, its size, its root, and the signed note that says so (empty at size 0).

    Of a log that was dropped only this is left.
    """

    origin: str
    size: int
    root: bytes
    note: bytes
    is_current: bool
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list of the logs says of one, which is readable also when its tree is damaged."""

    origin: str
    size: int
    note: bytes
    is_current: bool


def head_of(session: Session, log: str) -> Head:
    """Return the newest signed head of a log.

    Raises:
        NotFound: there is no such log.
        StorageUnavailable: its state row is damaged.
    """
    frontier, checkpoint = _as_bytes(LogState.frontier), _as_bytes(LogState.checkpoint)
    query = select(LogState.size, frontier, checkpoint, LogState.is_current, LogState.is_dropped)
    row = session.execute(query.where(LogState.name == log)).first()
    if row is None:
        raise NotFound("There is no such log.")
    size, hashes, note, is_current, is_dropped = row
    try:
        return Head(log, size, CompactRange.load(size, hashes).root, note, is_current, is_dropped)
    except Unverifiable as error:
        _log.error("audit.state_damaged", log=log)
        raise StorageUnavailable("What is stored of the log is no tree.") from error


def heads(session: Session) -> list[Head]:
    """Return the newest heads of all logs, in the order of `listed`.

    Raises:
        StorageUnavailable: a state row is damaged; who can do with less uses `listed`.
    """
    return [head_of(session, log.origin) for log in listed(session)]


def listed(session: Session, owner: str | None = None) -> list[Listed]:
    """List all logs, or those of one owner (a bank's id, or `operator`), the oldest log of an owner first."""
    query = select(LogState.name, LogState.size, _as_bytes(LogState.checkpoint), LogState.is_current)
    rows = session.execute(query if owner is None else query.where(LogState.owner == owner))
    found = [Listed(*row) for row in rows]
    return sorted(found, key=lambda log: (log.origin.rpartition("/")[0], log.is_current, *_age(log.origin)))


def checkpoints(session: Session) -> dict[str, bytes]:
    """Return the signed notes of all logs that have entries and were not dropped."""
    query = select(LogState.name, _as_bytes(LogState.checkpoint)).where(
        LogState.size > 0, LogState.is_dropped.is_(False)
    )
    return dict(session.execute(query.order_by(LogState.name)).all())


def nodes_of(session: Session, log: str) -> Nodes:
    """Return the reader of a log's complete subtrees.

    Raises, when called:
        NotFound: a node is beyond the end of the log, or the log was dropped.
    """

    def read(nodes: Sequence[Node]) -> list[bytes]:
        levels = [node.level - node.level % TILE_HEIGHT for node in nodes]
        of_level = {
            level: _stored(
                session, log, level, (_below(node) for node, at in zip(nodes, levels, strict=True) if at == level)
            )
            for level in set(levels)
        }
        return [_folded(node, of_level[level]) for node, level in zip(nodes, levels, strict=True)]

    return read


def receipt_of(session: Session, log: str, number: int) -> bytes:
    """Return the receipt of one entry against the newest checkpoint: a tlog-proof with the entry's bytes.

    Raises:
        NotFound: there is no such log or entry.
    """
    head = head_of(session, log)
    leaves = entries_of(session, log, number, 1)
    if not leaves or number >= head.size:
        raise NotFound("There is no such entry.")
    proof = inclusion_proof(nodes_of(session, log), number, head.size)
    return make_receipt(leaves[0], number, proof, head.note)


def entries_of(session: Session, log: str, first: int, count: int) -> list[bytes]:
    """Return the bytes of at most `count` entries from number `first` on."""
    query = select(_as_bytes(EntryRow.leaf)).where(EntryRow.log == log, EntryRow.number >= first)
    return list(session.scalars(query.where(EntryRow.number < first + count).order_by(EntryRow.number)))


def hashes_of(session: Session, log: str, level: int, first: int, count: int) -> list[bytes]:
    """Return stored hashes: of entries (level 0), or of complete subtrees of 2**level entries (level 8, 16, …)."""
    where = {"of_log": log, "first": first, "behind": first + count}
    if level == 0:
        return [row.hash for row in _LEAF_HASHES.all(session, **where)]
    return [row.hash for row in _NODE_HASHES.all(session, **where, at_level=level)]


def _age(name: str) -> tuple[int, int, str]:
    """Order the names of one owner's logs: by year, then by how often it was recovered (`-10` after `-2`)."""
    year, _, again = name.rpartition("/")[2].partition("-")
    return int(year) if year.isdecimal() else 0, int(again) if again.isdecimal() else 0, name


def _stored(session: Session, log: str, level: int, spans: Iterable[range]) -> dict[int, bytes]:
    """Return stored hashes of one level by their numbers.

    The nodes of a proof stand beside each other, so their spans do: one question for all that touch.
    """
    joined: list[range] = []
    for span in sorted(spans, key=lambda one: one.start):
        if joined and span.start <= joined[-1].stop:
            joined[-1] = range(joined[-1].start, max(span.stop, joined[-1].stop))
        else:
            joined.append(span)
    found: dict[int, bytes] = {}
    for span in joined:
        hashes = hashes_of(session, log, level, span.start, len(span))
        if len(hashes) == len(span):  # where one is missing, nobody knows whose the others are
            found.update(zip(span, hashes, strict=True))
    return found


def _below(node: Node) -> range:
    """Return the numbers of the stored hashes from which that of a node is made."""
    height = node.level % TILE_HEIGHT
    return range(node.index << height, (node.index + 1) << height)


def _folded(node: Node, stored: Mapping[int, bytes]) -> bytes:
    try:
        below = [stored[number] for number in _below(node)]
    except KeyError as error:
        raise NotFound("That part of the log does not exist, or not any more.") from error
    while len(below) > 1:
        below = [node_hash(left, right) for left, right in zip(below[::2], below[1::2], strict=True)]
    return below[0]
