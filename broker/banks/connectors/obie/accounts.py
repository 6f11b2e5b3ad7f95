"""OBIE accounts and balances, read strictly."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from broker.banks.connector import BankAccount, BankBalance, OpenStatus
from broker.banks.connectors import places, values
from broker.banks.connectors.fields import Fields, invalid
from broker.banks.connectors.records import own_account

_CARD: Final = "CARD"
# ISO 20022 external cash account types that hold or owe money; others carry nothing that a category covers.
_PRODUCT_CATEGORIES: Final = {
    "CACC": "TRANS_AND_SAVINGS_ACCOUNTS",
    "SVGS": "TRANS_AND_SAVINGS_ACCOUNTS",
    _CARD: "CRED_AND_CHRG_CARDS",
}
_STATUSES: Final = {
    "Enabled": OpenStatus.OPEN,
    "Pending": OpenStatus.OPEN,
    "ProForma": OpenStatus.OPEN,
    "Disabled": OpenStatus.CLOSED,
    "Deleted": OpenStatus.CLOSED,
}
SIGNS: Final = {"Credit": 1, "Debit": -1}
_BOOKED, _AVAILABLE = "ITBD", "ITAV"
_CREDIT_LINE: Final = "Credit"


@dataclass(frozen=True, slots=True)
class _CreditLine:
    """What the bank agreed to lend, and whether it is counted in the balance that it stands beside."""

    is_included: bool
    limit: Decimal


def party_id(answer: Any) -> str:
    """Read who the bank says that the customer is."""
    return data(answer).child("Party").get("PartyId", values.identifier)


def data(answer: Any) -> Fields:
    """Open the envelope that stands around every OBIE answer."""
    return Fields(answer, "answer").child("Data")


def error_codes(answer: Any) -> list[str]:
    """Read the codes of an answer that says no."""
    return [row.get("ErrorCode", values.text) for row in Fields(answer, "error").find_children("Errors")]


def next_link(page: Any) -> str | None:
    """Read the next page's absolute URL; None on the last."""
    links = Fields(page, "answer").find_child("Links")
    return None if links is None else links.find("Next", _link)


def accounts(rows: list[Fields]) -> list[BankAccount]:
    """Read the accounts of the types that the broker knows."""
    return [_account(row) for row in rows if row.get("AccountTypeCode", values.text) in _PRODUCT_CATEGORIES]


def balance(answer: Any, account_ref: str) -> BankBalance:
    """Read booked and available balance of the account that was asked for, and of no other."""
    rows = data(answer).children("Balance")
    for row in rows:
        own_account(row, "AccountId", account_ref)
    booked, available = _of_type(rows, _BOOKED), _of_type(rows, _AVAILABLE)
    if booked is None:
        raise invalid("Balance.Type")
    currency = booked.child("Amount").get("Currency", places.currency)
    if available is not None and available.child("Amount").get("Currency", places.currency) != currency:
        raise invalid("Balance.Amount.Currency")
    line = _credit_line(booked, currency)
    line_of_available = None if available is None else _credit_line(available, currency)
    told = line or line_of_available
    return BankBalance(
        account_ref=account_ref,
        current=signed_amount(booked),
        available=None if available is None else _with_credit_line(available, line_of_available),
        credit_limit=None if told is None else told.limit,
        amortised_limit=None,
        currency=currency,
        as_of=booked.get("DateTime", values.instant),
    )


def signed_amount(row: Fields) -> Decimal:
    """Read an amount whose sign stands beside it: negative for Debit."""
    return row.choice("CreditDebitIndicator", SIGNS) * row.child("Amount").get("Amount", values.text_amount) + 0


def _account(row: Fields) -> BankAccount:
    numbers = row.children("Account")
    if not numbers:
        raise invalid("Account.Account")
    extra = row.find_child("SupplementaryData")
    ownership = extra.find("Ownership", values.text) if extra else None
    return BankAccount(
        ref=row.get("AccountId", values.identifier),
        display_name=row.get("Description", values.text),
        nickname=row.find("Nickname", values.text),
        masked_number=numbers[0].get("Identification", values.masked_number),
        open_status=row.choice("Status", _STATUSES),
        product_category=row.choice("AccountTypeCode", _PRODUCT_CATEGORIES),
        currency=row.get("Currency", places.currency),
        # Only a bank that says nothing, or says so, means one owner; every other word concerns further people.
        is_joint=ownership not in {None, "INDIVIDUAL"},
    )


def _of_type(rows: list[Fields], kind: str) -> Fields | None:
    found = [row for row in rows if row.get("Type", values.text) == kind]
    if len(found) > 1:
        raise invalid("Balance.Type")
    return found[0] if found else None


def _with_credit_line(available: Fields, line: _CreditLine | None) -> Decimal:
    """Give what can be spent: a credit line that the bank has not counted yet is added."""
    amount = signed_amount(available)
    return amount if line is None or line.is_included else amount + line.limit


def _credit_line(row: Fields, currency: str) -> _CreditLine | None:
    """Read the one line that is credit; of two nobody could say which counts, and another currency does not add up."""
    lines = [line for line in row.find_children("CreditLine") if line.find("Type", values.text) == _CREDIT_LINE]
    if not lines:
        return None
    amount = lines[0].child("Amount")
    if len(lines) > 1 or amount.get("Currency", places.currency) != currency:
        raise invalid("Balance.CreditLine")
    return _CreditLine(lines[0].get("Included", values.truth), amount.get("Amount", values.text_amount))


def _link(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - one kind of error for every wrong value
    return value
