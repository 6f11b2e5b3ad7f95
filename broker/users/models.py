"""The tables of people. No bank data stands here: a name to greet by and the bank's tokens, both sealed."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base


class UserRow(Base):
    """One person who has signed in with a bank."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    created_at: Mapped[datetime]


class IdentityRow(Base):
    """One person at one bank. `subject_digest` finds them; subject, name and credential rest sealed."""

    __tablename__ = "user_identities"
    __table_args__ = (UniqueConstraint("bank_id", "subject_digest"), UniqueConstraint("user_id", "bank_id"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    bank_id: Mapped[str] = mapped_column(String(64))
    subject_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    sealed_subject: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_name: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_credential: Mapped[bytes | None] = mapped_column(LargeBinary)
    signed_in_at: Mapped[datetime]
