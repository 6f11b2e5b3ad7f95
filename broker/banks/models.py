"""The tables of banks: how to reach each and what each says of itself, nothing about customers."""

from datetime import datetime

from sqlalchemy import LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base


class BankRow(Base):
    """One bank that the operator has added."""

    __tablename__ = "banks"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    standard: Mapped[str] = mapped_column(String(16))
    issuer: Mapped[str] = mapped_column(String(255))
    api_base: Mapped[str] = mapped_column(String(255))
    client_id: Mapped[str] = mapped_column(String(120))
    sign_in_scope: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]


class BankFactsRow(Base):
    """One version of what a bank says of itself. Rows are added and never changed: the newest one counts.

    `facts` is canonical JSON (`policy.facts`). Trusted: who can write here can switch a bank's categories, within the
    bounds of its file; the log would not show who did. `sealed_by` is who changed it.
    """

    __tablename__ = "bank_facts"

    bank_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    facts: Mapped[str] = mapped_column(Text)
    sealed_by: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(500))
