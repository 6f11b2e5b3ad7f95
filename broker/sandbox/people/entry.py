"""One line on an account statement, with the card use behind it when there is one."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class EntryKind(StrEnum):
    """Why money moved."""

    CARD_PURCHASE = "card_purchase"
    CASH_WITHDRAWAL = "cash_withdrawal"
    SALARY = "salary"
    INCOMING_PAYMENT = "incoming_payment"
    DIRECT_DEBIT = "direct_debit"
    BILL_PAYMENT = "bill_payment"
    TRANSFER = "transfer"
    CARD_REPAYMENT = "card_repayment"
    FEE = "fee"
    INTEREST = "interest"


class Channel(StrEnum):
    """How a card was presented."""

    IN_STORE = "in_store"
    ONLINE = "online"
    ATM = "atm"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a terminal stands, as far as the bank was told.

    Latitude and longitude are decimal degrees as text, as they go over the wire; both or neither are there.
    """

    country: str
    region: str | None = None
    town: str | None = None
    post_code: str | None = None
    street: str | None = None
    lat: str | None = None
    lon: str | None = None


@dataclass(frozen=True, slots=True)
class CardUse:
    """What the card scheme told the bank about one use of a card."""

    merchant: str
    mcc: str
    channel: Channel
    place: Place | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement on one account.

    `amount` is in the account's currency and signed (negative leaves the account). Between `occurred_at` and
    `posted_at` the entry is pending.
    """

    entry_id: str
    account: str
    kind: EntryKind
    amount: Decimal
    occurred_at: datetime
    posted_at: datetime
    description: str
    counterparty: str | None = None
    reference: str | None = None
    card: CardUse | None = None
