"""The table of switches: a row for everything that is off.

Trusted: who can delete rows here lets data out again; the log would say that the switch is still off.
"""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base


class SwitchRow(Base):
    """One thing that one side has turned off; an empty part stands for all of them. `sealed_by` says who did it."""

    __tablename__ = "switches"

    side: Mapped[str] = mapped_column(String(8), primary_key=True)
    bank_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    platform_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    category: Mapped[str] = mapped_column(String(40), primary_key=True)
    reason: Mapped[str] = mapped_column(String(300))
    sealed_by: Mapped[bytes] = mapped_column(LargeBinary)
    since_at: Mapped[datetime]
