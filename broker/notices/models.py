"""The tables of notices. No text and no bank data stands here: what happened, to which grant, and when.

Trusted: who can delete rows here keeps something from a person; the log says still that it happened.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base


class NoticeRow(Base):
    """One thing that a person is told. `shown_at` is None for what they have not wanted in their inbox."""

    __tablename__ = "notices"
    __table_args__ = (Index(None, "user_id", "created_at"), Index(None, "created_at"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36))
    what: Mapped[str] = mapped_column(String(24))
    grant_id: Mapped[str | None] = mapped_column(String(36))
    bank_id: Mapped[str | None] = mapped_column(String(64))
    platform_id: Mapped[str | None] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    shown_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]


class MailRow(Base):
    """One mail that waits to be sent; it is deleted when it has been, so nothing is kept of it.

    A mail tells of a notice, or `sealed` holds an address, and a secret, of which no table may tell openly. The last
    one to an address that was replaced is nobody's (an empty `user_id`).
    """

    __tablename__ = "notice_mails"
    __table_args__ = (Index(None, "due_at"), Index(None, "user_id"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36))
    notice_id: Mapped[str | None] = mapped_column(String(36))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]


class RecipientRow(Base):
    """Where a person gets mail, sealed, and in which language. `asked` is an address that is not confirmed yet."""

    __tablename__ = "notice_recipients"

    user_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    language: Mapped[str | None] = mapped_column(String(8))
    sealed_address: Mapped[bytes | None] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    sealed_asked: Mapped[bytes | None] = mapped_column(LargeBinary)
    key_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    key_expires_at: Mapped[datetime | None]


class ChoiceRow(Base):
    """One topic that a person has turned on or off on one way; without a row it is as it is at first."""

    __tablename__ = "notice_choices"

    user_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    topic: Mapped[str] = mapped_column(String(24), primary_key=True)
    way: Mapped[str] = mapped_column(String(8), primary_key=True)
    is_on: Mapped[bool]


class MarkRow(Base):
    """That something was told, so that it is told once: `at` is when, or of which end it was told."""

    __tablename__ = "notice_marks"
    __table_args__ = (Index(None, "made_at"),)

    subject: Mapped[str] = mapped_column(String(80), primary_key=True)
    what: Mapped[str] = mapped_column(String(24), primary_key=True)
    at: Mapped[datetime]
    made_at: Mapped[datetime]


class SpreadRow(Base):
    """One act on many grants of which their people have to be told; `after` is the last grant that is done."""

    __tablename__ = "notice_spreads"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    what: Mapped[str] = mapped_column(String(24))
    bank_id: Mapped[str] = mapped_column(String(64))
    platform_id: Mapped[str] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(40))
    by: Mapped[str] = mapped_column(String(8))
    after: Mapped[str] = mapped_column(String(36))
    created_at: Mapped[datetime]
