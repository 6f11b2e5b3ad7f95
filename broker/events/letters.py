"""Shows deliveries to those whom they concern, and sends again what was given up (dead letters)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from broker.clock import rfc3339
from broker.errors import NotFound
from broker.events.delivery_models import EventDeliveryRow
from broker.events.stream_models import EventStreamRow
from broker.events.vocabulary import DeliveryState

_Row = EventDeliveryRow


@dataclass(frozen=True, slots=True)
class Letter:
    """One delivery as people see it. `what` is the change of a grant, or the last part of the event's type."""

    jti: str
    receiver: str
    grant_id: str
    sequence: int
    what: str
    state: DeliveryState
    attempts: int
    error: str | None
    created_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, instants as RFC 3339."""
        return {
            "jti": self.jti,
            "receiver": self.receiver,
            "grant_id": self.grant_id or None,
            "sequence": self.sequence or None,
            "event": self.what,
            "state": self.state.value,
            "attempts": self.attempts,
            "error": self.error,
            "created_at": rfc3339(self.created_at),
            "sent_at": rfc3339(self.sent_at) if self.sent_at else None,
            "ended_at": rfc3339(self.ended_at) if self.ended_at else None,
        }


def letters(
    session: Session,
    *,
    receiver: str | None = None,
    state: DeliveryState | None = None,
    before: str | None = None,
    limit: int = 100,
) -> list[Letter]:
    """Return deliveries, the newest first, those made before the one named `before`; without a receiver, of all."""
    query = select(_Row).order_by(_Row.jti.desc()).limit(limit)
    if receiver is not None:
        query = query.where(_Row.receiver == receiver)
    if state is not None:
        query = query.where(_Row.state == state.value)
    if before is not None:
        query = query.where(_Row.jti < before)
    return [_letter(row) for row in session.scalars(query)]


def replay(session: Session, jtis: Collection[str] | None, receiver: str | None, now: datetime) -> int:
    """Send dead letters again (None: all that there are), those of one receiver where it is named; return how many.

    Raises:
        NotFound: one of those named is no dead letter of this receiver, or the receiver has no stream.
    """
    query = select(_Row).where(_Row.state == DeliveryState.DEAD.value).with_for_update()
    query = query if receiver is None else query.where(_Row.receiver == receiver)
    query = query if jtis is None else query.where(_Row.jti.in_(jtis))
    rows = session.scalars(query.execution_options(populate_existing=True)).all()
    if jtis is not None and {row.jti for row in rows} != set(jtis):
        raise NotFound("There is no such event that was given up.")
    wanted = select(EventStreamRow).where(EventStreamRow.receiver.in_({row.receiver for row in rows}))
    streams = {stream.receiver: stream.id for stream in session.scalars(wanted)}
    if jtis is not None and not {row.receiver for row in rows} <= set(streams):
        raise NotFound("The receiver has no stream any more.")
    rows = [row for row in rows if row.receiver in streams]
    for row in rows:
        row.stream_id = streams[row.receiver]  # it may have made another one since
        row.state, row.attempts, row.refusals = DeliveryState.WAITING.value, 0, 0
        row.error, row.due_at, row.leased_until, row.ended_at = None, None, None, None
        row.waits_since = now
    return len(rows)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What lies about of one receiver: events that were given up, and since when the oldest has waited."""

    receiver: str
    dead: int
    waiting: int
    oldest_at: datetime | None


def backlogs(session: Session, waited: timedelta, now: datetime) -> list[Backlog]:
    """Return the receivers with events that were given up, or have waited for so long."""
    dead, late = _Row.state == DeliveryState.DEAD.value, _Row.state == DeliveryState.WAITING.value
    query = (
        select(
            _Row.receiver,
            func.count().filter(dead).label("dead"),
            func.count().filter(late).label("waiting"),
            func.min(_Row.waits_since).filter(late).label("oldest"),
        )
        .join(EventStreamRow, EventStreamRow.id == _Row.stream_id)
        .where(dead | (late & (_Row.waits_since < now - waited)))
        .group_by(_Row.receiver)
        .order_by(_Row.receiver)
    )
    return [Backlog(row.receiver, row.dead, row.waiting, row.oldest) for row in session.execute(query)]


def _letter(row: EventDeliveryRow) -> Letter:
    return Letter(
        jti=row.jti,
        receiver=row.receiver,
        grant_id=row.grant_id,
        sequence=row.sequence,
        what=row.claims.get("change") or row.event_type.rpartition(":")[2].rpartition("/")[2],
        state=DeliveryState(row.state),
        attempts=row.attempts,
        error=row.error,
        created_at=row.created_at,
        sent_at=row.sent_at,
        ended_at=row.ended_at,
    )
