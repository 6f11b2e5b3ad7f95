"""Cuts bank data down to what one grant lets out: accounts, dates, fields, precision, names of people.

Trusted: nothing that is not named by the grant's term and the catalogue passes through here (invariant 5).
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from broker.policy.answers import Question
from broker.policy.catalogue import Category
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import Precision

Record = dict[str, Any]
"""One wire record: texts, `Decimal` money, aware datetimes; nested mappings only under `address`."""

_ADDRESS_FIELDS = {
    Precision.COUNTRY: ("country",),
    Precision.TOWN: ("country", "region", "townName"),
    Precision.POSTCODE_AREA: ("country", "region", "townName", "postCode"),
    Precision.EXACT: ("country", "region", "townName", "postCode", "streetName"),
}
# Postcodes of one form: the outward code of two to four characters, then always three more (also without a blank).
_OUTWARD_AND_INWARD = {"GB", "GG", "IM", "JE"}
_LONGEST_OUTWARD, _INWARD = 4, 3
_AREA_SHOWN, _AREA_HIDDEN = 3, 2
_PERSONAL_TYPES = {"TRANSFER_INCOMING", "TRANSFER_OUTGOING"}
# Merchant category codes of money sent to a person by card: the "shop" is that person.
_PERSONAL_CODES = {"4829", "6536", "6537", "6538"}
# In free text: eight or more digits are the number of an account or a card; a time of day tells where a person was.
_TELLING_NUMBER = re.compile(r"\d(?:[\W_]?\d){7,}|\d{1,2}:\d\d(?::\d\d)?")
_HIDDEN = "•••"
_HAPPENED = ("executionDateTime", "occurredOn", "occurredAt")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one grant lets out of one category: the term, the accounts by their pairwise ids, the oldest instant.

    `question` is what was asked of a category that gives answers instead of data.
    """

    category: Category
    term: CategoryTerm
    accounts: frozenset[str]
    oldest_at: datetime
    question: Question | None = None


def minimise(limits: Limits, records: Iterable[Record]) -> list[Record]:
    """Return only the records and fields that the limits name. A field that has no value is absent, not null."""
    names = [field.name for field in limits.category.fields_in(limits.term)]
    granted = [one for one in records if one["accountId"] in limits.accounts and not _is_too_old(limits, one)]
    if limits.category.questions is not None or limits.question is not None:
        lowered = _answered(limits, granted)
    else:
        lowered = [_lowered(limits, record) for record in granted]
    return [{name: record[name] for name in names if record.get(name) is not None} for record in lowered]


def _answered(limits: Limits, records: list[Record]) -> list[Record]:
    """Put one answer in the place of the data it was found in; without a question nothing comes out."""
    if limits.category.questions is None or limits.question is None:
        return []
    told, as_of = limits.question.answer(records, limits.oldest_at)
    return [{"answer": told.value, "asOf": as_of}]


def _is_too_old(limits: Limits, record: Record) -> bool:
    at = next((record[name] for name in _HAPPENED if record.get(name) is not None), None)
    return at is not None and at < limits.oldest_at


def _lowered(limits: Limits, record: Record) -> Record:
    if limits.category.name == "accounts":
        return {**record, **{name: _without_numbers(record.get(name)) for name in ("displayName", "nickname")}}
    if limits.category.name == "transactions":
        return _transaction(record)
    if limits.category.name == "card_locations":
        return _card_location(record, limits.term.precision or Precision.COUNTRY)
    if limits.category.name == "fraud_alerts":
        return _fraud_alert(record)
    return record


def _transaction(record: Record) -> Record:
    """Coarsen instants to days (a time of day tells where a person was) and mask the names of people."""
    lowered = {**record, **{name: _day(record.get(name)) for name in ("executionDateTime", "postingDateTime")}}
    code = record.get("merchantCategoryCode")
    if record["type"] in _PERSONAL_TYPES or not code or code in _PERSONAL_CODES:
        lowered["description"] = _masked(record["description"])
        lowered["merchantName"] = None
    for name in ("description", "merchantName"):
        lowered[name] = _without_numbers(lowered.get(name))
    return lowered


def _card_location(record: Record, precision: Precision) -> Record:
    lowered = {**record, "precision": precision.value}
    if record.get("channel") == "online":
        lowered |= dict.fromkeys(("address", "lat", "lon"))  # wherever the bank says the shop is, nobody was there
    address = lowered.get("address")
    if address is not None:
        cut = {name: address[name] for name in _ADDRESS_FIELDS[precision] if address.get(name)}
        if precision is not Precision.EXACT:
            cut |= {name: _without_digits(cut[name]) for name in ("region", "townName") if name in cut}
        if precision is Precision.POSTCODE_AREA and "postCode" in cut:
            cut["postCode"] = postcode_area(cut["postCode"], address.get("country"))
        lowered["address"] = {name: value for name, value in cut.items() if value}
    at: datetime = record["occurredOn"]
    lowered["occurredOn"] = at if precision is Precision.EXACT else at.date()
    return lowered


def _fraud_alert(record: Record) -> Record:
    """Name a shop only: of a transfer, and of money sent by card, the other side is a person."""
    code = record.get("merchantCategoryCode")
    is_shop = record["kind"] == "card_payment" and code and code not in _PERSONAL_CODES
    return {**record, "merchantName": _without_numbers(record.get("merchantName")) if is_shop else None}


def postcode_area(code: str, country: str | None) -> str:
    """Return the part of a postcode that names an area; empty where the code is too short to have one.

    Of a British code that is what stands before the last three characters, of any other at most the first three,
    and never the last two.
    """
    first, blank, rest = code.strip().partition(" ")
    if country in _OUTWARD_AND_INWARD:
        return (first if blank else first[:-_INWARD])[:_LONGEST_OUTWARD]
    length = len(first) + len("".join(rest.split()))
    return first[: max(0, min(_AREA_SHOWN, length - _AREA_HIDDEN))]


def _day(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(hour=0, minute=0, second=0, microsecond=0)


def _without_numbers(text: str | None) -> str | None:
    return None if text is None else _TELLING_NUMBER.sub(_HIDDEN, text)


def _without_digits(name: str) -> str:
    """Drop the words that hold digits: a postcode or a house's number in the name of a town is finer than a town."""
    return " ".join(word for word in name.split() if not any(unicodedata.category(c)[0] == "N" for c in word))


def _masked(text: str) -> str:
    """Keep the first letter of each word: who was paid is not the platform's to know.

    A word is a run of letters, digits, pictures and the marks that belong to them, in every script.
    """
    runs = ((is_word, "".join(run)) for is_word, run in groupby(text, _is_of_a_word))
    return "".join(f"{_initial(run)}{_HIDDEN}" if is_word else run for is_word, run in runs)


def _is_of_a_word(character: str) -> bool:
    # Symbols too: there are letters in circles, squares and flags.
    kind = unicodedata.category(character)
    return kind[0] in "LMN" or kind == "So" or character == "_"


def _initial(word: str) -> str:
    """Return the first letter, but not where it would tell all: of a word of one letter, or a name in one character."""
    letters = sum(unicodedata.category(character)[0] != "M" for character in word)
    is_syllable = unicodedata.east_asian_width(word[0]) in {"W", "F"}
    return "" if letters < len("ab") or is_syllable else word[0]
