"""Says how far the events about grants have come towards their platforms."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from broker.events.delivery_models import EventDeliveryRow
from broker.events.stream_models import EventChainRow, EventStreamRow
from broker.events.vocabulary import DeliveryState, EventType

LATE = timedelta(seconds=60)
"""How long an event may wait before the other side is said to be out of sync."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the events about one grant have come towards its platform.

    `acknowledged_at` is when one was taken last. `waiting` counts those not taken yet. It is out of sync when one could
    not be brought, has waited for more than a minute, or was given up, or when the newest was never on its way.
    `has_stream`: the platform wants to be told of changes now.
    """

    acknowledged_at: datetime | None = None
    waiting: int = 0
    is_out_of_sync: bool = False
    has_stream: bool = False


NO_STREAM = Standing()
"""The standing of a grant whose platform has asked for no events."""
_WAITING = EventDeliveryRow.state == DeliveryState.WAITING.value
_FAILED = EventDeliveryRow.error.is_not(None)
_DEAD = EventDeliveryRow.state == DeliveryState.DEAD.value


def standing_of(session: Session, grant_ids: Collection[str], now: datetime) -> Mapping[str, Standing]:
    """Return the standing of each of these grants; of those that no event was made for, `NO_STREAM`."""
    ours = and_(
        EventDeliveryRow.grant_id == EventChainRow.grant_id,
        EventDeliveryRow.receiver == EventChainRow.receiver,
        _WAITING | _DEAD,
    )
    query = (
        select(
            EventChainRow.grant_id,
            EventChainRow.acknowledged_at,
            EventStreamRow.requested,
            (EventChainRow.acknowledged_sequence < EventChainRow.last_sequence).label("is_behind"),
            func.count(case((_WAITING, 1))).label("waiting"),
            func.count(case((_DEAD | _FAILED | (EventDeliveryRow.created_at < now - LATE), 1))).label("late"),
        )
        .join(EventStreamRow, EventStreamRow.receiver == EventChainRow.receiver)
        .outerjoin(EventDeliveryRow, ours)
        .where(EventChainRow.grant_id.in_(grant_ids), EventChainRow.is_bank.is_(False))
        .group_by(EventChainRow.receiver, EventChainRow.grant_id, EventStreamRow.id)
    )
    found = {
        row.grant_id: Standing(
            row.acknowledged_at,
            row.waiting,
            is_out_of_sync=row.late > 0 or (row.is_behind and not row.waiting),
            has_stream=True,
        )
        for row in session.execute(query)
        if EventType.GRANT_CHANGED.value in row.requested
    }
    return {grant_id: found.get(grant_id, NO_STREAM) for grant_id in grant_ids}
