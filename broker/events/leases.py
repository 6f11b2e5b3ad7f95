"""Hands out deliveries, each to one sender at a time, and those about one grant one after the other, in their order.

An event of a grant is handed out only when no earlier one of that grant still waits: not before it was taken or given
up. A sender that dies leaves what it holds to another as soon as its lease has run out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from broker.events.delivery_models import EventDeliveryRow
from broker.events.stream_models import EventStreamRow
from broker.events.vocabulary import DeliveryMethod, DeliveryState, EventType, StreamStatus

LEASE: Final = timedelta(seconds=30)
_WAITING, _DEAD = DeliveryState.WAITING.value, DeliveryState.DEAD.value
_Row = EventDeliveryRow


@dataclass(frozen=True, slots=True)
class Parcel:
    """One event in a sender's hands. `leased_until` says whose it is: what another has leased since is not ours."""

    jti: str
    stream_id: str
    receiver: str
    grant_id: str
    event_type: str
    claims: Mapping[str, Any]
    created_at: datetime
    leased_until: datetime


def due(session: Session, now: datetime, most: int) -> dict[str, int]:
    """Return how many deliveries each stream could be pushed now, so many at most."""
    waiting = exists().where(_Row.stream_id == EventStreamRow.id, _Row.state == _WAITING)
    streams = select(EventStreamRow.id).where(
        EventStreamRow.method == DeliveryMethod.PUSH.value,
        or_(EventStreamRow.held_until.is_(None), EventStreamRow.held_until <= now),
        waiting,
    )
    found = {stream_id: _count(session, stream_id, now, most) for stream_id in session.scalars(streams).all()}
    return {stream_id: count for stream_id, count in found.items() if count}


def take(session: Session, stream_id: str, now: datetime, most: int) -> list[Parcel]:
    """Lease up to so many deliveries of a stream that is pushed, each the next one of its grant.

    `now` is the real time. While the receiver cannot be reached, one at a time tries how it is.
    """
    stream = session.get(EventStreamRow, stream_id, populate_existing=True)
    if stream is None or stream.method != DeliveryMethod.PUSH.value:
        return []
    if stream.held_until is not None and stream.held_until > now:
        return []
    if stream.failures:
        if _is_tried(session, stream_id, now):
            return []
        most = 1
    rows = next_ones(session, stream_id, now, most, is_fair=stream.failures > 0)
    for row in rows:
        row.leased_until = now + LEASE
    return [_parcel(row) for row in rows]


def next_ones(
    session: Session, stream_id: str, now: datetime, most: int, *, is_fair: bool = False
) -> list[EventDeliveryRow]:
    """Return the next deliveries of a stream, locked; an event after one that was given up says so from now on.

    The oldest come first, which is quick however many wait. `is_fair`: those that were never tried come first, so that
    one which fails again and again keeps no other from being tried.
    """
    order = (_Row.due_at.is_not(None), _Row.due_at, _Row.jti) if is_fair else (_Row.jti,)
    query = (
        select(_Row)
        .join(EventStreamRow, EventStreamRow.id == _Row.stream_id)
        .where(_Row.stream_id == stream_id, *_sendable(now))
        .order_by(*order)
        .limit(most)
        .with_for_update(of=_Row, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    rows = list(session.scalars(query))
    for row in rows:
        if row.sent_at is None and row.sequence > 1 and _follows_a_dead_one(session, row):
            row.claims = {**row.claims, "undelivered_before": True}
    return rows


def has_more(session: Session, stream_id: str) -> bool:
    """Say whether anything at all still waits for a stream."""
    return bool(session.scalar(select(exists().where(_Row.stream_id == stream_id, _Row.state == _WAITING))))


def _sendable(now: datetime) -> list[ColumnElement[bool]]:
    """Say of a delivery, joined with its stream, that it may be sent now."""
    earlier = aliased(_Row)
    same = and_(
        earlier.grant_id == _Row.grant_id,
        earlier.receiver == _Row.receiver,  # the index has it
        earlier.stream_id == _Row.stream_id,
    )
    first = ~exists().where(same, earlier.state == _WAITING, earlier.sequence < _Row.sequence)
    flows = EventStreamRow.status == StreamStatus.ENABLED.value
    return [
        _Row.state == _WAITING,
        or_(flows, _Row.event_type == EventType.STREAM_UPDATED.value),
        or_(_Row.due_at.is_(None), _Row.due_at <= now),
        or_(_Row.leased_until.is_(None), _Row.leased_until <= now),
        first,
    ]


def _count(session: Session, stream_id: str, now: datetime, most: int) -> int:
    some = (
        select(_Row.jti)
        .join(EventStreamRow, EventStreamRow.id == _Row.stream_id)
        .where(_Row.stream_id == stream_id, *_sendable(now))
        .limit(most)
    )
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0


def _is_tried(session: Session, stream_id: str, now: datetime) -> bool:
    held = exists().where(_Row.stream_id == stream_id, _Row.state == _WAITING, _Row.leased_until > now)
    return bool(session.scalar(select(held)))


def _follows_a_dead_one(session: Session, row: EventDeliveryRow) -> bool:
    chain = and_(_Row.grant_id == row.grant_id, _Row.receiver == row.receiver, _Row.sequence < row.sequence)
    return bool(session.scalar(select(exists().where(chain, _Row.state == _DEAD))))


def _parcel(row: EventDeliveryRow) -> Parcel:
    return Parcel(
        jti=row.jti,
        stream_id=row.stream_id,
        receiver=row.receiver,
        grant_id=row.grant_id,
        event_type=row.event_type,
        claims=row.claims,
        created_at=row.created_at,
        leased_until=row.leased_until or row.created_at,
    )
