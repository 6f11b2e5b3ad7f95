"""The tables of Messenger's database."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, ForeignKey, LargeBinary, MetaData, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: SQLite drops time zones, so a naive value is refused on the way in and marked UTC on the way out."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Store UTC, and nothing but an aware instant."""
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Give back an aware instant."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UTCDateTime}  # noqa: RUF012 - SQLAlchemy reads it from the class


class PersonRow(Base):
    """A person who chats."""

    __tablename__ = "people"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]


class JourneyRow(Base):
    """A person on the way to the broker and back: single use, found by the digest of `state`."""

    __tablename__ = "journeys"
    state_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    bank_id: Mapped[str | None] = mapped_column(String(200))
    code_verifier: Mapped[bytes] = mapped_column(LargeBinary)
    started_at: Mapped[datetime]


class ConnectionRow(Base):
    """A grant at the broker as Messenger knows it, with its sealed tokens while it lives."""

    __tablename__ = "connections"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    bank_id: Mapped[str | None] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(12))
    granted: Mapped[str] = mapped_column(Text)
    access_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    access_expires_at: Mapped[datetime]
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    account_names: Mapped[bytes | None] = mapped_column(LargeBinary)
    connected_at: Mapped[datetime]
    grant_id: Mapped[str | None] = mapped_column(String(200), index=True)
    standing: Mapped[str | None] = mapped_column(Text)


class MessageRow(Base):
    """One message of a conversation; an answer with bank data names the connection it came from."""

    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    connection_id: Mapped[str | None] = mapped_column(String(32), index=True)
    author: Mapped[str] = mapped_column(String(12))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    said_at: Mapped[datetime]
    category: Mapped[str | None] = mapped_column(String(40))


class ReceiptRow(Base):
    """The receipt of one answer of the broker, by the place of its entry in the broker's log."""

    __tablename__ = "receipts"
    log: Mapped[str] = mapped_column(String(300), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    kept_at: Mapped[datetime]
    connection_id: Mapped[str | None] = mapped_column(String(32), index=True)


class EventRow(Base):
    """One event of the broker, found by its jti: what has come before is not acted upon again."""

    __tablename__ = "events"
    number: Mapped[int] = mapped_column(primary_key=True)
    jti: Mapped[str] = mapped_column(String(200), unique=True)
    type: Mapped[str] = mapped_column(String(200))
    grant_id: Mapped[str] = mapped_column(String(200))
    sequence: Mapped[int]
    claims: Mapped[str] = mapped_column(Text)
    is_after_gap: Mapped[bool]
    state: Mapped[str] = mapped_column(String(12), index=True)
    attempts: Mapped[int]
    came_at: Mapped[datetime]
    due_at: Mapped[datetime]


class DoneDeletionRow(Base):
    """A request to delete that was carried out, confirmed and told."""

    __tablename__ = "done_deletions"
    deletion_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    done_at: Mapped[datetime]


class ProgressRow(Base):
    """How far the events of one grant have come."""

    __tablename__ = "progress"
    grant_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    sequence: Mapped[int]
