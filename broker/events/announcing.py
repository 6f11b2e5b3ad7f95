"""Announces what has happened: one delivery for a receiver, in the transaction of the change itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broker.clock import rfc3339
from broker.events.chains import next_sequence, skip_sequence
from broker.events.delivery_models import EventDeliveryRow
from broker.events.stream_models import EventStreamRow
from broker.events.vocabulary import DeliveryState, EventType, StreamStatus
from broker.platforms.models import PlatformRow
from broker.platforms.service import PlatformKind
from broker.storage.base import new_id
from broker.storage.words import hasten

_Row = EventDeliveryRow


def announce(
    session: Session,
    *,
    receiver: str,
    grant_id: str,
    event_type: EventType,
    claims: Mapping[str, Any],
    now: datetime,
) -> str | None:
    """Put an event on its way in the caller's transaction and return its `jti`; None when the receiver wants none.

    `claims` are what the event says beyond its grant, its number and its instant: ids and codes, never bank data. The
    caller holds the lock of the grant or of its bank's log. Nothing is kept for a disabled stream, but the number is
    used up: the receiver sees that it has missed something. So it is with changes of a grant that it was told of once
    and does not want to be told of now.
    """
    stream = session.scalars(select(EventStreamRow).where(EventStreamRow.receiver == receiver)).first()
    if stream is None or event_type.value not in stream.requested:
        if event_type is EventType.GRANT_CHANGED:
            skip_sequence(session, receiver, grant_id)
        return None
    sequence = next_sequence(session, receiver, grant_id, is_bank=stream.bank_id is not None)
    if stream.status == StreamStatus.DISABLED.value:
        return None
    told = {"grant_id": grant_id, "sequence": sequence, "occurred_at": rfc3339(now), **claims}
    return put(session, stream, event_type, told, now, grant_id=grant_id, sequence=sequence)


def put_instead(
    session: Session, stream: EventStreamRow, event_type: EventType, claims: Mapping[str, Any], now: datetime
) -> None:
    """Add an event about a stream itself in the place of the one of its kind that still waits: only the newest counts.

    However often a receiver asks for such events while it takes none, one of each kind lies about.
    """
    waiting = (_Row.stream_id == stream.id, _Row.state == DeliveryState.WAITING.value)
    session.execute(delete(_Row).where(*waiting, _Row.event_type == event_type.value))
    put(session, stream, event_type, claims, now)


def put(
    session: Session,
    stream: EventStreamRow,
    event_type: EventType,
    claims: Mapping[str, Any],
    now: datetime,
    *,
    grant_id: str = "",
    sequence: int = 0,
) -> str:
    """Add one delivery to a stream and return its `jti`; without a grant it is about the stream itself."""
    hasten(session)
    row = EventDeliveryRow(
        jti=new_id(now),
        stream_id=stream.id,
        receiver=stream.receiver,
        grant_id=grant_id,
        sequence=sequence,
        event_type=event_type.value,
        claims=dict(claims),
        state=DeliveryState.WAITING.value,
        attempts=0,
        refusals=0,
        created_at=now,
        waits_since=now,
    )
    session.add(row)
    return row.jti


def receivers_at(session: Session, bank_id: str) -> Sequence[str]:
    """Return the clients that act for a bank now and have a stream; one that was removed is told nothing more."""
    acts_for = (PlatformRow.bank_id == bank_id, PlatformRow.kind == PlatformKind.BANK.value)
    query = (
        select(EventStreamRow.receiver)
        .join(PlatformRow, PlatformRow.id == EventStreamRow.receiver)
        .where(EventStreamRow.bank_id == bank_id, PlatformRow.removed_at.is_(None), *acts_for)
    )
    return session.scalars(query.order_by(EventStreamRow.receiver)).all()
