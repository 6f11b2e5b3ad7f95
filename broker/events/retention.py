"""Forgets deliveries: what was taken after a month, what was given up after three. A week's waiting is given up."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from broker.events.delivery_models import EventDeliveryRow
from broker.events.outcomes import LONGEST_WAIT
from broker.events.stream_models import EventStreamRow
from broker.events.vocabulary import DeliveryState
from broker.platforms.models import PlatformRow

TAKEN_FOR: Final = timedelta(days=30)
SIGN_FOR: Final = timedelta(days=1)
"""How long what was taken of a stream itself is kept: signs of life, which are asked for every few seconds."""
DEAD_FOR: Final = timedelta(days=90)
_Row = EventDeliveryRow


def forget_old_deliveries(session: Session, now: datetime) -> None:
    """Delete what nobody asks about any more, and give up what no receiver has taken for a week.

    The stream of a removed client goes when there was a week to tell it that its grants have ended.
    """
    for state, life in ((DeliveryState.TAKEN, TAKEN_FOR), (DeliveryState.DEAD, DEAD_FOR)):
        session.execute(delete(_Row).where(_Row.state == state.value, _Row.waits_since < now - life))
    sign = (_Row.state == DeliveryState.TAKEN.value, _Row.grant_id == "")
    session.execute(delete(_Row).where(*sign, _Row.waits_since < now - SIGN_FOR))
    overdue = (_Row.state == DeliveryState.WAITING.value, _Row.waits_since < now - LONGEST_WAIT - timedelta(hours=1))
    gone = select(PlatformRow.id).where(PlatformRow.removed_at < now - LONGEST_WAIT)
    session.execute(delete(EventStreamRow).where(EventStreamRow.receiver.in_(gone)))
    streamless = _Row.stream_id.not_in(select(EventStreamRow.id))
    session.execute(delete(_Row).where(*overdue, streamless))
    given_up = {"state": DeliveryState.DEAD.value, "ended_at": now, "error": "Nobody has taken it for a week."}
    in_no_hand = or_(_Row.leased_until.is_(None), _Row.leased_until < now)
    session.execute(update(_Row).where(*overdue, in_no_hand).values(given_up))
