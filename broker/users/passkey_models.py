"""The table of passkeys. An owner is a kind of party and an id in it: one table serves every kind of person."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base, BigInt


class PasskeyRow(Base):
    """One passkey. Only public keys stand here. Trusted: who can write this table can sign in as anybody.

    `made_for` is the owner at its making, by whose handle the authenticator knows it ever after. `bank_id` is the bank
    that had just confirmed the person; empty for people of platforms, and where it is not known.
    """

    __tablename__ = "passkeys"
    __table_args__ = (Index(None, "owner_kind", "owner_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    owner_kind: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[str] = mapped_column(String(64))
    made_for: Mapped[str] = mapped_column(String(64))
    bank_id: Mapped[str | None] = mapped_column(String(64))
    credential_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInt)
    may_be_backed_up: Mapped[bool]
    is_backed_up: Mapped[bool]
    sealed_name: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
