"""The only place that reads the time."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Returns the present instant, aware, UTC."""


def system_clock() -> datetime:
    """Return the present instant of the machine, aware, UTC."""
    return datetime.now(UTC)


def rfc3339(instant: datetime) -> str:
    """Write an instant as RFC 3339 UTC with seconds, e.g. `2026-11-22T08:15:00Z`."""
    # Twice as quick as `strftime`, and an answer holds hundreds: all but the fraction and the offset.
    return f"{instant.astimezone(UTC).isoformat()[:19]}Z"


def microseconds(instant: datetime) -> int:
    """Return whole microseconds since 1970-01-01T00:00Z."""
    delta = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def instant(microseconds_since_1970: int) -> datetime:
    """Return the instant so many microseconds after 1970-01-01T00:00Z."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds_since_1970)


def start_of_day(instant: datetime) -> datetime:
    """Return midnight UTC of the instant's day."""
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def day_of(instant: datetime) -> date:
    """Return the instant's day in UTC."""
    return instant.astimezone(UTC).date()


def seconds_left_of_day(instant: datetime) -> int:
    """Return the whole seconds until the next day in UTC has begun, from 1 to 86,400."""
    return -((instant - start_of_day(instant) - timedelta(days=1)) // timedelta(seconds=1))
