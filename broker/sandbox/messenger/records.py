"""The broker's API answers as values: what does not have the documented shape is refused, never guessed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from .grant import is_account_id
from .money import CURRENCY, parse_amount

LONGEST_TEXT = 140
Record = TypeVar("Record")


class BadAnswerError(Exception):
    """An answer does not have the documented shape."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account: a name people know, the masked number, the kind."""

    account_id: str
    name: str
    masked_number: str | None
    kind: str | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Balance:
    """One balance."""

    account_id: str
    current: Decimal
    available: Decimal | None
    currency: str
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction; a negative amount went out."""

    account_id: str
    kind: str
    status: str | None
    amount: Decimal
    currency: str
    at: datetime | None
    text: str | None
    merchant_category: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """One card use, as precise as it was released."""

    day: date
    channel: str | None
    country: str | None
    region: str | None
    town: str | None
    post_code: str | None
    street: str | None
    precision: str | None


def read_all(entries: list[object], read: Callable[[Mapping[str, Any]], Record]) -> list[Record]:
    """Read a list of entries.

    Raises:
        BadAnswerError: one of them has a wrong shape.

    """
    try:
        return [read(_object(entry)) for entry in entries]
    except (ValueError, KeyError) as error:
        raise BadAnswerError(type(error).__name__) from error


def account(entry: Mapping[str, Any]) -> Account:
    """Read a BankingAccount."""
    return Account(
        account_id=_account_id(entry),
        name=text(entry, "nickname") or text(entry, "displayName") or "Account",
        masked_number=text(entry, "maskedNumber"),
        kind=text(entry, "productCategory"),
        currency=text(entry, "currency"),
    )


def balance(entry: Mapping[str, Any]) -> Balance:
    """Read a BankingBalance."""
    return Balance(
        account_id=_account_id(entry),
        current=parse_amount(entry["currentBalance"]),
        available=_amount(entry, "availableBalance"),
        currency=_currency(entry),
        as_of=_instant(entry, "asOf"),
    )


def transaction(entry: Mapping[str, Any]) -> Transaction:
    """Read a BankingTransaction; merchant and description are there only if granted."""
    return Transaction(
        account_id=_account_id(entry),
        kind=text(entry, "type") or "OTHER",
        status=text(entry, "status"),
        amount=parse_amount(entry["amount"]),
        currency=_currency(entry),
        at=_instant(entry, "executionDateTime") or _instant(entry, "postingDateTime"),
        text=text(entry, "merchantName") or text(entry, "description"),
        merchant_category=text(entry, "merchantCategoryCode"),
    )


def place(entry: Mapping[str, Any]) -> Place:
    """Read a card location; below exact precision there is a date and no time."""
    occurred_on = text(entry, "occurredOn") or ""
    address = _object(entry.get("address") or {})
    return Place(
        day=date.fromisoformat(occurred_on[:10]),
        channel=text(entry, "channel"),
        country=text(address, "country"),
        region=text(address, "region"),
        town=text(address, "townName"),
        post_code=text(address, "postCode"),
        street=text(address, "streetName"),
        precision=text(entry, "precision"),
    )


def text(entry: Mapping[str, Any], name: str) -> str | None:
    """Take a text that is safe to show: short, without control or direction characters."""
    value = entry.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadAnswerError(f"{name} must be a text")
    shown = "".join(character for character in value if character.isprintable()).strip()
    return shown[:LONGEST_TEXT] or None


def _object(entry: object) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        raise BadAnswerError("an entry must be an object")
    return entry


def _account_id(entry: Mapping[str, Any]) -> str:
    value = entry["accountId"]
    if not is_account_id(value):
        raise ValueError("accountId cannot be one")
    return str(value)


def _currency(entry: Mapping[str, Any]) -> str:
    value = entry["currency"]
    if not isinstance(value, str) or not CURRENCY.fullmatch(value):
        raise ValueError("currency must be three letters")
    return value


def _amount(entry: Mapping[str, Any], name: str) -> Decimal | None:
    return None if entry.get(name) is None else parse_amount(entry[name])


def _instant(entry: Mapping[str, Any], name: str) -> datetime | None:
    value = text(entry, name)
    if value is None:
        return None
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(f"{name} must name its offset")
    return at.astimezone(UTC)
