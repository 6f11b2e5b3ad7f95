"""The tables of harvest limits.

Trusted: who deletes rows here lets a platform read as if it had read nothing yet, or ends a hold of which the log
still tells.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base, BigInt


class HarvestTallyRow(Base):
    """What one platform has read of one category at one bank: `counts` is `policy.harvest.Tally` as JSON.

    A row for each bank, which is written under the lock of that bank's log alone. `agreed` is how many people had
    agreed at all banks when it was last counted, at `agreed_at`.
    """

    __tablename__ = "harvest_tallies"

    platform_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    bank_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    counts: Mapped[dict[str, Any]] = mapped_column(JSON)
    agreed: Mapped[int]
    agreed_at: Mapped[datetime]


class HarvestReadRow(Base):
    """When one platform last read one category of one person at one bank, and how far back; seconds since 1970."""

    __tablename__ = "harvest_reads"
    __table_args__ = (Index(None, "read_s"), Index(None, "user_id"))

    platform_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    bank_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    read_s: Mapped[int] = mapped_column(BigInt)
    reached_s: Mapped[int | None] = mapped_column(BigInt)


class HoldRow(Base):
    """One hold of one category of one platform at all banks; it lasts until `lifted_at`."""

    __tablename__ = "holds"
    __table_args__ = (Index(None, "platform_id", "category"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    platform_id: Mapped[str] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(40))
    budget: Mapped[str] = mapped_column(String(40))
    counted: Mapped[int] = mapped_column(BigInt)
    ceiling: Mapped[int] = mapped_column(BigInt)
    placed_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]
    lifted_because: Mapped[str | None] = mapped_column(String(500))
