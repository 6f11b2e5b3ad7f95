"""The tables of platforms (OAuth clients), of their people, and of the invitations by which clients register.

Trusted: who can write here can register a client or exchange its keys. Keys are public, secrets are digests.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.storage.base import Base


class PlatformRow(Base):
    """One registered client. `jwks` is empty where the keys are at `jwks_uri`; `options` is `Options` as JSON."""

    __tablename__ = "platforms"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(120))
    jwks: Mapped[dict[str, Any]] = mapped_column(JSON)
    redirect_uris: Mapped[list[str]] = mapped_column(JSON)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    purposes: Mapped[list[str]] = mapped_column(JSON)
    default_purpose: Mapped[str | None] = mapped_column(String(40))
    jwks_uri: Mapped[str | None] = mapped_column(String(2000))
    bank_id: Mapped[str | None] = mapped_column(String(64))
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    registration_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True, unique=True)
    registered_by: Mapped[str | None] = mapped_column(String(36))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class InitialAccessTokenRow(Base):
    """One initial access token (RFC 7591 §3): how many clients may register with it, and for what at most."""

    __tablename__ = "initial_access_tokens"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    label: Mapped[str] = mapped_column(String(120))
    purposes: Mapped[list[str]] = mapped_column(JSON)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    most_uses: Mapped[int]
    uses: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PlatformPersonRow(Base):
    """Somebody who works for a platform. The secret of the one link that lets them in is stored as a digest."""

    __tablename__ = "platform_people"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    platform_id: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(120))
    link_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True, unique=True)
    link_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
