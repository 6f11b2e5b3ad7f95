"""The table of the outbox. Payloads hold ids only, never bank data (invariant 8)."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base


class OutboxRow(Base):
    """One thing to do, committed together with the change that asks for it."""

    __tablename__ = "outbox"
    __table_args__ = (Index(None, "due_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
