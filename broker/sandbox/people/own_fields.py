"""Single values of a file with somebody's own people, read strictly: what is wrong is told with its place."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Final, NoReturn, TypeVar

from babel import Locale
from babel.numbers import list_currencies

LONGEST_TEXT: Final = 500
"""Characters of any text; longer ones the broker would not take from a bank."""

_Kind = TypeVar("_Kind", bound=StrEnum)
_MONEY: Final = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})", re.ASCII)
_BEFORE: Final = re.compile(
    r"-P(?=[0-9T])(?:([0-9]{1,4})D)?(?:T(?=[0-9])(?:([0-9]{1,4})H)?(?:([0-9]{1,4})M)?)?", re.ASCII
)
_DEGREES: Final = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,8})?", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 2000, 2090


class Fault(StrEnum):
    """What can be wrong with a file of own people; docs/how-to/use-the-sandbox-from-a-program.md explains each."""

    UNREADABLE = "people-unreadable"
    TOO_LARGE = "people-too-large"
    NO_JSON = "people-no-json"
    VERSION = "people-version"
    WRONG_TYPE = "people-wrong-type"
    MISSING = "people-member-missing"
    UNKNOWN = "people-member-unknown"
    TOO_MANY = "people-too-many"
    DUPLICATE = "people-duplicate"
    BAD_TEXT = "people-bad-text"
    BAD_CHOICE = "people-bad-choice"
    BAD_MONEY = "people-bad-money"
    BAD_CURRENCY = "people-bad-currency"
    BAD_TIME = "people-bad-time"
    BAD_PLACE = "people-bad-place"
    USERNAME_TAKEN = "people-username-taken"


class PeopleRefused(Exception):
    """The file cannot be used. `place` is a JSON pointer (RFC 6901); nothing of what stood there is repeated."""

    def __init__(self, fault: Fault, place: str, message: str) -> None:
        super().__init__(f"{place or '/'}: {message}")
        self.fault, self.place, self.message = fault, place, message


@dataclass(frozen=True, slots=True)
class At:
    """A value with its place in the document."""

    value: Any
    place: str = ""

    def refuse(self, fault: Fault, message: str) -> NoReturn:
        """Refuse the file because of this value."""
        raise PeopleRefused(fault, self.place, message)

    def members(self, required: str, optional: str = "") -> Mapping[str, "At"]:
        """Read an object with these members (names separated by spaces) and no others; null is not the same as absent.

        Raises: PeopleRefused
        """
        if not isinstance(self.value, dict):
            self.refuse(Fault.WRONG_TYPE, "must be an object")
        known = [*required.split(), *optional.split()]
        for name in self.value:
            if name not in known:
                # Somebody else's text goes to a terminal here: in ASCII, and cut.
                self.refuse(Fault.UNKNOWN, f"there is no member {name[:40]!a} here; known are {', '.join(known)}")
        for name in required.split():
            if name not in self.value:
                self.refuse(Fault.MISSING, f"the member {name} is missing")
        return {name: At(value, f"{self.place}/{name}") for name, value in self.value.items()}

    def items(self, most: int) -> list["At"]:
        """Read a list of at most so many values.

        Raises: PeopleRefused
        """
        if not isinstance(self.value, list):
            self.refuse(Fault.WRONG_TYPE, "must be a list")
        if len(self.value) > most:
            self.refuse(Fault.TOO_MANY, f"has more than {most} items")
        return [At(value, f"{self.place}/{number}") for number, value in enumerate(self.value)]

    def text(self) -> str:
        """Read any text, hostile or not, that can be written as UTF-8.

        Raises: PeopleRefused
        """
        value = self.value
        if not isinstance(value, str):
            self.refuse(Fault.WRONG_TYPE, "must be a text")
        if not 1 <= len(value) <= LONGEST_TEXT or any("\ud800" <= char <= "\udfff" for char in value):
            self.refuse(Fault.BAD_TEXT, f"must be 1 to {LONGEST_TEXT} characters, without half characters (surrogates)")
        return str(value)

    def word(self, form: str, meaning: str, fault: Fault = Fault.BAD_TEXT) -> str:
        """Read a text that matches a regular expression as a whole.

        Raises: PeopleRefused
        """
        text = self.text()
        if not re.fullmatch(form, text, re.ASCII):
            self.refuse(fault, f"must be {meaning}")
        return text

    def truth(self) -> bool:
        """Read true or false.

        Raises: PeopleRefused
        """
        if not isinstance(self.value, bool):
            self.refuse(Fault.WRONG_TYPE, "must be true or false")
        return self.value

    def choice(self, kinds: type[_Kind]) -> _Kind:
        """Read one word of a closed list.

        Raises: PeopleRefused
        """
        text = self.text()
        if text not in list(kinds):
            self.refuse(Fault.BAD_CHOICE, f"must be one of {', '.join(kinds)}")
        return kinds(text)

    def money(self) -> Decimal:
        """Read a signed amount: a text with up to nine digits and up to two decimals.

        Raises: PeopleRefused
        """
        if not isinstance(self.value, str) or not _MONEY.fullmatch(self.value):
            self.refuse(Fault.BAD_MONEY, 'must be an amount as text, such as "-12.50", below a thousand million')
        return Decimal(self.value).quantize(Decimal("0.01"))

    def currency(self) -> str:
        """Read an ISO 4217 code.

        Raises: PeopleRefused
        """
        if not isinstance(self.value, str) or self.value not in list_currencies():
            self.refuse(Fault.BAD_CURRENCY, 'must be a currency code of ISO 4217, such as "USD"')
        return self.value

    def country(self) -> str:
        """Read an ISO 3166-1 alpha-2 code.

        Raises: PeopleRefused
        """
        if not isinstance(self.value, str) or self.value not in _countries():
            self.refuse(Fault.BAD_PLACE, 'must be a country code of ISO 3166-1, such as "US"')
        return self.value

    def degrees(self, limit: int) -> str:
        """Read a latitude (limit 90) or a longitude (limit 180), decimal degrees as text.

        Raises: PeopleRefused
        """
        if not isinstance(self.value, str) or not _DEGREES.fullmatch(self.value) or abs(Decimal(self.value)) > limit:
            self.refuse(Fault.BAD_PLACE, f'must be decimal degrees as text, such as "42.3736", up to {limit}')
        return self.value

    def instant(self, loaded_at: datetime) -> datetime:
        """Read RFC 3339 with seconds, or a span before the loading such as -P3DT2H30M (ISO 8601).

        Raises: PeopleRefused
        """
        text = self.value if isinstance(self.value, str) else ""
        if (before := _BEFORE.fullmatch(text)) is not None:
            days, hours, minutes = (int(part or 0) for part in before.groups())
            return loaded_at - timedelta(days=days, hours=hours, minutes=minutes)
        try:
            read = datetime.fromisoformat(text).astimezone(UTC) if _INSTANT.fullmatch(text) else None
        except (ValueError, OverflowError):
            read = None
        if read is None or not _FIRST_YEAR <= read.year <= _LAST_YEAR:
            self.refuse(Fault.BAD_TIME, 'must be an instant such as "2026-11-02T09:30:00Z" or a span such as "-P3DT2H"')
        return read


def distinct(found: list[At], read: Callable[[At], Any], what: str) -> None:
    """Refuse the second of two values that must differ.

    Raises: PeopleRefused
    """
    seen = set()
    for each in found:
        key = read(each)
        if key in seen:
            each.refuse(Fault.DUPLICATE, f"{what} stands here for the second time")
        seen.add(key)


@cache
def _countries() -> frozenset[str]:
    return frozenset(code for code in map(str, Locale("en").territories) if re.fullmatch(r"[A-Z]{2}", code)) - {"ZZ"}
