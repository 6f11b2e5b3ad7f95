"""The table of deliveries: one event on its way to one receiver. Ids and codes only, never bank data (invariant 8)."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base


class EventDeliveryRow(Base):
    """One event for one receiver. Those about one grant go in the order of `sequence`, which has no gaps.

    `waits_since` is when it was made, or sent again by somebody's wish. `due_at` None: at once. `leased_until` is set
    while a worker has it in hand. `sent_at` is when it was tried last: it may have come although no answer did. What is
    about the stream itself has an empty `grant_id` and the sequence 0.
    """

    __tablename__ = "event_deliveries"
    __table_args__ = (
        Index(None, "stream_id", "state", "jti"),
        Index(None, "grant_id", "receiver", "sequence"),
        Index(None, "receiver", "created_at"),
        Index(None, "state", "waits_since"),
    )

    jti: Mapped[str] = mapped_column(String(36), primary_key=True)
    stream_id: Mapped[str] = mapped_column(String(36))
    receiver: Mapped[str] = mapped_column(String(64))
    grant_id: Mapped[str] = mapped_column(String(36))
    sequence: Mapped[int]
    event_type: Mapped[str] = mapped_column(String(100))
    claims: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int]
    refusals: Mapped[int]
    error: Mapped[str | None] = mapped_column(String(300))
    created_at: Mapped[datetime]
    waits_since: Mapped[datetime]
    due_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
