"""What a caller may ask for in a query string: instants and page numbers, checked."""

from datetime import UTC, datetime

from flask import request

# Further than any account reaches, and still inside what every calendar can write.
EARLIEST, LATEST = 0, 4_000_000_000


class BadQuery(Exception):
    """A query parameter cannot be understood; `name` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def instant(name: str, default: int) -> int:
    """Return an RFC 3339 instant in seconds since 1970; without an offset it is taken as UTC.

    Raises: BadQuery when it is no instant.
    """
    text = request.args.get(name)
    if text is None:
        return default
    try:
        # A plus sign that was not encoded arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return min(max(int(aware.timestamp()), EARLIEST), LATEST)
    except (ValueError, OverflowError) as error:
        raise BadQuery(name) from error


def number(name: str, default: int, lowest: int, highest: int) -> int:
    """Return a whole number between two bounds, both included.

    Raises: BadQuery when it is none.
    """
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(highest)) or not lowest <= int(text) <= highest:
        raise BadQuery(name)
    return int(text)
