"""OBIE transactions and, from SupplementaryData.CardAcceptor, card uses."""

from datetime import datetime
from typing import Final

from broker.banks.connector import BankTransaction, CardUse, TransactionStatus, TransactionType
from broker.banks.connectors import places, values
from broker.banks.connectors.fields import Fields
from broker.banks.connectors.obie.accounts import SIGNS, signed_amount
from broker.banks.connectors.records import own_account

_NAMES: Final = places.PlaceNames("Country", "Region", "TownName", "PostCode", "StreetName", "Latitude", "Longitude")
_STATUSES: Final = {"BOOK": TransactionStatus.POSTED, "PDNG": TransactionStatus.PENDING}
_CHARGES: Final = (TransactionType.FEE, TransactionType.FEE)
_INTEREST: Final = (TransactionType.INTEREST_CHARGED, TransactionType.INTEREST_PAID)
_TRANSFERS: Final = (TransactionType.TRANSFER_OUTGOING, TransactionType.TRANSFER_INCOMING)
_DIRECT_DEBITS: Final = (TransactionType.DIRECT_DEBIT, TransactionType.DIRECT_DEBIT)
_PAYMENTS: Final = (TransactionType.PAYMENT, TransactionType.PAYMENT)
_OTHER: Final = (TransactionType.OTHER, TransactionType.OTHER)
# ISO 20022 bank transaction codes: sub-families say more than families, so they are looked at first.
# Each pair is what the code means when money left, and when it came in.
_SUB_FAMILIES: Final = {
    "CHRG": _CHARGES,
    "COMM": _CHARGES,
    "FEES": _CHARGES,
    "INTR": _INTEREST,
    "CWDL": _OTHER,
    "CDPT": _OTHER,
    "POSD": _PAYMENTS,
    "POSC": _PAYMENTS,
}
_FAMILIES: Final = {
    "ICDT": _TRANSFERS,
    "RCDT": _TRANSFERS,
    "IRCT": _TRANSFERS,
    "RRCT": _TRANSFERS,
    "IDDT": _DIRECT_DEBITS,
    "RDDT": _DIRECT_DEBITS,
    "CCRD": _PAYMENTS,
    "MCRD": _PAYMENTS,
}


def transaction(row: Fields, account_ref: str) -> BankTransaction:
    """Read one transaction of this account; the other party's account is never read."""
    own_account(row, "AccountId", account_ref)
    amount = signed_amount(row)
    status = row.choice("Status", _STATUSES)
    merchant = row.find_child("MerchantDetails")
    booked_at = row.get("BookingDateTime", values.instant)
    return BankTransaction(
        account_ref=account_ref,
        ref=row.get("TransactionId", values.identifier),
        # Not by the amount: nothing has a sign when it is nothing.
        type=_type(row, is_debit=row.choice("CreditDebitIndicator", SIGNS) < 0),
        status=status,
        description=row.find("TransactionInformation", values.text) or "",
        posted_at=booked_at if status is TransactionStatus.POSTED else None,
        executed_at=_executed_at(row),
        amount=amount,
        currency=row.child("Amount").get("Currency", places.currency),
        reference=row.find("TransactionReference", values.text),
        merchant_name=merchant.find("MerchantName", values.text) if merchant else None,
        merchant_category_code=_category_code(merchant),
    )


def card_use(row: Fields, account_ref: str) -> CardUse | None:
    """Read where a card was used; None when the bank says nothing of a card."""
    own_account(row, "AccountId", account_ref)
    extra = row.find_child("SupplementaryData")
    acceptor = extra.find_child("CardAcceptor") if extra else None
    if acceptor is None:
        return None
    channel = acceptor.choice("Channel", places.CHANNELS)
    return CardUse(
        account_ref=account_ref,
        ref=row.get("TransactionId", values.identifier),
        occurred_at=_executed_at(row),
        channel=channel,
        merchant_category_code=_category_code(row.find_child("MerchantDetails")),
        place=places.place(channel, acceptor.find_child("Address"), acceptor.find_child("Geo"), _NAMES),
        source=places.SOURCE,
    )


def _executed_at(row: Fields) -> datetime:
    """Give when it happened: booking comes later, and the value date can come before."""
    booked_at = row.get("BookingDateTime", values.instant)
    return min(booked_at, row.find("ValueDateTime", values.instant) or booked_at)


def _type(row: Fields, *, is_debit: bool) -> TransactionType:
    code = row.find_child("BankTransactionCode")
    if code is None:
        return TransactionType.OTHER
    family, sub_family = code.get("Code", values.text), code.get("SubCode", values.text)
    meaning = _SUB_FAMILIES.get(sub_family) or _FAMILIES.get(family) or _OTHER
    return meaning[0 if is_debit else 1]


def _category_code(merchant: Fields | None) -> str | None:
    return merchant.find("MerchantCategoryCode", places.category_code) if merchant else None
