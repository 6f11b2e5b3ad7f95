"""Cuts bank data down to what one grant lets out: accounts, dates, fields, precision, names of people.

Trusted: nothing that is not named by the grant's term and the catalogue passes through here (invariant 5).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
_PERSONAL_TYPES = {"TRANSFER_INCOMING", "TRANSFER_OUTGOING"}
_WORD = re.compile(r"\w+", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one grant lets out of one category: the term, the accounts by their pairwise ids, the oldest instant."""

    category: Category
    term: CategoryTerm
    accounts: frozenset[str]
    oldest_at: datetime


def minimise(limits: Limits, records: Iterable[Record]) -> list[Record]:
    """Return only the records and fields that the limits name. A field that has no value is absent, not null."""
    names = [field.name for field in limits.category.fields_in(limits.term)]
    kept = []
    for record in records:
        if record["accountId"] not in limits.accounts or _is_too_old(limits, record):
            continue
        lowered = _lowered(limits, record)
        kept.append({name: lowered[name] for name in names if lowered.get(name) is not None})
    return kept


def _is_too_old(limits: Limits, record: Record) -> bool:
    at = record.get("executionDateTime", record.get("occurredOn"))
    return at is not None and at < limits.oldest_at


def _lowered(limits: Limits, record: Record) -> Record:
    if limits.category.name == "transactions":
        return _transaction(record)
    if limits.category.name == "card_locations":
        return _card_location(record, limits.term.precision or Precision.COUNTRY)
    return record


def _transaction(record: Record) -> Record:
    """Coarsen instants to days (a time of day tells where a person was) and mask the names of people."""
    lowered = {**record, **{name: _day(record.get(name)) for name in ("executionDateTime", "postingDateTime")}}
    if record["type"] in _PERSONAL_TYPES or not record.get("merchantCategoryCode"):
        lowered["description"] = _masked(record["description"])
        lowered["merchantName"] = None
    return lowered


def _card_location(record: Record, precision: Precision) -> Record:
    address = record.get("address")
    lowered = {**record, "precision": precision.value}
    if address is not None:
        cut = {name: address[name] for name in _ADDRESS_FIELDS[precision] if address.get(name)}
        if precision is Precision.POSTCODE_AREA and "postCode" in cut:
            cut["postCode"] = postcode_area(cut["postCode"])
        lowered["address"] = cut
    at: datetime = record["occurredOn"]
    lowered["occurredOn"] = at if precision is Precision.EXACT else at.date()
    return lowered


def postcode_area(code: str) -> str:
    """Return the first part of a postcode: before the blank, or the first three characters where there is none."""
    first, blank, _ = code.strip().partition(" ")
    return first if blank else first[:3]


def _day(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(hour=0, minute=0, second=0, microsecond=0)


def _masked(text: str) -> str:
    """Keep the first letter of each word: who was paid is not the platform's to know."""
    return _WORD.sub(lambda match: match.group()[0] + "•••", text)
