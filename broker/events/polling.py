"""Lets a receiver fetch its events and say which it has taken (RFC 8936), where none can be pushed to it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.events.delivery_models import EventDeliveryRow
from broker.events.leases import has_more, next_ones
from broker.events.outcomes import acknowledge, refuse
from broker.events.sending import reason_of
from broker.events.set_tokens import EventSigner
from broker.events.vocabulary import DeliveryState


@dataclass(frozen=True, slots=True)
class Polled:
    """What a receiver gets: tokens by their `jti`, and whether more waits than these."""

    sets: Mapping[str, str]
    more_available: bool


def settle(
    session: Session,
    stream_id: str,
    acknowledged: Collection[str],
    refused: Mapping[str, Mapping[str, Any]],
    *,
    now: datetime,
    wall: datetime,
) -> None:
    """Write down what the receiver says of events that it was given; of any others it can say nothing."""
    said = {*acknowledged, *refused}
    query = select(EventDeliveryRow).where(
        EventDeliveryRow.jti.in_(said),
        EventDeliveryRow.stream_id == stream_id,
        EventDeliveryRow.state == DeliveryState.WAITING.value,
        EventDeliveryRow.sent_at.is_not(None),
    )
    locked = query.order_by(EventDeliveryRow.grant_id).with_for_update().execution_options(populate_existing=True)
    for row in session.scalars(locked).all():
        if row.jti in refused:
            refuse(row, reason_of(refused[row.jti]), now=now, wall=wall)
        else:
            acknowledge(session, row, now)
    session.flush()


def fetch(session: Session, signer: EventSigner, stream_id: str, most: int, *, now: datetime, wall: datetime) -> Polled:
    """Return the next events of a stream: of each grant the next one, the one after it when that was taken.

    What is not acknowledged comes again.
    """
    rows = next_ones(session, stream_id, wall, most) if most else []
    for row in rows:
        row.attempts += 1
        row.sent_at = now
    sets = {row.jti: _token(signer, row) for row in rows}
    session.flush()
    return Polled(sets, more_available=len(rows) == most and has_more(session, stream_id))


def _token(signer: EventSigner, row: EventDeliveryRow) -> str:
    return signer.token(
        jti=row.jti,
        receiver=row.receiver,
        subject=row.grant_id or row.stream_id,
        event_type=row.event_type,
        claims=row.claims,
        created_at=row.created_at,
    )
