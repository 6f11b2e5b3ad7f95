"""Somebody's own people for the sandbox: a JSON document of customers, accounts and what happened on them.

Its shape is documented in docs/reference/own-people.schema.json. Whoever loads the file reads it here, and so does the
bank that serves it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from broker.sandbox.people.entry import CardUse, Channel, Entry, EntryKind, Place
from broker.sandbox.people.own_fields import At, Fault, PeopleRefused, distinct
from broker.sandbox.people.persona import AccountKind, AccountPlan, account_id_of, stable_digits, subject_of

VERSION: Final = 1
LARGEST_BYTES: Final = 4 * 1024 * 1024
MOST_PEOPLE, MOST_ACCOUNTS, MOST_TRANSACTIONS = 100, 20, 5_000
BANKS: Final = ("harbor", "meridian")

DOCUMENT: Final = ("version people", "")
PERSON: Final = ("bank username name accounts", "")
ACCOUNT: Final = ("id kind currency product balance", "nickname limit joint closed number transactions")
TRANSACTION: Final = ("id time amount description", "kind pending counterparty reference card")
CARD: Final = ("merchant mcc channel", "place")
PLACE: Final = ("country", "region town postCode street lat lon")
"""The members of each object, those that must be there first; docs/reference/own-people.schema.json says the same."""

_NEVER: Final = timedelta(days=36_500)
"""How far away the posting of a pending transaction is."""


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """One account and all that happened on it, oldest first; `number` is None where the bank may make one up."""

    plan: AccountPlan
    number: str | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class OwnPerson:
    """One customer of one bank, as somebody wrote them down."""

    bank: str
    username: str
    name: str
    accounts: tuple[OwnAccount, ...]

    @property
    def subject(self) -> str:
        """Return the bank's stable identifier of this customer: the same whenever they are loaded again."""
        return subject_of(self.bank, self.username)

    def account_id(self, key: str) -> str:
        """Return the bank's stable identifier of one account."""
        return account_id_of(self.bank, self.username, key)


def people_in(content: bytes, loaded_at: datetime) -> list[tuple[OwnPerson, dict[str, Any]]]:
    """Read a whole document: each person, and the object they were read from.

    Raises: PeopleRefused
    """
    if len(content) > LARGEST_BYTES:
        raise PeopleRefused(Fault.TOO_LARGE, "", f"the file is larger than {LARGEST_BYTES // 1024 // 1024} MiB")
    try:
        value = json.loads(content.decode(), object_pairs_hook=_without_repetition, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise PeopleRefused(Fault.NO_JSON, "", "the file is not JSON in UTF-8") from error
    members = At(value).members(*DOCUMENT)
    version = members["version"]
    if isinstance(version.value, bool) or version.value != VERSION:
        version.refuse(Fault.VERSION, f"must be {VERSION}, the only version there is")
    rows = members["people"].items(MOST_PEOPLE)
    people = [(read_person(row, loaded_at), row.value) for row in rows]
    distinct(rows, lambda row: (row.value["bank"], row.value["username"]), "this username of this bank")
    return people


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise PeopleRefused(Fault.DUPLICATE, "", "an object has two members of one name")
    return found


def _refuse_constant(_name: str) -> None:
    raise ValueError


def read_person(row: At, loaded_at: datetime) -> OwnPerson:
    """Read one person; spans of time count back from `loaded_at` (aware), and balances are those of this moment.

    Raises: PeopleRefused
    """
    members = row.members(*PERSON)
    bank = members["bank"]
    if bank.value not in BANKS:
        bank.refuse(Fault.BAD_CHOICE, f"must be one of {', '.join(BANKS)}")
    username = members["username"].word(
        r"[a-z0-9][a-z0-9._-]{0,63}", "1 to 64 of the characters a-z, 0-9, dot, hyphen, underscore"
    )
    name, rows = members["name"].text(), members["accounts"].items(MOST_ACCOUNTS)
    subject = subject_of(bank.value, username)
    accounts = tuple(_account(row, subject, loaded_at) for row in rows)
    distinct(rows, lambda row: row.value["id"], "this account id")
    return OwnPerson(bank.value, username, name, accounts)


def _account(row: At, subject: str, loaded_at: datetime) -> OwnAccount:
    members = row.members(*ACCOUNT)
    key = _id(members["id"])
    rows = members["transactions"].items(MOST_TRANSACTIONS) if "transactions" in members else []
    entries = tuple(_entry(row, key, subject, loaded_at) for row in rows)
    distinct(rows, lambda row: row.value["id"], "this transaction id")
    posted = sum((entry.amount for entry in entries if entry.posted_at <= loaded_at), Decimal(0))
    limit = members["limit"].money() if "limit" in members else Decimal(0)
    if limit < 0:
        members["limit"].refuse(Fault.BAD_MONEY, "must not be negative")
    plan = AccountPlan(
        key=key,
        kind=members["kind"].choice(AccountKind),
        currency=members["currency"].currency(),
        product=members["product"].text(),
        opening=members["balance"].money() - posted,
        nickname=_optional(members, "nickname"),
        limit=limit,
        joint="joint" in members and members["joint"].truth(),
        closed="closed" in members and members["closed"].truth(),
    )
    number = members["number"].word(r"[0-9]{8}", "eight digits") if "number" in members else None
    return OwnAccount(plan, number, tuple(sorted(entries, key=lambda entry: (entry.occurred_at, entry.entry_id))))


def _entry(row: At, account: str, subject: str, loaded_at: datetime) -> Entry:
    members = row.members(*TRANSACTION)
    card = _card(members["card"]) if "card" in members else None
    amount, occurred_at = members["amount"].money(), members["time"].instant(loaded_at)
    if not amount:
        members["amount"].refuse(Fault.BAD_MONEY, "must not be nothing")
    is_pending = "pending" in members and members["pending"].truth()
    return Entry(
        entry_id=stable_digits(subject, account, "own", _id(members["id"]), length=24),
        account=account,
        kind=members["kind"].choice(EntryKind) if "kind" in members else _usual_kind(card, amount),
        amount=amount,
        occurred_at=occurred_at,
        posted_at=occurred_at + _NEVER if is_pending else occurred_at,
        description=members["description"].text(),
        counterparty=_optional(members, "counterparty"),
        reference=_optional(members, "reference"),
        card=card,
    )


def _usual_kind(card: CardUse | None, amount: Decimal) -> EntryKind:
    if card is not None:
        return EntryKind.CASH_WITHDRAWAL if card.channel is Channel.ATM else EntryKind.CARD_PURCHASE
    return EntryKind.BILL_PAYMENT if amount < 0 else EntryKind.INCOMING_PAYMENT


def _card(row: At) -> CardUse:
    members = row.members(*CARD)
    channel = members["channel"].choice(Channel)
    place = _place(members["place"]) if "place" in members else None
    if place is not None and channel is Channel.ONLINE:
        members["place"].refuse(Fault.BAD_PLACE, "a card used online has no place")
    mcc = members["mcc"].word(r"[0-9]{4}", "a merchant category code of four digits")
    return CardUse(merchant=members["merchant"].text(), mcc=mcc, channel=channel, place=place)


def _place(row: At) -> Place:
    members = row.members(*PLACE)
    if ("lat" in members) != ("lon" in members):
        row.refuse(Fault.BAD_PLACE, "lat and lon belong together")
    return Place(
        country=members["country"].country(),
        region=_optional(members, "region"),
        town=_optional(members, "town"),
        post_code=_optional(members, "postCode"),
        street=_optional(members, "street"),
        lat=members["lat"].degrees(90) if "lat" in members else None,
        lon=members["lon"].degrees(180) if "lon" in members else None,
    )


def _id(member: At) -> str:
    return member.word(r"[A-Za-z0-9._-]{1,64}", "1 to 64 of the characters A-Z, a-z, 0-9, dot, hyphen, underscore")


def _optional(members: Any, name: str) -> str | None:
    return members[name].text() if name in members else None


def written_instant(text: Any) -> datetime:
    """Read the moment of loading from a bank's own file.

    Raises: ValueError
    """
    if not isinstance(text, str):
        raise ValueError  # noqa: TRY004 - one kind of error for every wrong value
    return datetime.fromisoformat(text).astimezone(UTC)
