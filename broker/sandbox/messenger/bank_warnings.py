"""A bank's warning as a value: each fact of it may be missing, and one that makes no sense is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from babel import Locale

from .money import CURRENCY, LOCALE, parse_amount, show_amount, show_instant
from .records import BadAnswerError, text

KINDS = {
    "card_payment": "Card payment",
    "transfer": "Transfer",
    "sign_in": "Sign-in to your bank",
    "other": "Something unusual",
}
COUNTRIES = Locale.parse(LOCALE).territories


@dataclass(frozen=True, slots=True)
class Warned:
    """What a bank warns of."""

    account_id: str | None
    kind: str
    at: datetime | None
    amount: Decimal | None
    currency: str | None
    merchant: str | None
    country: str | None
    town: str | None

    def where(self) -> dict[str, str]:
        """Return the place as questions name it, empty when the country is not known."""
        if self.country is None or self.country not in COUNTRIES:
            return {}
        return {"country": self.country} | ({"townName": self.town} if self.town else {})


def read_warning(record: Mapping[str, Any]) -> Warned:
    """Read an alert of the API; whatever it does not say is None.

    Raises:
        BadAnswerError: a member has a wrong shape.

    """
    place = record.get("place") or record.get("address") or {}
    if not isinstance(place, dict):
        raise BadAnswerError("place must be an object")
    try:
        currency = text(record, "currency")
        said_at = text(record, "occurredAt")
        at = datetime.fromisoformat(said_at) if said_at else None
        if at is not None and at.tzinfo is None:
            raise BadAnswerError("occurredAt must name its offset")
        return Warned(
            account_id=text(record, "accountId"),
            kind=text(record, "kind") or "other",
            at=at.astimezone(UTC) if at else None,
            amount=parse_amount(record["amount"]) if record.get("amount") is not None else None,
            currency=currency if currency and CURRENCY.fullmatch(currency) else None,
            merchant=text(record, "merchantName"),
            country=text(record, "country") or text(place, "country"),
            town=text(place, "townName"),
        )
    except ValueError as error:
        raise BadAnswerError(type(error).__name__) from error


def rows_of(warned: Warned, account: str | None) -> list[tuple[str, str, str]]:
    """Say a warning as facts, each with its name; what is not known is left out."""
    amount = show_amount(abs(warned.amount), warned.currency) if warned.amount and warned.currency else None
    told = {
        "What": KINDS.get(warned.kind, KINDS["other"]),
        "When": show_instant(warned.at) if warned.at else None,
        "How much": amount,
        "Shop": warned.merchant,
        "Where": place_in_words(warned.where()),
        "Account": account,
    }
    return [(name, value, "") for name, value in told.items() if value]


def place_in_words(where: Mapping[str, str]) -> str | None:
    """Say a place: a town with its country, or the country."""
    country = COUNTRIES.get(where.get("country", ""))
    return ", ".join(part for part in (where.get("townName"), country) if part) or None
