"""The single values of a bank's answer: what each may be, said by rules of its own."""

import re
import string
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.support.formats.forms import Form, check

MOST_CHARACTERS = 500
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
_TEXTS = st.text(max_size=20) | st.text(st.characters(), max_size=6)
_SPECIAL = ("", " a\u00a0 b\n", "\ud800", "\u202eevil", "x" * MOST_CHARACTERS, "Zoë 猫 🐈", "a\u200bb")
_DATE_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(.+)")
_OFFSET = re.compile(r"([+-])([0-9]{2}):([0-9]{2})")


class Words(Form):
    """Text for people, at most 500 characters; what cannot be seen counts as a space, and of spaces one remains."""

    def __init__(self, name: str, *often: str, maybe: bool = False) -> None:
        super().__init__(name, maybe=maybe)
        words = often or ("Corner Shop",)
        near = [f" {word}\n" for word in words[:2]] + [word.lower() for word in words[:2]]
        self.usual = words[0]
        self.good = st.one_of(*[st.sampled_from(words)] * len(often[:3]), _TEXTS, st.sampled_from([*_SPECIAL, *near]))
        self.near = (*words, *near, *_SPECIAL, "x" * 501, " " * 501)

    def read(self, value: Any) -> str:
        check(isinstance(value, str) and len(value) <= MOST_CHARACTERS)
        seen = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in value)
        return " ".join(word for word in seen.split(" ") if word)


class LastFour(Words):
    """The number of an account or a card; of it the last four characters are known."""

    usual = "12345678"
    good = st.text("0123456789 *-aZ", min_size=4, max_size=24) | st.sampled_from(["12345678", "•• 4321"])
    near = ("1234", "•• 4321", "123", "1 2-3", "\uff11\uff12\uff13\uff14", "12-\uff1334", "x" * 500, "x" * 501, "")

    def __init__(self, name: str) -> None:
        Form.__init__(self, name)

    def read(self, value: Any) -> str:
        known = [one for one in super().read(value) if one in string.ascii_letters + string.digits]
        check(len(known) >= 4)
        return "••" + "".join(known[-4:])


class Name(Form):
    """An id: 1 to 128 visible characters of ASCII; neither "." nor "..", which mean something in an address."""

    usual = "id-1"
    good = st.text(_VISIBLE, min_size=1, max_size=12) | st.just("x" * 128)
    near = ("", ".", "..", "...", "a b", "a\n", "é", "x" * 128, "x" * 129, "\u0663", "\ud800", "a\x00", "/../", "\x7f")

    def read(self, value: Any) -> str:
        check(isinstance(value, str) and 1 <= len(value) <= 128 and set(value) <= set(_VISIBLE))
        check(value.strip(".") or len(value) > 2)
        return str(value)


class Own(Form):
    """The id that was asked for, and no other."""

    near = ("acc-2", "ACC-1", "acc-1 ", "acc-1\n", "", "..")

    def __init__(self, name: str, own: str = "acc-1") -> None:
        super().__init__(name)
        self.own, self.usual, self.good = own, own, st.just(own)

    def read(self, value: Any) -> str:
        check(value == self.own)
        return self.own


class Choice(Form):
    """A word of a closed list, exactly as it is written there."""

    def __init__(self, name: str, meanings: Mapping[str, Any], *, maybe: bool = False) -> None:
        super().__init__(name, maybe=maybe)
        self.meanings, self.usual, self.good = meanings, min(meanings), st.sampled_from(sorted(meanings))
        first = self.usual
        self.near = (*meanings, first.swapcase(), f"{first} ", f"{first}\n", "", f"{first}{first}")

    def read(self, value: Any) -> Any:
        check(isinstance(value, str) and value in self.meanings)
        return self.meanings[value]


class Code(Form):
    """So many characters of an alphabet: a currency, a country, a kind of shop."""

    def __init__(self, name: str, alphabet: str, length: int, *, maybe: bool = False) -> None:
        super().__init__(name, maybe=maybe)
        self.alphabet, self.length = alphabet, length
        self.good = st.text(alphabet, min_size=length, max_size=length)
        self.usual = alphabet[:length]
        near = (self.usual.lower(), alphabet[: length + 1], f"{self.usual}\n", alphabet[: length - 1], "0742", "XXX")
        self.near = (*near, "É" * length, "٣" * length)

    def read(self, value: Any) -> str:
        check(isinstance(value, str) and len(value) == self.length and set(value) <= set(self.alphabet))
        return str(value)


class Truth(Form):
    usual = True
    good = st.booleans()
    near = (False, "true", 1, 0, "yes", "")

    def read(self, value: Any) -> bool:
        check(value is True or value is False)
        return bool(value)


class Number(Form):
    """Money as a number of JSON: up to 13 digits before the point and 5 after it; it has at least two of these."""

    usual = Decimal("12.5")
    good = st.integers(-(10**13) + 1, 10**13 - 1) | st.decimals(-(10**9), 10**9, places=2)
    near = (
        *(0, -5, 10**13 - 1, 10**13, 10**40, "5", True, [1]),
        *map(Decimal, ("1E+400", "0E+99", "0.123456", "1E-400", "9999999999999.99999", "-0.0", "1E+2", "1.23450")),
        *map(Decimal, ("0.00000", "0E-6", "-1.5", "1.500000", "1E+12", "1E+13", "-0.00001")),
    )

    def read(self, value: Any) -> Decimal:
        check(isinstance(value, (int, Decimal)) and value is not True and value is not False)
        check(Decimal(value).adjusted() < 13)  # a zero with a large exponent is refused as any number with one
        return money(format(Decimal(value), "f").removeprefix("-"), is_negative=value < 0)


class Money(Form):
    """Money as text without a sign, of the same size."""

    usual = "12.5"
    good = st.from_regex(r"[0-9]{1,13}(\.[0-9]{1,5})?", fullmatch=True)
    near = (
        *("-1", "+1", "1e3", "1_000", "NaN", "Infinity", "1.", ".5", "1,5", "1.123456", "1" * 14, "٣", "\uff11", "1\n"),
        *("0", "0.00", "00.1", "1" * 13, "1.12345", "12.50", "", " 1", 5, Decimal("1.5")),
    )

    def read(self, value: Any) -> Decimal:
        check(isinstance(value, str))
        return money(value, is_negative=False)


class Degrees(Form):
    """A latitude or longitude as text, at most so many degrees to each side."""

    usual = "12.5"

    def __init__(self, name: str, most: int) -> None:
        super().__init__(name)
        self.most = most
        self.good = st.decimals(-most, most, places=4).map(lambda drawn: format(drawn, "f"))
        odd = ("+1", "1e1", "", "NaN", "1.", ".5", "-", "-0", "1.1234567890", "1.12345678901", "0001", "٣", "1\n", 1)
        self.near = (f"{most}", f"-{most}.0", f"{most}.1", f"-{most + 1}", *odd)

    def read(self, value: Any) -> Decimal:
        check(isinstance(value, str))
        whole, point, fraction = value.removeprefix("-").partition(".")
        check(_are_digits(whole) and len(whole) <= 3)
        check(not point or (_are_digits(fraction) and len(fraction) <= 10))
        check(abs(Decimal(value)) <= self.most)
        return Decimal(value)


class Instant(Form):
    """A date-time of RFC 3339 with its offset, from 1950 to 2200; parts of a microsecond are dropped."""

    usual = "2026-11-10T10:00:00Z"
    good = st.builds(
        lambda at, fraction, zone: f"{at:%Y-%m-%dT%H:%M:%S}{fraction}{zone}",
        st.datetimes(datetime(1950, 1, 1), datetime(2200, 12, 31)),  # noqa: DTZ001 - the offset is drawn beside it
        st.sampled_from(["", "", ".5", ".123456", ".1234567", ".123456789"]),
        st.sampled_from(["Z", "Z", "+00:00", "-00:00", "+01:00", "-23:59", "+14:00"]),
    )
    near = (
        *("2026-11-10", "2026-11-10T10:00:00", "2026-11-10T10:00Z", "20261110T100000Z", "2026-W46-2T10:00:00Z", ""),
        *(
            "2026-02-30T10:00:00Z",
            "2026-11-10T24:00:00Z",
            "2026-11-10T10:00:60Z",
            "2026-11-10T10:60:00Z",
            1_762_768_800,
        ),
        *("2026-11-10t10:00:00z", "2026-11-10 10:00:00Z", "2026-11-10T10:00:00Z\n", "2026-11-10T10:00:00 Z"),
        *("2026-11-10T10:00:00+0100", "2026-11-10T10:00:00+01", "2026-11-10T10:00:00+01:60"),
        *("2026-11-10T10:00:00+24:00", "2026-11-10T10:00:00+23:59:30", "2026-11-10T10:00:00-00:00"),
        *("2026-11-10T10:00:00.Z", "2026-11-10T10:00:00,5Z", "2026-11-10T10:00:00.1234567890Z"),
        *("2026-11-10T10:00:00.1234567Z", "2026-11-10T10:00:00.999999999+01:00", "2026-11-09T10:00:00.5Z"),
        *(
            "1949-12-31T23:59:59-01:00",
            "1950-01-01T00:00:00+14:00",
            "2200-12-31T23:59:59-14:00",
            "2201-01-01T00:00:00Z",
        ),
        *(
            "9999-12-31T23:59:59-14:00",
            "0001-01-01T00:00:00+14:00",
            "٢٠٢٦-11-10T10:00:00Z",
            "\uff12026-11-10T10:00:00Z",
        ),
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
