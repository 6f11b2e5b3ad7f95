"""Reads a log as the tree it is: nodes, tiles, entries, the checkpoint, a receipt for any entry.

Not trusted: what is read here proves itself by the checkpoint's signature and the hashes, or is refused by who gets it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Cast, LargeBinary, cast, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from broker.audit.models import EntryRow, LogState, NodeRow
from broker.audit.writer import TILE_HEIGHT
from broker.errors import NotFound
from broker.tlog.compact_range import CompactRange
from broker.tlog.merkle import Node, Nodes, inclusion_proof, node_hash
from broker.tlog.receipt import make_receipt


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


def head_of(session: Session, log: str) -> Head:
    """Return the newest signed head of a log.

    Raises:
        NotFound: there is no such log.
    """
    row = session.get(LogState, log, populate_existing=True)
    if row is None:
        raise NotFound("There is no such log.")
    return _head(row)


def heads(session: Session, owner: str | None = None) -> list[Head]:
    """Return the newest heads of all logs, or of those of one owner (a bank's id, or `operator`), oldest log first."""
    query = select(LogState)
    rows = session.scalars(query if owner is None else query.where(LogState.owner == owner))
    return [_head(row) for row in sorted(rows, key=lambda row: (row.owner, row.is_current, *_age(row.name)))]


def sizes(session: Session) -> dict[str, int]:
    """Return the sizes of all logs that have entries and were not dropped."""
    query = select(LogState.name, LogState.size).where(LogState.size > 0, LogState.is_dropped.is_(False))
    return dict(session.execute(query.order_by(LogState.name)).all())


def nodes_of(session: Session, log: str) -> Nodes:
    """Return the reader of a log's complete subtrees.

    Raises, when called:
        NotFound: a node is beyond the end of the log, or the log was dropped.
    """

    def read(nodes: Sequence[Node]) -> list[bytes]:
        return [_node(session, log, node) for node in nodes]

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
    if level == 0:
        query = select(_as_bytes(EntryRow.leaf_hash)).where(EntryRow.log == log).order_by(EntryRow.number)
        number = EntryRow.number
    else:
        query = (
            select(_as_bytes(NodeRow.hash)).where(NodeRow.log == log, NodeRow.level == level).order_by(NodeRow.number)
        )
        number = NodeRow.number
    return list(session.scalars(query.where(number >= first, number < first + count)))


def _as_bytes(column: InstrumentedAttribute[bytes]) -> Cast[bytes]:
    """SQLite keeps a text where somebody puts one; here it must not stop those who look for such things."""
    return cast(column, LargeBinary)


def _age(name: str) -> tuple[int, int, str]:
    """Order the names of one owner's logs: by year, then by how often it was recovered (`-10` after `-2`)."""
    year, _, again = name.rpartition("/")[2].partition("-")
    return int(year) if year.isdecimal() else 0, int(again) if again.isdecimal() else 0, name


def _node(session: Session, log: str, node: Node) -> bytes:
    height = node.level % TILE_HEIGHT
    below = hashes_of(session, log, node.level - height, node.index << height, 1 << height)
    if len(below) != 1 << height:
        raise NotFound("That part of the log does not exist, or not any more.")
    while len(below) > 1:
        below = [node_hash(left, right) for left, right in zip(below[::2], below[1::2], strict=True)]
    return below[0]


def _head(row: LogState) -> Head:
    root = CompactRange.load(row.size, row.frontier).root
    return Head(row.name, row.size, root, row.checkpoint, row.is_current, row.is_dropped)
