"""The tables of the log. Only this package reads or writes them.

Not trusted: who can write these tables can alter history, triggers or not; but the signed checkpoints, the receipts in
the hands of banks and platforms and the witnesses' cosignatures then no longer fit, and `broker audit verify` says so.
Trusted for secrecy: `audit_subjects` with the key file tells who a pseudonym is.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base, BigInt

IS_SWITCH = text("event IN ('switch.off', 'switch.on')")
"""The few entries of switches, as their index has it: an index serves only a question in its own words."""


class LogState(Base):
    """One log: a bank's year or the operator's year. `size` is the number of the next entry.

    `frontier` is the compact range over all entries, `checkpoint` the signed note over it (empty before the first
    entry). A log that is not current is closed: its last entry says so. `is_dropped`: its entries have been deleted.
    """

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
    is_dropped: Mapped[bool]
    frontier: Mapped[bytes] = mapped_column(LargeBinary)
    checkpoint: Mapped[bytes] = mapped_column(LargeBinary)


class EntryRow(Base):
    """One entry. `leaf` is the canonical JSON that counts; the other columns repeat parts of it to find it by."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "subject", "time_us"),
        Index(None, "grant_id"),
        Index(None, "interaction_id"),
        Index("ix_audit_entries_switches", "log", "number", sqlite_where=IS_SWITCH, postgresql_where=IS_SWITCH),
    )

    log: Mapped[str] = mapped_column(ForeignKey("audit_logs.name"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInt, primary_key=True)
    time_us: Mapped[int] = mapped_column(BigInt)
    event: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str | None] = mapped_column(String(32))
    grant_id: Mapped[str | None] = mapped_column(String(36))
    interaction_id: Mapped[str | None] = mapped_column(String(64))
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class NodeRow(Base):
    """The hash of a complete subtree of 256, 65,536, … entries: the entries of the tiles above the lowest ones."""

    __tablename__ = "audit_nodes"

    log: Mapped[str] = mapped_column(ForeignKey("audit_logs.name"), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInt, primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class CosignatureRow(Base):
    """One witness's signature line under the checkpoint of one size."""

    __tablename__ = "audit_cosignatures"

    log: Mapped[str] = mapped_column(ForeignKey("audit_logs.name"), primary_key=True)
    size: Mapped[int] = mapped_column(BigInt, primary_key=True)
    witness: Mapped[str] = mapped_column(String(160), primary_key=True)
    line: Mapped[bytes] = mapped_column(LargeBinary)


class ContradictionRow(Base):
    """A witness, by its vkey, that has seen another history of a log; `size` is how many entries were here then.

    The log need not stand here: a backup can be older than the log.
    """

    __tablename__ = "audit_contradictions"

    log: Mapped[str] = mapped_column(String(160), primary_key=True)
    witness: Mapped[str] = mapped_column(String(320), primary_key=True)
    size: Mapped[int] = mapped_column(BigInt)


class DetailRow(Base):
    """The personal details of one entry with their salts, sealed, erasable without touching the entry."""

    __tablename__ = "audit_details"

    log: Mapped[str] = mapped_column(String(160), primary_key=True)
    number: Mapped[int] = mapped_column(BigInt, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class SubjectRow(Base):
    """Which pseudonym in the logs stands for which user of which bank towards which platform, with a key for details.

    Platforms hold receipts: one pseudonym for all of them would be an id by which they find a shared customer.
    `platform_id` is empty for what concerns no platform.

    The pseudonym is random: erasing the row cuts the link for ever. The chain is where this person's entries of one log
    have got to: how many there are, and the hash of the last.
    """

    __tablename__ = "audit_subjects"
    __table_args__ = (UniqueConstraint("user_id", "bank_id", "platform_id"),)

    pseudonym: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36))
    bank_id: Mapped[str] = mapped_column(String(64))
    platform_id: Mapped[str] = mapped_column(String(64))
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    chain_log: Mapped[str] = mapped_column(String(160))
    chain_size: Mapped[int] = mapped_column(BigInt)
    chain_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime]
