"""What a person granted, as the token response tells it (RFC 9396 §7, type bank_data)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Self

TYPE = "bank_data"
DURATION_DAYS = 90
LOOKBACK_DAYS = 90
LONGEST_GRANT_DAYS = 365
MOST_ACCOUNTS = 100
LONGEST_NAME = 200

REQUESTED: tuple[Mapping[str, str], ...] = (
    {"name": "accounts"},
    {"name": "balances"},
    {"name": "transactions", "detail": "detail"},
    {"name": "card_locations", "precision": "town"},
    {"name": "balance_answers"},
    {"name": "location_answers"},
    {"name": "fraud_alerts"},
)
"""The categories Messenger has an answer for; nothing else is asked."""


class UnusableGrantError(Exception):
    """The token response does not say what was granted in a way Messenger understands."""


def request_details(bank_id: str | None, supported: object = None) -> str:
    """Write the authorization_details of a new request, for one bank or for any.

    `supported` are the names that the broker's metadata lists: what it does not know is not asked for.
    """
    names = set(supported) if isinstance(supported, list) else {category["name"] for category in REQUESTED}
    element: dict[str, Any] = {
        "type": TYPE,
        "purpose": "chat_banking",
        "categories": [dict(category) for category in REQUESTED if category["name"] in names],
        "duration_days": DURATION_DAYS,
        "lookback_days": LOOKBACK_DAYS,
    }
    if bank_id is not None:
        element["bank"] = bank_id
    return json.dumps([element])


@dataclass(frozen=True, slots=True)
class Category:
    """One data category with the step of detail or precision that was granted."""

    name: str
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """Categories, accounts and end of one grant."""

    categories: tuple[Category, ...]
    accounts: tuple[str, ...]
    bank_id: str | None
    ends_at: datetime | None

    def has(self, name: str) -> bool:
        """Tell whether a category was granted."""
        return any(category.name == name for category in self.categories)

    def to_json(self) -> str:
        """Write it for storage."""
        return json.dumps(asdict(self) | {"ends_at": self.ends_at.isoformat() if self.ends_at else None})

    @classmethod
    def from_json(cls, stored: str) -> Self:
        """Read it from storage."""
        raw = json.loads(stored)
        return cls(
            tuple(Category(entry["name"], entry["step"]) for entry in raw["categories"]),
            tuple(raw["accounts"]),
            raw["bank_id"],
            datetime.fromisoformat(raw["ends_at"]) if raw["ends_at"] else None,
        )


def read_granted(details: object, granted_at: datetime) -> Granted:
    """Read the authorization_details of a token response; the end is counted from `granted_at`.

    Raises:
        UnusableGrantError: there is not exactly one element of the known type, or a member has a wrong shape.

    """
    if not isinstance(details, list) or len(details) != 1 or not isinstance(details[0], dict):
        raise UnusableGrantError("authorization_details must hold exactly one element")
    element = details[0]
    if element.get("type") != TYPE:
        raise UnusableGrantError("authorization_details is of another type")
    bank = element.get("bank")
    days = element.get("duration_days")
    return Granted(
        categories=_categories(element.get("categories")),
        accounts=_accounts(element.get("accounts", [])),
        bank_id=bank if _is_name(bank) else None,
        ends_at=granted_at + timedelta(days=days) if type(days) is int and 0 < days <= LONGEST_GRANT_DAYS else None,
    )


def _categories(entries: object) -> tuple[Category, ...]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UnusableGrantError("categories must be a list of objects")
    if not all(_is_name(entry.get("name")) for entry in entries):
        raise UnusableGrantError("each category needs a name")
    known = {category["name"] for category in REQUESTED}
    return tuple(_category(entry) for entry in entries if entry["name"] in known)


def _category(entry: Mapping[str, Any]) -> Category:
    step = entry.get("detail") or entry.get("precision")
    return Category(entry["name"], step if _is_name(step) else None)


def _accounts(entries: object) -> tuple[str, ...]:
    if not isinstance(entries, list) or len(entries) > MOST_ACCOUNTS or not all(is_account_id(e) for e in entries):
        raise UnusableGrantError("accounts must be a list of account ids")
    return tuple(entries)


def is_account_id(value: object) -> bool:
    """Tell whether a value can stand as an account id in a path: `.` and `..` would leave it."""
    return isinstance(value, str) and _is_name(value) and value.strip(".") != ""


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()
