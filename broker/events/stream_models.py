"""The tables of streams: who gets which events and where, and how far each grant's events have come.

Trusted: who can write here can send events elsewhere, or have them swallowed; the numbers in the events show a gap.
"""

from datetime import datetime

from sqlalchemy import JSON, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base


class EventStreamRow(Base):
    """The stream of one receiver (a client id). `held_until` is set while the receiver cannot be reached."""

    __tablename__ = "event_streams"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    receiver: Mapped[str] = mapped_column(String(64), unique=True)
    bank_id: Mapped[str | None] = mapped_column(String(64), index=True)
    method: Mapped[str] = mapped_column(String(20))
    endpoint: Mapped[str | None] = mapped_column(String(2000))
    sealed_authorization: Mapped[bytes | None] = mapped_column(LargeBinary)
    requested: Mapped[list[str]] = mapped_column(JSON)
    description: Mapped[str | None] = mapped_column(String(300))
    status: Mapped[str] = mapped_column(String(10))
    status_reason: Mapped[str | None] = mapped_column(String(300))
    failures: Mapped[int]
    held_until: Mapped[datetime | None]
    verification_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class EventChainRow(Base):
    """How far the events about one grant have come towards one receiver.

    `last_sequence` is the number of the newest event, `acknowledged_sequence` of the newest that was taken (0: none).
    `suspended` is what the receiver was told is switched off: names of categories, an empty one for the whole grant.
    """

    __tablename__ = "event_chains"

    receiver: Mapped[str] = mapped_column(String(64), primary_key=True)
    grant_id: Mapped[str] = mapped_column(String(36), primary_key=True, index=True)
    is_bank: Mapped[bool]
    last_sequence: Mapped[int]
    acknowledged_sequence: Mapped[int]
    suspended: Mapped[list[str]] = mapped_column(JSON)
    acknowledged_at: Mapped[datetime | None]
