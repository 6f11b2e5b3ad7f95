"""The only place in a bank that reads the time."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, aware and in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - an outsider has its own clock


def epoch() -> int:
    """Return the present instant in whole seconds since 1970."""
    return int(now().timestamp())


def from_epoch(seconds: int) -> datetime:
    """Return the instant, aware and in UTC, of a number of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def rfc3339(instant: datetime) -> str:
    """Write an instant as RFC 3339 with whole seconds and the letter Z."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
