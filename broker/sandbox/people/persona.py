"""What describes one customer: accounts, regular payments, spending habits and trips, all as data."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from broker.sandbox.people.entry import EntryKind


class AccountKind(StrEnum):
    """What an account is, in words that both banks translate into their standard."""

    CURRENT = "current"
    SAVINGS = "savings"
    CREDIT_CARD = "credit_card"


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """One account.

    `opening` is its balance on the first day (a credit card opens with last month's spending instead). `limit` is the
    credit line of a card, the arranged overdraft of a current account. Nothing happens on a closed account.
    """

    key: str
    kind: AccountKind
    currency: str
    product: str
    opening: Decimal
    nickname: str | None = None
    limit: Decimal = Decimal(0)
    joint: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """A joint account that another customer of the same bank opened: `username` is theirs, `key` their plan's."""

    username: str
    key: str


@dataclass(frozen=True, slots=True)
class Monthly:
    """Falls on one day of each month (1 to 28)."""

    day: int


@dataclass(frozen=True, slots=True)
class Weekly:
    """Falls on one weekday (Monday is 0) of every n-th week."""

    weekday: int
    every: int = 1


@dataclass(frozen=True, slots=True)
class Regular:
    """A payment that comes round; between `low` and `high`, positive when money arrives."""

    account: str
    on: Monthly | Weekly
    kind: EntryKind
    name: str
    low: Decimal
    high: Decimal
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A standing transfer between two accounts of the same person and currency."""

    source: str
    target: str
    on: Monthly | Weekly
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CardBill:
    """Last month's spending on a credit card, paid in full from another account on one day of the month."""

    card: str
    source: str
    day: int


@dataclass(frozen=True, slots=True)
class Habit:
    """A kind of purchase made with some chance a day, between two local hours.

    `weekdays` holds the weekdays it happens on (Monday is 0); `where` is any, home or away.
    """

    kind: str
    account: str
    chance: float
    hours: tuple[float, float]
    weekdays: str = "0123456"
    where: str = "any"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A card payment made online on one day of each month, at a merchant of one kind."""

    kind: str
    account: str
    day: int


@dataclass(frozen=True, slots=True)
class Trip:
    """Days spent in another town: weekdays `first` to `last` of every n-th week, counted from an offset."""

    town: str
    every: int
    offset: int
    first: int = 1
    last: int = 5


@dataclass(frozen=True, slots=True)
class Takings:
    """Card sales at somebody's own till: `least` to `most` of them a day, each between `low` and `high`."""

    account: str
    least: int
    most: int
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Persona:
    """One customer of one bank; `about` says in one line who this is.

    `euro_account` is the account used for card payments in the euro area, if any.
    """

    bank: str
    username: str
    first_name: str
    last_name: str
    about: str
    home: str
    accounts: tuple[AccountPlan, ...]
    shared: tuple[Shared, ...] = ()
    regulars: tuple[Regular, ...] = ()
    habits: tuple[Habit, ...] = ()
    takings: tuple[Takings, ...] = ()
    moves: tuple[Move, ...] = ()
    bills: tuple[CardBill, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    trips: tuple[Trip, ...] = ()
    euro_account: str | None = None
    foreign_fee: Decimal = Decimal(0)

    @property
    def name(self) -> str:
        """Return the name as the bank prints it."""
        return f"{self.first_name} {self.last_name}"

    @property
    def subject(self) -> str:
        """Return the bank's stable identifier of this customer, which tells nothing about them."""
        return subject_of(self.bank, self.username)

    def account_id(self, key: str) -> str:
        """Return the bank's stable identifier of one account."""
        return account_id_of(self.bank, self.username, key)


def subject_of(bank: str, username: str) -> str:
    """Return a bank's stable identifier of one customer."""
    return f"{bank[:1]}b-{stable_digits(bank, username, 'subject')}"


def account_id_of(bank: str, username: str, key: str) -> str:
    """Return a bank's stable identifier of one account."""
    return f"{bank[:1]}a-{stable_digits(bank, username, key)}"


def stable_digits(*parts: str, length: int = 16) -> str:
    """Return `length` hexadecimal digits that depend on the parts alone."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:length]
