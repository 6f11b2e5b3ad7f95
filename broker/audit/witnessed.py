"""The cosignatures that witnesses gave: kept as lines, read back as cosigned checkpoints.

Not trusted: whoever can write these rows can only spoil them; a line proves itself by its signature.
"""

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.audit.models import CosignatureRow
from broker.audit.tree import entries_of, head_of, nodes_of, receipt_of
from broker.errors import NotFound
from broker.storage.base import table_of
from broker.tlog.checkpoint import Checkpoint, parse_checkpoint
from broker.tlog.merkle import inclusion_proof, root_of
from broker.tlog.note import parse_note
from broker.tlog.receipt import make_receipt

_COSIGNATURES = table_of(CosignatureRow)
_LOOKED_AT = 8  # rounds of four seconds: a witness that lags more than half a minute holds nothing up
_KEPT = {
    "sqlite": sqlite.insert(_COSIGNATURES).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(_COSIGNATURES).on_conflict_do_nothing(),
}


def keep(session: Session, checkpoint: Checkpoint, note: bytes, cosigned: dict[str, bytes]) -> None:
    """Store the cosignature lines of a checkpoint, by witness, and beside them the log's own lines of its note.

    What stands there already stays. The log's lines stand under the log's name, because the state row keeps only the
    newest checkpoint: without them an older one could not be shown again.
    """
    own = b"".join(signature.line for signature in parse_note(note).signatures)
    lines = {**cosigned, checkpoint.origin: own}
    place = {"log": checkpoint.origin, "size": checkpoint.size}
    # Left out here, and not by the insert alone: SQLite's trigger against replacing comes before its conflict clause.
    query = select(CosignatureRow.witness).filter_by(**place)
    missing = lines.keys() - set(session.scalars(query))
    if missing:
        connection = session.connection()
        rows = [{**place, "witness": name, "line": lines[name]} for name in sorted(missing)]
        connection.execute(_KEPT[connection.dialect.name], rows)


def last_size(session: Session, log: str, witness: str) -> int:
    """Return the size of the newest checkpoint of a log that this witness has cosigned, 0 without one."""
    query = select(func.max(CosignatureRow.size)).where(CosignatureRow.log == log, CosignatureRow.witness == witness)
    return session.scalar(query) or 0


def cosigned_checkpoint(session: Session, log: str, size: int | None = None) -> bytes:
    """Return a checkpoint of a log as a signed note with every cosignature that is kept for it.

    `size` None: of the last that witnesses have cosigned the one with the most of them; before there is one, the newest
    without cosignatures.

    Raises:
        NotFound: there is no such log, it has no entry yet, or no checkpoint of that size was cosigned.
    """
    head = head_of(session, log)
    if size is None:
        size = _best(session, log)
        if size is None:
            if not head.note:
                raise NotFound("This log has no checkpoint yet.")
            return head.note
    rows = select(CosignatureRow.witness, CosignatureRow.line).where(
        CosignatureRow.log == log, CosignatureRow.size == size
    )
    lines = dict(session.execute(rows).all())
    if log not in lines or size > head.size:
        raise NotFound("No checkpoint of that size was cosigned.")
    root = head.root if size == head.size else root_of(nodes_of(session, log), size)
    own = lines.pop(log)
    return Checkpoint(log, size, root).text() + b"\n" + own + b"".join(lines[name] for name in sorted(lines))


def _best(session: Session, log: str) -> int | None:
    """Return the size that most witnesses have cosigned, of the last few; the newest of equals. None: nobody has yet.

    Witnesses answer one after the other: the very newest often has the line of the quickest one alone.
    """
    counted = select(CosignatureRow.size, func.count()).where(CosignatureRow.log == log, CosignatureRow.witness != log)
    last = counted.group_by(CosignatureRow.size).order_by(CosignatureRow.size.desc()).limit(_LOOKED_AT)
    found = [(count, size) for size, count in session.execute(last)]
    return max(found)[1] if found else None


def cosigned_receipt(session: Session, log: str, number: int) -> bytes:
    """Return the receipt of an entry against the newest checkpoint that a witness has cosigned.

    What no witness has seen yet gets the newest checkpoint of all.

    Raises:
        NotFound: there is no such log or entry, or the log has signed nothing yet.
    """
    note = cosigned_checkpoint(session, log)
    size = parse_checkpoint(parse_note(note).text).size
    leaf = next(iter(entries_of(session, log, number, 1)), None)
    if leaf is None or number >= size:
        return receipt_of(session, log, number)
    return make_receipt(leaf, number, inclusion_proof(nodes_of(session, log), number, size), note)
