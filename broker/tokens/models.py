"""The tables of codes and tokens.

Trusted with nothing: who reads them learns no token, who deletes rows ends access.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base


class CodeRow(Base):
    """One authorization code. It is marked as used, never deleted early: a replay must end the tokens."""

    __tablename__ = "codes"
    __table_args__ = (Index(None, "expires_at"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    grant_id: Mapped[str] = mapped_column(String(36))
    platform_id: Mapped[str] = mapped_column(String(64))
    redirect_uri: Mapped[str] = mapped_column(String(2000))
    code_challenge: Mapped[str] = mapped_column(String(128))
    jkt: Mapped[str | None] = mapped_column(String(64))
    amends: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class TokenRow(Base):
    """One access or refresh token. `jkt` binds access tokens to a DPoP key; `categories` is what it is narrowed to."""

    __tablename__ = "tokens"
    __table_args__ = (Index(None, "grant_id"), Index(None, "expires_at"))

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    grant_id: Mapped[str] = mapped_column(String(36))
    platform_id: Mapped[str] = mapped_column(String(64))
    jkt: Mapped[str | None] = mapped_column(String(64))
    categories: Mapped[list[Any]] = mapped_column(JSON)
    requires_nonce: Mapped[bool] = mapped_column(default=False)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class MachineTokenRow(Base):
    """One token of a client for itself, without any person. The data routes do not look here, so it opens none."""

    __tablename__ = "machine_tokens"
    __table_args__ = (Index(None, "platform_id"), Index(None, "expires_at"))

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    platform_id: Mapped[str] = mapped_column(String(64))
    jkt: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    requires_nonce: Mapped[bool]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
