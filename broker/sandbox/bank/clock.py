"""The only place in a bank that reads the time."""

import json
from datetime import UTC, datetime
from pathlib import Path

_LONGEST_FILE = 200


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


def ahead_s(file: Path | None) -> int:
    """Return by how many seconds the broker's sandbox runs ahead: none without a file, or before it was put forward.

    Raises: ValueError when the file cannot be read or understood.
    """
    if file is None:
        return 0
    try:
        with file.open(encoding="ascii") as opened:
            content = json.loads(opened.read(_LONGEST_FILE))
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise ValueError from error
    seconds = content.get("advanced_seconds") if isinstance(content, dict) else None
    if type(seconds) is not int or seconds < 0:
        raise ValueError
    return seconds
