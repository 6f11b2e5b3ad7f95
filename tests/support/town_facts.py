"""What the people of the town own, as a bank tells it and as a platform may see it: written down twice on purpose.

Every value carries the name of its owner, so that a value at the wrong place is recognised.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from broker.banks.connector import (
    BankAccess,
    BankAccount,
    BankBalance,
    BankTransaction,
    CardUse,
    Channel,
    OpenStatus,
    Place,
    TransactionStatus,
    TransactionType,
    Window,
)
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import Detail, Precision
from tests.support.core import NOON, FakeBank

PEOPLE = ("alice", "bob", "carol")
BANKS = ("harbor", "meridian")
NUMBERS = (0, 1)
YESTERDAY = NOON - timedelta(days=1)
LONG_AGO = NOON - timedelta(days=200)
_POSTCODES = {Precision.POSTCODE_AREA: "LS1", Precision.EXACT: "LS1 4AP"}


@dataclass(frozen=True, slots=True)
class Owned:
    """One account of one person at one bank."""

    person: str
    bank: str
    number: int

    @property
    def ref(self) -> str:
        """The bank's id; the same at both banks, so that only the bank tells them apart."""
        return f"{self.person}-{self.number}"

    @property
    def tag(self) -> str:
        return f"{self.person}.{self.bank}.{self.number}"

    @property
    def town(self) -> str:
        """A town in whose name no digit stands."""
        return f"Town {self.person}.{self.bank}.{('east', 'west')[self.number]}"

    @property
    def money(self) -> Decimal:
        return Decimal(f"{PEOPLE.index(self.person) + 1}{BANKS.index(self.bank) + 1}{self.number}.25")


OWNED = tuple(Owned(person, bank, number) for person in PEOPLE for bank in BANKS for number in NUMBERS)


@dataclass
class TownBank(FakeBank):
    """A bank that, while it lies, answers every question with the data of all its customers."""

    id: str = ""
    is_lying: bool = False
    subjects: dict[str, str] = field(default_factory=dict)

    def accounts(self, access: BankAccess) -> list[BankAccount]:
        self._asked("accounts", access, ())
        return [_account(one) for one in self._told(access)]

    def balances(self, access: BankAccess, account_refs: list[str]) -> list[BankBalance]:
        self._asked("balances", access, account_refs)
        return [
            BankBalance(one.ref, one.money, one.money + 1, Decimal(900) if one.number else None, None, "GBP", YESTERDAY)
            for one in self._told(access)
        ]

    def transactions(self, access: BankAccess, account_refs: list[str], window: Window) -> list[BankTransaction]:
        self._asked("transactions", access, account_refs, window)
        return [found for one in self._told(access) for found in _transactions(one)]

    def card_uses(self, access: BankAccess, account_refs: list[str], window: Window) -> list[CardUse]:
        self._asked("card_locations", access, account_refs, window)
        return [
            CardUse(one.ref, f"c-{one.tag}", at, Channel.IN_STORE, "5411", _place(one), "bank")
            for one in self._told(access)
            for at in (YESTERDAY, LONG_AGO)
        ]

    def _told(self, access: BankAccess) -> list[Owned]:
        here = [one for one in OWNED if one.bank == self.id]
        return here if self.is_lying else [one for one in here if self.subjects[access.subject] == one.person]


def _account(one: Owned) -> BankAccount:
    nickname = f"Nick {one.tag}" if one.number else None
    return BankAccount(
        one.ref, f"Name {one.tag}", nickname, "••1111", OpenStatus.OPEN, "TRANS_AND_SAVINGS_ACCOUNTS", "GBP", False
    )


def _transactions(one: Owned) -> list[BankTransaction]:
    shop = BankTransaction(
        account_ref=one.ref,
        ref=f"t-{one.tag}",
        type=TransactionType.PAYMENT,
        status=TransactionStatus.POSTED,
        description=f"SHOP {one.tag}",
        posted_at=None,
        executed_at=YESTERDAY,
        amount=-one.money,
        currency="GBP",
        reference=f"ref {one.tag}",
        merchant_name=f"Shop {one.tag}",
        merchant_category_code="0742",
    )
    friend = BankTransaction(
        account_ref=one.ref,
        ref=f"f-{one.tag}",
        type=TransactionType.TRANSFER_OUTGOING,
        status=TransactionStatus.PENDING,
        description=f"Mallory {one.person}",
        posted_at=None,
        executed_at=YESTERDAY,
        amount=-one.money - 1,
        currency="GBP",
        reference=None,
        merchant_name=None,
        merchant_category_code=None,
    )
    return [shop, friend, BankTransaction(**{**_members(shop), "ref": f"old-{one.tag}", "executed_at": LONG_AGO})]


def _members(one: BankTransaction) -> dict[str, Any]:
    return {name: getattr(one, name) for name in BankTransaction.__slots__}


def _place(one: Owned) -> Place:
    return Place("GB", None, one.town, "LS1 4AP", f"Street {one.tag}", Decimal("53.5"), Decimal("-1.5"))


def _seen_account(one: Owned, _term: CategoryTerm) -> list[dict[str, Any]]:
    seen = {
        "displayName": f"Name {one.tag}",
        "maskedNumber": "••1111",
        "openStatus": "OPEN",
        "productCategory": "TRANS_AND_SAVINGS_ACCOUNTS",
        "currency": "GBP",
    }
    return [{**seen, "nickname": f"Nick {one.tag}"} if one.number else seen]


def _seen_balance(one: Owned, _term: CategoryTerm) -> list[dict[str, Any]]:
    seen = {"currentBalance": str(one.money), "availableBalance": str(one.money + 1), "currency": "GBP"}
    seen["asOf"] = "2026-11-21T12:00:00Z"
    return [{**seen, "creditLimit": "900"} if one.number else seen]


def _seen_transactions(one: Owned, term: CategoryTerm) -> list[dict[str, Any]]:
    day = {"executionDateTime": "2026-11-21T00:00:00Z", "currency": "GBP"}
    shop = {"type": "PAYMENT", "status": "POSTED", "amount": str(-one.money), "merchantCategoryCode": "0742", **day}
    friend = {"type": "TRANSFER_OUTGOING", "status": "PENDING", "amount": str(-one.money - 1), **day}
    if term.detail is Detail.DETAIL:
        shop |= {"description": f"SHOP {one.tag}", "merchantName": f"Shop {one.tag}"}
        friend |= {"description": f"M••• {one.person[0]}•••"}
    return [shop, friend]


def _seen_locations(one: Owned, term: CategoryTerm) -> list[dict[str, Any]]:
    address = {"country": "GB"}
    seen: dict[str, Any] = {"channel": "in_store", "merchantCategoryCode": "5411", "source": "bank"}
    seen |= {"precision": term.precision, "occurredOn": "2026-11-21", "address": address}
    if term.precision is not Precision.COUNTRY:
        address["townName"] = one.town
    if term.precision in _POSTCODES:
        address["postCode"] = _POSTCODES[term.precision]
    if term.precision is Precision.EXACT:
        address["streetName"] = f"Street {one.tag}"
        seen |= {"lat": 53.5, "lon": -1.5, "occurredOn": "2026-11-21T12:00:00Z"}
    return [seen]


SEEN: dict[str, Callable[[Owned, CategoryTerm], list[dict[str, Any]]]] = {
    "accounts": _seen_account,
    "balances": _seen_balance,
    "transactions": _seen_transactions,
    "card_locations": _seen_locations,
}
"""What a platform sees of one account under a term, by category, without the ids."""
