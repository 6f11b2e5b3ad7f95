"""The table of browser sessions. Ids are stored as digests, contents sealed; owners, so that sessions can be ended."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base


class WebSessionRow(Base):
    """One browser's session."""

    __tablename__ = "web_sessions"
    __table_args__ = (Index(None, "seen_at"), Index(None, "owner_kind", "owner_id"))

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    owner_kind: Mapped[str | None] = mapped_column(String(16))
    owner_id: Mapped[str | None] = mapped_column(String(64))
