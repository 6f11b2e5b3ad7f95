"""Streams of events for a small house, and what is on its way in them."""

from typing import Any

from sqlalchemy import select

from broker.events.delivery_models import EventDeliveryRow
from broker.events.stream_models import EventStreamRow
from broker.events.vocabulary import EventType, StreamStatus
from broker.platforms.service import PlatformKind
from tests.support.core import House, registered

ALL = [kind.value for kind in EventType]


def stream(house: House, receiver: str = "messenger", bank_id: str | None = None, **told: Any) -> None:
    """Let a receiver have a stream; one of a bank becomes a client of this bank."""
    with house.database.write() as session:
        if bank_id is not None:
            client = registered(receiver)
            client.kind, client.bank_id = PlatformKind.BANK.value, bank_id
            session.add(client)
        session.add(
            EventStreamRow(
                id=f"stream-of-{receiver}",
                receiver=receiver,
                bank_id=bank_id,
                method="urn:ietf:rfc:8936",
                requested=told.pop("requested", ALL),
                status=told.pop("status", StreamStatus.ENABLED.value),
                failures=0,
                created_at=house.watch(),
                updated_at=house.watch(),
            )
        )


def told(house: House, receiver: str = "messenger") -> list[dict[str, Any]]:
    """What is on its way to a receiver, in its order."""
    query = select(EventDeliveryRow).where(EventDeliveryRow.receiver == receiver)
    with house.database.read() as session:
        return [row.claims for row in session.scalars(query.order_by(EventDeliveryRow.sequence))]
