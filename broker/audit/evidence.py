"""All that the logs hold about one person, entry by entry, each with its receipt: what a proof pack is made of."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import structlog
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from broker.audit.models import DetailRow, EntryRow, LogState, SubjectRow
from broker.audit.receipts import disclosed
from broker.audit.subjects import opened
from broker.audit.tree import Head, hashes_of, head_of
from broker.audit.witnessed import cosigned_checkpoint
from broker.crypto.sealing import Sealer
from broker.errors import NotFound
from broker.tlog.checkpoint import parse_checkpoint
from broker.tlog.disclosure import Disclosure
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import Node, Nodes, inclusion_proof
from broker.tlog.note import parse_note
from broker.tlog.receipt import make_receipt
from broker.tlog.tiles import TILE_HEIGHT, Tile, TileNodes

_log = structlog.get_logger(__name__)
_PAGE = 500
_TILES_KEPT, _NODES_KEPT = 64, 4_096


@dataclass(frozen=True, slots=True)
class Evidence:
    """One entry as its person may show it to others. `subject_seq` is None for entries older than the chain.

    `receipt` is None where the tree in the database is damaged, so that nothing can be proved.
    """

    log: str
    number: int
    subject: str
    subject_seq: int | None
    event: str
    time_us: int
    receipt: bytes | None
    disclosures: tuple[Disclosure, ...]


def logs_about(session: Session, user_id: str) -> list[tuple[Head, int]]:
    """Return the heads of the logs that hold entries about this person, by name, with the number of those entries."""
    counted = (
        select(EntryRow.log, func.count(), func.max(EntryRow.number))
        .where(EntryRow.subject.in_(select(SubjectRow.pseudonym).where(SubjectRow.user_id == user_id)))
        .group_by(EntryRow.log)
    )
    rows = session.execute(counted).all()
    counts, last = {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}
    signed = session.scalars(select(LogState.name).where(LogState.checkpoint != b"").order_by(LogState.name))
    return [(_head_over(session, name, last[name]), counts[name]) for name in signed if name in counts]


def _head_over(session: Session, log: str, last: int) -> Head:
    """Return the head that witnesses have signed if it covers entry `last`, else the newest."""
    newest = head_of(session, log)
    try:
        note = cosigned_checkpoint(session, log)
        checkpoint = parse_checkpoint(parse_note(note).text)
    except (NotFound, Unverifiable):
        return newest  # the tree below it is damaged: what can be proved is told entry by entry
    if checkpoint.size <= last:
        return newest
    return replace(newest, size=checkpoint.size, root=checkpoint.root, note=note)


def evidence_of(session: Session, master: Sealer, user_id: str, head: Head) -> Iterator[Evidence]:
    """Walk over the entries of one log about this person, in their order. The session must see one state throughout."""
    owner = head.origin.split("/")[-2]
    who = select(SubjectRow).where(SubjectRow.user_id == user_id, SubjectRow.bank_id == owner)
    sealers = {one.pseudonym: opened(master, one.pseudonym, one.sealed_key) for one in session.scalars(who)}
    nodes = _nodes_of(session, head)
    is_told, after = False, (0, -1)
    while rows := _page(session, head.origin, list(sealers), after):
        for row in rows:
            receipt = _receipt(nodes, head, row)
            if receipt is None and not is_told:
                is_told = True
                _log.error("audit.tree_damaged", log=head.origin, number=row.number)
            yield Evidence(
                log=head.origin,
                number=row.number,
                subject=row.subject,
                subject_seq=json.loads(row.leaf).get("subjectSeq"),
                event=row.event,
                time_us=row.time_us,
                receipt=receipt,
                disclosures=()
                if row.sealed is None
                else disclosed(sealers[row.subject], head.origin, row.number, row.sealed),
            )
        after = (rows[-1].time_us, rows[-1].number)


def _receipt(nodes: Nodes, head: Head, row: Any) -> bytes | None:
    try:
        return make_receipt(row.leaf, row.number, inclusion_proof(nodes, row.number, head.size), head.note)
    except Unverifiable:
        return None


def _page(session: Session, log: str, subjects: Sequence[str], after: tuple[int, int]) -> Sequence[Any]:
    """Read on by time, which never falls from one entry to the next: there is an index of a person's entries by it."""
    columns = (EntryRow.number, EntryRow.event, EntryRow.time_us, EntryRow.subject, EntryRow.leaf, DetailRow.sealed)
    same = (DetailRow.log == EntryRow.log) & (DetailRow.number == EntryRow.number)
    about = EntryRow.subject.in_(subjects) & (EntryRow.log == log) & (EntryRow.time_us >= after[0])
    place = tuple_(EntryRow.time_us, EntryRow.number)
    query = select(*columns).outerjoin(DetailRow, same).where(about, place > after)
    return session.execute(query.order_by(EntryRow.time_us, EntryRow.number).limit(_PAGE)).all()


def _nodes_of(session: Session, head: Head) -> Nodes:
    """Read the tree by tiles, and remember what was used last: neighbours have most of their proofs in common."""

    @lru_cache(_TILES_KEPT)
    def tile(wanted: Tile) -> bytes:
        level = int(wanted.level) * TILE_HEIGHT
        first = wanted.index << TILE_HEIGHT
        return b"".join(hashes_of(session, head.origin, level, first, wanted.width))

    tiles = TileNodes(tile, head.size)

    @lru_cache(_NODES_KEPT)
    def node(wanted: Node) -> bytes:
        return tiles([wanted])[0]

    return lambda wanted: [node(one) for one in wanted]
