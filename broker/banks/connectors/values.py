"""Single values of a hostile answer, turned into typed ones or refused."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

MAX_TEXT: Final = 500
_IDENTIFIER: Final = re.compile(r"[!-~]{1,128}")
# Narrower than `fromisoformat`, which takes 60 minutes of an offset, and 24 o'clock in newer Pythons.
_INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:[0-5]\d)", re.ASCII
)
_FIRST_YEAR, _LAST_YEAR = 1950, 2200
_AMOUNT: Final = re.compile(r"\d{1,13}(\.\d{1,5})?", re.ASCII)
_DEGREES: Final = re.compile(r"-?\d{1,3}(\.\d{1,10})?", re.ASCII)
_MAX_WHOLE_DIGITS: Final = 13
_MAX_FRACTION_DIGITS: Final = 5
_CENT: Final = Decimal("0.01")
_CENT_DIGITS: Final = 2


def text(value: Any) -> str:
    """Read words for people: unprintable characters go, runs of space become one.

    Raises: ValueError when it is no text or longer than `MAX_TEXT`.
    """
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise ValueError
    # Control characters, lone surrogates and direction overrides could forge what a page or a log shows.
    shown = value if value.isprintable() else "".join(char if char.isprintable() else " " for char in value)
    return " ".join(shown.split())


def identifier(value: Any) -> str:
    """Read an id: 1 to 128 visible ASCII characters, and no path segment with a meaning of its own.

    Raises: ValueError
    """
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value) or value in {".", ".."}:
        raise ValueError
    return value


def pattern(value: Any, form: re.Pattern[str]) -> str:
    """Read text that matches a form as a whole.

    Raises: ValueError
    """
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError
    return value


def truth(value: Any) -> bool:
    """Read true or false.

    Raises: ValueError
    """
    if not isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - one kind of error for every wrong value
    return value


def number_amount(value: Any) -> Decimal:
    """Read money written as a JSON number (FDX).

    Raises: ValueError when it is no number, or absurdly large or fine.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError  # noqa: TRY004 - one kind of error for every wrong value
    amount = Decimal(value)
    if amount.adjusted() >= _MAX_WHOLE_DIGITS or _fraction_digits(amount) > _MAX_FRACTION_DIGITS:
        raise ValueError
    return _with_cents(amount)


def text_amount(value: Any) -> Decimal:
    """Read money written as unsigned text: up to 13 digits, then up to 5 decimals (OBIE).

    Raises: ValueError
    """
    return _with_cents(Decimal(pattern(value, _AMOUNT)))


def instant(value: Any) -> datetime:
    """Read an RFC 3339 date-time with its offset, as aware UTC; parts of a microsecond are dropped.

    Raises: ValueError also for years outside living memory.
    """
    read = datetime.fromisoformat(pattern(value, _INSTANT))
    if not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        raise ValueError
    return read.astimezone(UTC)


def degrees(value: Any, limit: int) -> Decimal:
    """Read a latitude (limit 90) or longitude (limit 180) written as text.

    Raises: ValueError
    """
    read = Decimal(pattern(value, _DEGREES))
    if abs(read) > limit:
        raise ValueError
    return read


def masked_number(value: Any) -> str:
    """Show the last four characters of an account or card number, never more.

    Raises: ValueError when there are not even four.
    """
    shown = re.sub(r"[^0-9A-Za-z]", "", text(value), flags=re.ASCII)[-4:]
    if len(shown) != len("1234"):
        raise ValueError
    return f"••{shown}"


def _fraction_digits(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError  # noqa: TRY004 - NaN and infinities have no exponent
    return -exponent


def _with_cents(amount: Decimal) -> Decimal:
    """Give at least two decimals (12.5 becomes 12.50) and no negative zero."""
    return (amount if _fraction_digits(amount) >= _CENT_DIGITS else amount.quantize(_CENT)) + 0
