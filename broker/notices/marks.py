"""Says whether something is told for the first time: one conditional statement, under any number of processes."""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.notices.models import MarkRow
from broker.storage.base import table_of

_MARKS = table_of(MarkRow)
_INSERTS: dict[str, sqlite.Insert | postgresql.Insert] = {
    "sqlite": sqlite.insert(_MARKS),
    "postgresql": postgresql.insert(_MARKS),
}
_KEPT = timedelta(days=800)  # longer than any grant lives, and than any silence counts


def is_first(session: Session, subject: str, what: str, at: datetime, now: datetime, *, again_from: datetime) -> bool:
    """Mark that something is told of an instant; False when it was told of one later than `again_from` already."""
    connection = session.connection()
    insert = _INSERTS[connection.dialect.name]
    marked = insert.values(subject=subject, what=what, at=at, made_at=now).on_conflict_do_update(
        index_elements=["subject", "what"],
        set_={"at": insert.excluded.at, "made_at": insert.excluded.made_at},
        where=_MARKS.c.at <= again_from,
    )
    return connection.execute(marked.returning(_MARKS.c.subject)).first() is not None


def forget_old_marks(session: Session, now: datetime) -> None:
    """Delete the marks of what is long over."""
    session.execute(delete(MarkRow).where(MarkRow.made_at < now - _KEPT))
