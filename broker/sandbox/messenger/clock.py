"""The one place where Messenger reads the time."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return this instant in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - Messenger is an outsider, this is its own clock
