"""The tables of grants. Trusted: who can write here can widen what may leave; the log would not show an approval."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from broker.storage.base import Base


class GrantRow(Base):
    """One grant, from proposal to end. `asked` and `terms` are `policy.terms.Terms` as JSON."""

    __tablename__ = "grants"
    __table_args__ = (
        Index(None, "user_id"),
        Index(None, "platform_id"),
        Index(None, "status", "expires_at"),
        Index(None, "platform_id", "status", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    version: Mapped[int]
    status: Mapped[str] = mapped_column(String(24))
    status_code: Mapped[str] = mapped_column(String(40))
    status_at: Mapped[datetime]
    user_id: Mapped[str] = mapped_column(String(36))
    bank_id: Mapped[str] = mapped_column(String(64))
    platform_id: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[str] = mapped_column(String(32))
    purpose: Mapped[str] = mapped_column(String(40))
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    notice: Mapped[dict[str, Any]] = mapped_column(JSON)
    consent_key: Mapped[str] = mapped_column(String(64), index=True)
    return_path: Mapped[str] = mapped_column(String(255))
    return_origin: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    authorised_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    use_count: Mapped[int]
    last_use_at: Mapped[datetime | None]

    categories: Mapped[list["GrantCategoryRow"]] = relationship(
        order_by="GrantCategoryRow.position", lazy="selectin", cascade="all, delete-orphan"
    )
    accounts: Mapped[list["GrantAccountRow"]] = relationship(
        order_by="GrantAccountRow.position", lazy="selectin", cascade="all, delete-orphan"
    )


class GrantCategoryRow(Base):
    """One category of one grant, with its own state and its own last use."""

    __tablename__ = "grant_categories"

    grant_id: Mapped[str] = mapped_column(ForeignKey("grants.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    position: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    detail: Mapped[str | None] = mapped_column(String(20))
    precision: Mapped[str | None] = mapped_column(String(20))
    use_count: Mapped[int]
    last_use_at: Mapped[datetime | None]


class GrantAccountRow(Base):
    """One account of one grant. `sealed_account` holds the bank's id and the label the person saw."""

    __tablename__ = "grant_accounts"

    grant_id: Mapped[str] = mapped_column(ForeignKey("grants.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    position: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    sealed_account: Mapped[bytes] = mapped_column(LargeBinary)


class GrantAmendmentRow(Base):
    """One proposal to amend a live grant, whose rows stay as they are until a person approves it."""

    __tablename__ = "grant_amendments"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    grant_id: Mapped[str] = mapped_column(ForeignKey("grants.id"), index=True)
    action: Mapped[str] = mapped_column(String(8))
    base_version: Mapped[int]
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    notice: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(24))
    status_code: Mapped[str] = mapped_column(String(40))
    consent_key: Mapped[str] = mapped_column(String(64), index=True)
    return_path: Mapped[str] = mapped_column(String(255))
    return_origin: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class GrantVersionRow(Base):
    """What one version of a grant said. `accounts` are the platform's ids of them."""

    __tablename__ = "grant_versions"

    grant_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(String(24))
    terms: Mapped[dict[str, Any]] = mapped_column(JSON)
    accounts: Mapped[list[str]] = mapped_column(JSON)
    notice: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class DeletionRow(Base):
    """One request of a person that the platform of a grant deletes what it has received, and what it says of it."""

    __tablename__ = "deletions"
    __table_args__ = (
        Index(None, "grant_id"),
        Index(None, "platform_id", "id"),
        # Whatever two requests race, one of a grant is open.
        Index(
            "uq_deletions_open",
            "grant_id",
            unique=True,
            sqlite_where=text("completed_at IS NULL"),
            postgresql_where=text("completed_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    grant_id: Mapped[str] = mapped_column(ForeignKey("grants.id"))
    platform_id: Mapped[str] = mapped_column(String(64))
    requested_at: Mapped[datetime]
    respond_by: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    statement: Mapped[str | None] = mapped_column(String(16))
    kept_because: Mapped[str | None] = mapped_column(String(24))
