"""Base types of every table: names of constraints, aware UTC instants, time-ordered ids."""

import secrets
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, Table
from sqlalchemy.orm import DeclarativeBase, configure_mappers
from sqlalchemy.types import TypeDecorator

from broker.clock import microseconds

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

BigInt = BigInteger().with_variant(Integer(), "sqlite")
"""64-bit whole number; SQLite's INTEGER is that already."""


class UTCDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC. Naive values are refused: SQLite would silently lose their zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("instants are aware; this one has no time zone")
        at = value.astimezone(UTC)
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        if value is None:
            return None
        at: datetime = value
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


class Base(DeclarativeBase):
    """The declarative base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UTCDateTime()}  # noqa: RUF012 - SQLAlchemy reads it from the class


def prepare_models() -> None:
    """Connect the models with each other, which their first use would do: once for all processes that are forked."""
    configure_mappers()


def table_of(row: type[Base]) -> Table:
    """Return the table of a model, for statements that are built once and run without the ORM."""
    return cast("Table", row.__table__)


def new_id(now: datetime) -> str:
    """Make a UUIDv7 (RFC 9562 §5.7): ordered by time, so that indexes grow at one end."""
    milliseconds = microseconds(now) // 1_000
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    return str(UUID(int=value | 0b10 << 62 | secrets.randbits(62)))
