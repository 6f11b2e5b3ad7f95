"""Numbers the events about one grant for one receiver: 1, 2, 3 and so on, without gaps, in the order of the changes."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from broker.events.stream_models import EventChainRow
from broker.storage.base import table_of

_CHAINS = table_of(EventChainRow)
_KEY = [_CHAINS.c.receiver, _CHAINS.c.grant_id]
_ONE_MORE = {"last_sequence": _CHAINS.c.last_sequence + 1}
_LAST = _CHAINS.c.last_sequence
_NEXT = {
    "sqlite": sqlite.insert(_CHAINS).on_conflict_do_update(index_elements=_KEY, set_=_ONE_MORE).returning(_LAST),
    "postgresql": postgresql.insert(_CHAINS)
    .on_conflict_do_update(index_elements=_KEY, set_=_ONE_MORE)
    .returning(_LAST),
}


def next_sequence(session: Session, receiver: str, grant_id: str, *, is_bank: bool) -> int:
    """Return the number of the next event about a grant; whoever else numbers one waits for this transaction's end.

    A transaction that is rolled back takes its number with it, so that none is ever missing.
    """
    connection = session.connection()
    first = {
        "receiver": receiver,
        "grant_id": grant_id,
        "is_bank": is_bank,
        "last_sequence": 1,
        "acknowledged_sequence": 0,
        "suspended": [],
        "acknowledged_at": None,
    }
    return int(connection.execute(_NEXT[connection.dialect.name], first).scalar_one())


def skip_sequence(session: Session, receiver: str, grant_id: str) -> None:
    """Use up a number for what a receiver is not told, if it was ever told of this grant: it will see a gap."""
    one_more = {EventChainRow.last_sequence: EventChainRow.last_sequence + 1}
    session.execute(update(EventChainRow).where(*_of(receiver, grant_id)).values(one_more))


def note_acknowledged(session: Session, receiver: str, grant_id: str, sequence: int, now: datetime) -> None:
    """Remember which event about the grant the receiver took, and when; deliveries are pruned, this is not."""
    before = EventChainRow.acknowledged_sequence
    newest = case((before < sequence, sequence), else_=before)
    values = {"acknowledged_at": now, "acknowledged_sequence": newest}
    session.execute(update(EventChainRow).where(*_of(receiver, grant_id)).values(values))


def suspended_of(session: Session, receiver: str, grant_id: str) -> set[str]:
    """Return what the receiver was told is off of a grant: names of categories, an empty one for the whole."""
    found = session.scalar(select(EventChainRow.suspended).where(*_of(receiver, grant_id)))
    return set(found or ())


def keep_suspended(session: Session, receiver: str, grant_id: str, off: Collection[str]) -> None:
    """Remember what the receiver is told is off of a grant; of a grant without events nothing is kept."""
    session.execute(update(EventChainRow).where(*_of(receiver, grant_id)).values(suspended=sorted(off)))


def _of(receiver: str, grant_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return EventChainRow.receiver == receiver, EventChainRow.grant_id == grant_id
