"""The table of banks: how to reach each, nothing about customers."""

from datetime import datetime

from sqlalchemy import String
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
