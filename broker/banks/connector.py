"""The Protocol that every bank connector implements, and the shapes in which bank data passes through memory."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class OpenStatus(StrEnum):
    """Whether the bank still keeps the account open."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class TransactionType(StrEnum):
    """Kinds of transaction, as the Consumer Data Standards name them."""

    DIRECT_DEBIT = "DIRECT_DEBIT"
    FEE = "FEE"
    INTEREST_CHARGED = "INTEREST_CHARGED"
    INTEREST_PAID = "INTEREST_PAID"
    PAYMENT = "PAYMENT"
    TRANSFER_INCOMING = "TRANSFER_INCOMING"
    TRANSFER_OUTGOING = "TRANSFER_OUTGOING"
    OTHER = "OTHER"


class TransactionStatus(StrEnum):
    """Whether a transaction is booked."""

    PENDING = "PENDING"
    POSTED = "POSTED"


class AlertKind(StrEnum):
    """What a bank's fraud alert is about."""

    CARD_PAYMENT = "card_payment"
    TRANSFER = "transfer"
    SIGN_IN = "sign_in"
    OTHER = "other"


class Channel(StrEnum):
    """Where a card was presented."""

    IN_STORE = "in_store"
    ONLINE = "online"
    ATM = "atm"


@dataclass(frozen=True, slots=True)
class Credential:
    """Tokens that the bank gave the broker for one customer; sealed whenever it rests.

    `expires_at` is the end of the access token's life; `refresh_token` is None when the bank gave none.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime

    def dump(self) -> str:
        """Return the credential as one text, to be sealed."""
        return json.dumps([self.access_token, self.refresh_token, self.expires_at.isoformat()])

    @classmethod
    def load(cls, text: str) -> "Credential":
        """Read what `dump` wrote."""
        access_token, refresh_token, expires_at = json.loads(text)
        return cls(access_token, refresh_token, datetime.fromisoformat(expires_at))


@dataclass(frozen=True, slots=True)
class Announced:
    """What shows a bank that its request stands in the log already, as the headers carry it (base64url).

    `receipt` is the receipt of the entry that announces the access; `disclosures` what that entry commits to, by which
    the bank knows that the entry is about this customer, these accounts and this window.
    """

    receipt: str = field(repr=False)
    disclosures: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BankAccess:
    """What one announced request to a bank may use: the customer, the credential and the request's name.

    `subject` is the customer's `sub` at the bank; `category` is announced to the bank; `renew` is called with the
    function that exchanges a credential at the bank; it returns the one to use from now on, stored already.

    `closed` is for the connector to fill: the ids of the accounts that the bank says it has no longer.
    """

    subject: str
    credential: Credential
    interaction_id: str
    category: str
    renew: Callable[[Callable[[Credential], Credential]], Credential]
    announced: Announced | None
    closed: set[str] = field(default_factory=set, compare=False)


@dataclass(frozen=True, slots=True)
class Window:
    """A closed range of instants (UTC, aware) from which transactions are asked for."""

    oldest_at: datetime
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class BankAccount:
    """One account as the bank names it. `ref` is the bank's account id; `masked_number` is `••1234`."""

    ref: str
    display_name: str
    nickname: str | None
    masked_number: str
    open_status: OpenStatus
    product_category: str
    currency: str
    is_joint: bool


@dataclass(frozen=True, slots=True)
class BankBalance:
    """Money in one account; owed amounts are negative. `credit_limit` only for credit accounts.

    `available` is None where the bank does not say what can be spent: it is never guessed from the booked balance.
    """

    account_ref: str
    current: Decimal
    available: Decimal | None
    credit_limit: Decimal | None
    amortised_limit: Decimal | None
    currency: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class BankTransaction:
    """One booked or pending transaction. `amount` is negative when money left; `executed_at` is when it happened."""

    account_ref: str
    ref: str
    type: TransactionType
    status: TransactionStatus
    description: str
    posted_at: datetime | None
    executed_at: datetime
    amount: Decimal
    currency: str
    reference: str | None
    merchant_name: str | None
    merchant_category_code: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card was presented: country ISO 3166-1 alpha-2, then ever finer; lat/lon in degrees."""

    country: str
    region: str | None
    town: str | None
    post_code: str | None
    street: str | None
    lat: Decimal | None
    lon: Decimal | None


@dataclass(frozen=True, slots=True)
class CardUse:
    """One use of a card. `place` is None online and where the bank names none; `source` says where it comes from."""

    account_ref: str
    ref: str
    occurred_at: datetime
    channel: Channel
    merchant_category_code: str | None
    place: Place | None
    source: str


@dataclass(frozen=True, slots=True)
class BankAlert:
    """One fraud alert of a bank. What it is not about is None; `country` is ISO 3166-1 alpha-2."""

    account_ref: str
    ref: str
    kind: AlertKind
    occurred_at: datetime
    amount: Decimal | None
    currency: str | None
    merchant_name: str | None
    merchant_category_code: str | None
    country: str | None


class Connector(Protocol):
    """What the broker can ask of a bank, whatever standard the bank speaks.

    Every method may raise `BankUnavailable`, `BankTimeout`, `BankInvalidAnswer` or `BankSignInNeeded`.
    An account that the bank has no longer is left out of an answer, and named in `BankAccess.closed`.
    """

    standard: str

    def accounts(self, access: BankAccess) -> list[BankAccount]:
        """List the customer's accounts; refuses an answer that is another customer's."""

    def balances(self, access: BankAccess, account_refs: list[str]) -> list[BankBalance]:
        """Fetch the balances of these accounts, in their order."""

    def transactions(self, access: BankAccess, account_refs: list[str], window: Window) -> list[BankTransaction]:
        """Fetch transactions executed within the window, newest first."""

    def card_uses(self, access: BankAccess, account_refs: list[str], window: Window) -> list[CardUse]:
        """Fetch card uses within the window, newest first."""

    def fraud_alert(self, access: BankAccess, account_ref: str, ref: str) -> BankAlert | None:
        """Fetch one fraud alert by the bank's id of it, None when the bank has taken it back."""

    def end(self, credential: Credential) -> None:
        """Revoke the broker's tokens at the bank (RFC 7009)."""

    def health(self) -> datetime | None:
        """Return what the bank's clock says when its metadata can be read (None: it says nothing); raise otherwise."""
