"""The tables of the log. Only this package reads or writes them.

Trusted for order and completeness: who can write `audit_entries` can alter history; triggers refuse UPDATE and DELETE,
and the owner of the database can defeat them. Until the tree of hashes is here, the log must be believed.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base, BigInt


class LogState(Base):
    """One log: a bank's year or the operator's year. `size` is the number of the next entry."""

    __tablename__ = "audit_logs"
    __table_args__ = (
        # One current log an owner, whatever races: two would be a fork.
        Index(
            "uq_audit_logs_current",
            "owner",
            unique=True,
            sqlite_where=text("is_current"),
            postgresql_where=text("is_current"),
        ),
    )

    name: Mapped[str] = mapped_column(String(160), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInt)
    last_time_us: Mapped[int] = mapped_column(BigInt)
    is_current: Mapped[bool]


class EntryRow(Base):
    """One entry. `leaf` is the canonical JSON that counts; the other columns repeat parts of it to find it by."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "subject", "time_us"),
        Index(None, "grant_id"),
        Index(None, "interaction_id"),
    )

    log: Mapped[str] = mapped_column(ForeignKey("audit_logs.name"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInt, primary_key=True)
    time_us: Mapped[int] = mapped_column(BigInt)
    event: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str | None] = mapped_column(String(32))
    grant_id: Mapped[str | None] = mapped_column(String(36))
    interaction_id: Mapped[str | None] = mapped_column(String(64))
    leaf: Mapped[bytes] = mapped_column(LargeBinary)


class DetailRow(Base):
    """The personal details of one entry, sealed, erasable without touching the entry."""

    __tablename__ = "audit_details"

    log: Mapped[str] = mapped_column(String(160), primary_key=True)
    number: Mapped[int] = mapped_column(BigInt, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class SubjectRow(Base):
    """Which pseudonym in the logs stands for which user of which bank, with the key of that person's details.

    The pseudonym is random: erasing the row cuts the link for ever.
    """

    __tablename__ = "audit_subjects"
    __table_args__ = (UniqueConstraint("user_id", "bank_id"),)

    pseudonym: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36))
    bank_id: Mapped[str] = mapped_column(String(64))
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
