"""FDX accounts and balances, read strictly."""

from decimal import Decimal
from typing import Any, Final

from broker.banks.connector import BankAccount, BankBalance, OpenStatus
from broker.banks.connectors import places, values
from broker.banks.connectors.fields import Fields
from broker.banks.connectors.records import own_account

_DEPOSIT: Final = "DEPOSIT_ACCOUNT"
_CREDIT: Final = "LOC_ACCOUNT"
# Accounts of other categories (investments, insurance, …) carry nothing that a broker's category covers.
_PRODUCT_CATEGORIES: Final = {_DEPOSIT: "TRANS_AND_SAVINGS_ACCOUNTS", _CREDIT: "CRED_AND_CHRG_CARDS"}


def customer_id(answer: Any) -> str:
    """Read who the bank says that the customer is."""
    return Fields(answer, "customer").get("customerId", values.identifier)


def error_code(answer: Any) -> str | None:
    """Read the code of an answer that says no; None when it names none."""
    return Fields(answer, "error").find("code", values.text)


def next_offset(page: Any) -> str | None:
    """Read where the next page begins; None on the last."""
    paging = Fields(page, "answer").find_child("page")
    return None if paging is None else paging.find("nextOffset", values.identifier)


def accounts(rows: list[Fields]) -> list[BankAccount]:
    """Read the accounts of the categories that the broker knows."""
    return [_account(row) for row in rows if row.get("accountCategory", values.text) in _PRODUCT_CATEGORIES]


def balance(answer: Any, account_ref: str) -> BankBalance:
    """Read the balance of the account that was asked for, and of no other."""
    fields = Fields(answer, "account")
    own_account(fields, "accountId", account_ref)
    is_credit = fields.choice("accountCategory", {_DEPOSIT: False, _CREDIT: True})
    current = fields.get("currentBalance", values.number_amount)
    return BankBalance(
        account_ref=account_ref,
        # FDX writes what is owed on a card as a positive number.
        current=_negated(current) if is_credit else current,
        available=fields.find("availableCredit" if is_credit else "availableBalance", values.number_amount),
        credit_limit=fields.get("creditLine", values.number_amount) if is_credit else None,
        amortised_limit=None,
        currency=_currency(fields),
        as_of=fields.get("balanceAsOf", values.instant),
    )


def currency(answer: Any, account_ref: str) -> str:
    """Read the currency of the account that was asked for, and nothing else of it."""
    fields = Fields(answer, "account")
    own_account(fields, "accountId", account_ref)
    return _currency(fields)


def _account(row: Fields) -> BankAccount:
    closed = row.get("status", values.text) == "CLOSED"
    return BankAccount(
        ref=row.get("accountId", values.identifier),
        display_name=row.get("productName", values.text),
        nickname=row.find("nickname", values.text),
        masked_number=row.get("accountNumberDisplay", values.masked_number),
        open_status=OpenStatus.CLOSED if closed else OpenStatus.OPEN,
        product_category=row.choice("accountCategory", _PRODUCT_CATEGORIES),
        currency=_currency(row),
        # Every other kind of ownership (joint, custodial, trust) concerns further people.
        is_joint=row.get("accountOwnership", values.text) != "INDIVIDUAL",
    )


def _currency(fields: Fields) -> str:
    return fields.child("currency").get("currencyCode", places.currency)


def _negated(amount: Decimal) -> Decimal:
    return Decimal(0) - amount
