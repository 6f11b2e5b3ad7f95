"""The single values of a bank's answer: what each may be, by rules of its own; nothing of the product is used here.

Every form also knows how to draw what it accepts (`good`) and what looks nearly so (`near`).
"""

import re
import string
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from hypothesis import strategies as st
from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing

MOST_CHARACTERS = 500
MOST_ROWS = 5_000
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
_TEXTS = st.text(max_size=20) | st.text(st.characters(), max_size=6)
_SPECIAL = ["", " a\u00a0 b\n", "\ud800", "\u202eevil", "x" * 500, "Zoë 猫 🐈", "a\u200bb"]
_DATE_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(.+)")
_OFFSET = re.compile(r"([+-])([0-9]{2}):([0-9]{2})")


class Row(Schema):
    """One object of a bank. Members that nobody asks for are let be: standards grow.

    `also` are the schemas by which such an object is read further where it counts.
    """

    also: ClassVar[tuple[type[Schema], ...]] = ()

    class Meta:
        unknown = EXCLUDE


class Form(fields.Field):
    """One member, by its name in the standard; `maybe`: it may be missing or null."""

    good: st.SearchStrategy[Any] = st.nothing()
    near: st.SearchStrategy[Any] = st.nothing()

    def __init__(self, name: str, *, maybe: bool = False) -> None:
        optional = {"allow_none": True, "load_default": None} if maybe else {"required": True}
        super().__init__(data_key=name, **optional)

    def _deserialize(self, value: Any, *_place: Any, **_more: Any) -> Any:
        try:
            return self.read(value)
        except (ValueError, ArithmeticError) as error:
            raise ValidationError("not of this form") from error

    def read(self, value: Any) -> Any:
        """Return what the value says; ValueError where it is not of the form."""
        raise NotImplementedError


class Words(Form):
    """Text for people, at most 500 characters; what cannot be seen counts as a space, and of spaces one remains."""

    near = st.sampled_from(["x" * 501, " " * 501])

    def __init__(self, name: str, *often: str, maybe: bool = False) -> None:
        super().__init__(name, maybe=maybe)
        others = _TEXTS | st.sampled_from([*_SPECIAL, *(f" {word}\n" for word in often[:2])])
        usual = st.sampled_from(often) if often else st.nothing()
        self.good = usual | usual.map(str) | usual.map(str.strip) | others

    def read(self, value: Any) -> str:
        check(isinstance(value, str) and len(value) <= MOST_CHARACTERS)
        seen = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in value)
        return " ".join(word for word in seen.split(" ") if word)


class LastFour(Words):
    """The number of an account or a card; of it the last four characters are known."""

    near = st.sampled_from(["123", "1 2-3", "１２３４", "x" * 501, ""])  # noqa: RUF001 - digits of another width

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.good = st.text("0123456789 *-aZ", min_size=4, max_size=24) | st.sampled_from(["12345678", "•• 4321"])

    def read(self, value: Any) -> str:
        known = [one for one in super().read(value) if one in string.ascii_letters + string.digits]
        check(len(known) >= 4)
        return "••" + "".join(known[-4:])


class Name(Form):
    """An id: 1 to 128 visible characters of ASCII; neither "." nor "..", which mean something in an address."""

    good = st.text(_VISIBLE, min_size=1, max_size=12) | st.just("x" * 128)
    near = st.sampled_from(["", ".", "..", "a b", "a\n", "é", "x" * 129, "\u0663", "\ud800", "a\x00"])

    def read(self, value: Any) -> str:
        check(isinstance(value, str) and 1 <= len(value) <= 128 and set(value) <= set(_VISIBLE))
        check(value.strip(".") or len(value) > 2)
        return str(value)


class Own(Name):
    """The id that was asked for, and no other."""

    near = st.sampled_from(["acc-2", "ACC-1", "acc-1 ", "acc-1\n", "", ".."])

    def __init__(self, name: str, own: str = "acc-1") -> None:
        super().__init__(name)
        self.own, self.good = own, st.just(own)

    def read(self, value: Any) -> str:
        check(value == self.own)
        return self.own


class Choice(Form):
    """A word of a closed list, exactly as it is written there."""

    def __init__(self, name: str, meanings: Mapping[str, Any], *, maybe: bool = False) -> None:
        super().__init__(name, maybe=maybe)
        self.meanings, self.good = meanings, st.sampled_from(sorted(meanings))
        first = min(meanings)
        self.near = st.sampled_from([first.swapcase(), f"{first} ", f"{first}\n", "", f"{first}{first}"])

    def read(self, value: Any) -> Any:
        check(isinstance(value, str) and value in self.meanings)
        return self.meanings[value]


class Code(Form):
    """So many characters of an alphabet: a currency, a country, a kind of shop."""

    def __init__(self, name: str, alphabet: str, length: int, *, maybe: bool = False) -> None:
        super().__init__(name, maybe=maybe)
        self.alphabet, self.length = alphabet, length
        self.good = st.text(alphabet, min_size=length, max_size=length)
        near = [alphabet[:length].lower(), alphabet[: length + 1], f"{alphabet[:length]}\n", alphabet[: length - 1]]
        self.near = st.sampled_from([one for one in near if not self._fits(one)] + ["É" * length, "٣" * length])

    def read(self, value: Any) -> str:
        check(self._fits(value))
        return str(value)

    def _fits(self, value: Any) -> bool:
        return isinstance(value, str) and len(value) == self.length and set(value) <= set(self.alphabet)


class Truth(Form):
    good = st.booleans()
    near = st.sampled_from(["true", 1, 0, "yes", ""])

    def read(self, value: Any) -> bool:
        check(value is True or value is False)
        return bool(value)


class Number(Form):
    """Money as a number of JSON: up to 13 digits before the point and 5 after it; it has at least two of these."""

    good = st.integers(-(10**13) + 1, 10**13 - 1) | st.decimals(
        -(10**9), 10**9, places=2, allow_nan=False, allow_infinity=False
    )
    near = st.sampled_from(
        [10**13, 10**40, Decimal("1E+400"), Decimal("0E+99"), Decimal("0.123456"), Decimal("1E-400"), "5", True, [1]]
        + [Decimal("9999999999999.99999"), Decimal("-0.0"), Decimal("12.5"), Decimal("1E+2"), Decimal("1.23450")]
    )

    def read(self, value: Any) -> Decimal:
        check(isinstance(value, (int, Decimal)) and value is not True and value is not False)
        check(Decimal(value).adjusted() < 13)  # a zero with a large exponent too
        return money(format(Decimal(value), "f").removeprefix("-"), is_negative=value < 0)


class Money(Form):
    """Money as text without a sign, of the same size."""

    good = st.from_regex(r"[0-9]{1,13}(\.[0-9]{1,5})?", fullmatch=True)
    near = st.sampled_from(
        ["-1", "+1", "1e3", "1_000", "NaN", "Infinity", "1.", ".5", "1,5", "1.123456", "1" * 14, "٣", "１", "1\n", ""]  # noqa: RUF001 - digits of another width
        + [5, Decimal("1.5")]
    )

    def read(self, value: Any) -> Decimal:
        check(isinstance(value, str))
        return money(value, is_negative=False)


class Degrees(Form):
    """A latitude or longitude as text, at most so many degrees to each side."""

    def __init__(self, name: str, most: int) -> None:
        super().__init__(name)
        self.most = most
        self.good = st.decimals(-most, most, places=4).map(lambda drawn: format(drawn, "f"))
        self.near = st.sampled_from([f"{most}.1", f"-{most + 1}", "+1", "1e1", "", "NaN", "1.", "1.12345678901", 1])

    def read(self, value: Any) -> Decimal:
        check(isinstance(value, str))
        whole, point, fraction = value.removeprefix("-").partition(".")
        check(_are_digits(whole) and len(whole) <= 3)
        check(not point or (_are_digits(fraction) and len(fraction) <= 10))
        check(abs(Decimal(value)) <= self.most)
        return Decimal(value)


class Instant(Form):
    """A date-time of RFC 3339 with its offset, from 1950 to 2200; parts of a microsecond are dropped."""

    good = st.builds(
        lambda at, fraction, zone: f"{at:%Y-%m-%dT%H:%M:%S}{fraction}{zone}",
        st.datetimes(datetime(1950, 1, 1), datetime(2200, 12, 31)),
        st.sampled_from(["", "", ".5", ".123456", ".1234567", ".123456789"]),
        st.sampled_from(["Z", "Z", "+00:00", "-00:00", "+01:00", "-23:59", "+14:00"]),
    )
    near = st.sampled_from(
        ["2026-11-10T10:00:00", "2026-11-10", "2026-02-30T10:00:00Z", "2026-11-10T24:00:00Z", "2026-11-10T10:00:60Z"]
        + ["2026-11-10t10:00:00z", "1949-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "2026-11-10T10:00:00+24:00"]
        + ["2026-11-10T10:00:00.Z", "2026-11-10T10:00:00,5Z", "2026-11-10 10:00:00Z", "2026-11-10T10:00Z", "٢026-11-10"]
        + ["2026-11-10T10:00:00+0100", "2026-11-10T10:00:00+01:60", "2026-11-10T10:00:00Z\n", "20261110T100000Z"]
        + ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-W46-2T10:00:00Z", 1_762_768_800, ""]
        + ["2026-11-10T10:00:00.1234567890Z", "2026-11-10T10:00:00 Z", "٢٠٢٦-11-10T10:00:00Z"]
    )

    def read(self, value: Any) -> datetime:
        check(isinstance(value, str))
        parts = _DATE_TIME.fullmatch(value)
        check(parts is not None)
        *numbers, fraction, zone = parts.groups()
        microseconds = int((fraction or "0").ljust(6, "0")[:6])
        at = datetime(*map(int, numbers), microseconds, tzinfo=UTC)
        check(1950 <= at.year <= 2200)
        return at - _offset(zone)


class Later(fields.Field):
    """What is looked at only where it counts: the loaded value reads it when it is called."""

    def __init__(self, inner: Form) -> None:
        super().__init__(data_key=inner.data_key)
        self.inner = inner

    def deserialize(self, value: Any, *_place: Any, **_more: Any) -> Callable[[], Any]:
        """Return what reads the value; a member that is missing is like one that is null."""
        given = None if value is missing else value
        return lambda: self.inner.deserialize(given)


class Part(Form):
    """An object of another schema."""

    def __init__(self, name: str, schema: type[Schema], *, maybe: bool = False) -> None:
        super().__init__(name, maybe=maybe)
        self.schema = schema()
        self.near = st.sampled_from([[], [{}], "", 0, False])

    def read(self, value: Any) -> Any:
        check(isinstance(value, dict))
        return self.schema.load(value)


class Unopened(Part):
    """An object of which the members are looked at only where they count, as with `Later`."""

    def read(self, value: Any) -> Callable[[], Any]:
        check(isinstance(value, dict))
        return lambda: self.schema.load(value)


class Rows(Part):
    """An array of objects of another schema, at most 5,000. `is_first`: of the objects only the first is looked at."""

    def __init__(self, name: str, schema: type[Schema], *, maybe: bool = False, is_first: bool = False) -> None:
        super().__init__(name, schema, maybe=maybe)
        self.is_first = is_first
        self.near = st.sampled_from([{}, [0], [[]], [None], [{}, 0], "", 0, False])

    def read(self, value: Any) -> Any:
        check(isinstance(value, list) and len(value) <= MOST_ROWS)
        check(all(isinstance(one, dict) for one in value))
        if self.is_first:
            check(value)
            return self.schema.load(value[0])
        return [self.schema.load(one) for one in value]


def currency(name: str, *, maybe: bool = False) -> Code:
    return Code(name, string.ascii_uppercase, 3, maybe=maybe)


def country(name: str, *, maybe: bool = False) -> Code:
    return Code(name, string.ascii_uppercase, 2, maybe=maybe)


def kind_of_shop(name: str) -> Code:
    return Code(name, string.digits, 4, maybe=True)


def money(written: str, *, is_negative: bool) -> Decimal:
    """Read money: cents are written out, and nothing is neither in debt nor in credit."""
    whole, point, fraction = written.partition(".")
    check(_are_digits(whole) and len(whole) <= 13)
    check(not point or (_are_digits(fraction) and len(fraction) <= 5))
    amount = Decimal(f"{whole}.{fraction.ljust(2, '0')}")
    return -amount if is_negative and amount else amount


def check(holds: object) -> None:
    """Refuse a value that is not of the form."""
    if not holds:
        raise ValueError


def must(holds: object) -> None:
    """Refuse an object whose members do not go together."""
    if not holds:
        raise ValidationError("the members contradict each other")


def only(found: Sequence[Any]) -> Any | None:
    """Return the one that was found, None for none; two contradict each other."""
    if len(found) > 1:
        raise ValidationError("there are two of them")
    return found[0] if found else None


def _are_digits(text: str) -> bool:
    return bool(text) and set(text) <= set(string.digits)


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    parts = _OFFSET.fullmatch(zone)
    check(parts is not None)
    sign, hours, minutes = parts.groups()
    check(int(hours) < 24 and int(minutes) < 60)
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    return -ahead if sign == "-" else ahead
