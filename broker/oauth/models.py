"""The table of pushed authorization requests.

Trusted: who can write here can send a person's answer elsewhere; the parameters are sealed and bound to their row.
"""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base


class PushedRequestRow(Base):
    """One pushed authorization request (RFC 9126). Of the request_uri only the digest is stored."""

    __tablename__ = "pushed_requests"
    __table_args__ = (Index(None, "expires_at"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    platform_id: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    browser: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
