"""Says how a log is: how far it has got, who has witnessed it, and whether its newest part still fits what was signed.

Not trusted: it is the broker that says so, of itself. Who wants to know reads the log with a program of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.audit import contradictions
from broker.audit.log_keys import LogKeys
from broker.audit.models import CosignatureRow, EntryRow
from broker.audit.tree import Head, entries_of, hashes_of, head_of, nodes_of
from broker.audit.witnesses import Witness
from broker.errors import NotFound
from broker.tlog.checkpoint import Checkpoint, open_cosigned
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import leaf_hash, root_of
from broker.tlog.note import parse_signatures

MOST_CHECKED = 512
"""How many of a log's newest entries are hashed again for one look."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One witness: the size of the last checkpoint that it has cosigned, and when; None: nothing that fits yet."""

    name: str
    size: int | None
    at: datetime | None
    contradicts: bool


@dataclass(frozen=True, slots=True)
class Health:
    """One log. `checked` newest entries were hashed again just now; `fault` says what did not fit, if anything."""

    log: str
    size: int
    root: bytes
    note: bytes
    is_current: bool
    is_dropped: bool
    last_at: datetime | None
    witnesses: tuple[Seen, ...]
    checked: int
    fault: str | None


def health_of(session: Session, keys: LogKeys, log: str, witnesses: Sequence[Witness]) -> Health:
    """Look at one log. It reads at most some 3,000 rows, whatever the log's size.

    Raises:
        NotFound: there is no such log.
        StorageUnavailable: its state row is damaged.
    """
    head = head_of(session, log)
    against = contradictions.contradicting(session, log)
    seen = tuple(_seen(session, head, one, contradicts=one.verifier.vkey in against) for one in witnesses)
    checked = 0 if head.is_dropped else min(MOST_CHECKED, head.size)
    return Health(
        log=log,
        size=head.size,
        root=head.root,
        note=head.note,
        is_current=head.is_current,
        is_dropped=head.is_dropped,
        last_at=_last_at(session, head),
        witnesses=seen,
        checked=checked,
        fault=_fault(session, keys, head, checked) if checked else None,
    )


def _seen(session: Session, head: Head, witness: Witness, *, contradicts: bool) -> Seen:
    lines = select(CosignatureRow.size, CosignatureRow.line).where(
        CosignatureRow.log == head.origin, CosignatureRow.witness == witness.name
    )
    row = session.execute(lines.order_by(CosignatureRow.size.desc()).limit(1)).first()
    nothing = Seen(witness.name, None, None, contradicts)
    if row is None or head.is_dropped or row.size > head.size:
        return nothing
    try:
        text = Checkpoint(head.origin, row.size, root_of(nodes_of(session, head.origin), row.size)).text()
        signature = parse_signatures(row.line)[0].signature
        if not witness.verifier.verify(text, signature):
            return nothing
        at = datetime.fromtimestamp(witness.verifier.time_of(signature), UTC)
    except (Unverifiable, NotFound, OverflowError, ValueError):
        return nothing
    return Seen(witness.name, row.size, at, contradicts)


def _last_at(session: Session, head: Head) -> datetime | None:
    query = select(EntryRow.time_us).where(EntryRow.log == head.origin, EntryRow.number == head.size - 1)
    last_us = session.scalar(query)
    return None if last_us is None else datetime.fromtimestamp(last_us / 1_000_000, UTC)


def _fault(session: Session, keys: LogKeys, head: Head, checked: int) -> str | None:
    """Return the code of what does not fit: the signature, the tree, or one of the newest entries."""
    try:
        checkpoint, _ = open_cosigned(head.note, keys.verifiers(head.origin), head.origin)
        tree = root_of(nodes_of(session, head.origin), head.size)
    except Unverifiable as error:
        return error.code
    except NotFound:
        return "hashes-missing"
    if (checkpoint.size, checkpoint.root) != (head.size, head.root) or tree != head.root:
        return "root-wrong"
    first = head.size - checked
    leaves = entries_of(session, head.origin, first, checked)
    hashed = [leaf_hash(leaf) for leaf in leaves]
    return None if hashed == hashes_of(session, head.origin, 0, first, checked) else "entry-changed"
