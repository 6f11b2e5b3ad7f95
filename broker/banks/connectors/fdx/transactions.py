"""FDX transactions and, from the cardAcceptor extension, card uses."""

from typing import Final

from broker.banks.connector import BankTransaction, CardUse, TransactionStatus, TransactionType
from broker.banks.connectors import places, values
from broker.banks.connectors.fields import Fields
from broker.banks.connectors.records import own_account

_NAMES: Final = places.PlaceNames("country", "region", "townName", "postCode", "streetName", "lat", "lon")
_STATUSES: Final = {
    "POSTED": TransactionStatus.POSTED,
    "PENDING": TransactionStatus.PENDING,
    "AUTHORIZATION": TransactionStatus.PENDING,
    "MEMO": TransactionStatus.PENDING,
}
_IS_DEBIT: Final = {"DEBIT": True, "CREDIT": False}
_PURCHASES: Final = frozenset({"POSDEBIT", "PURCHASE"})
# What each FDX kind means when money left, and when it came in; other kinds are OTHER.
_TYPES: Final = {
    "FEE": (TransactionType.FEE, TransactionType.FEE),
    "INTEREST": (TransactionType.INTEREST_CHARGED, TransactionType.INTEREST_PAID),
    "TRANSFER": (TransactionType.TRANSFER_OUTGOING, TransactionType.TRANSFER_INCOMING),
    "DIRECTDEPOSIT": (TransactionType.TRANSFER_OUTGOING, TransactionType.TRANSFER_INCOMING),
    "DEPOSIT": (TransactionType.OTHER, TransactionType.TRANSFER_INCOMING),
    "DIRECTDEBIT": (TransactionType.DIRECT_DEBIT, TransactionType.DIRECT_DEBIT),
    "BILLPAYMENT": (TransactionType.PAYMENT, TransactionType.PAYMENT),
    "PAYMENT": (TransactionType.PAYMENT, TransactionType.PAYMENT),
    "POSDEBIT": (TransactionType.PAYMENT, TransactionType.PAYMENT),
    "POSCREDIT": (TransactionType.PAYMENT, TransactionType.PAYMENT),
    "PURCHASE": (TransactionType.PAYMENT, TransactionType.PAYMENT),
    "REFUND": (TransactionType.PAYMENT, TransactionType.PAYMENT),
}
_OTHER: Final = (TransactionType.OTHER, TransactionType.OTHER)


def transaction(row: Fields, account_ref: str, currency: str) -> BankTransaction:
    """Read one transaction of this account; FDX states the currency on the account alone."""
    own_account(row, "accountId", account_ref)
    kind = row.get("transactionType", values.text)
    is_debit = row.choice("debitCreditMemo", _IS_DEBIT)
    size = abs(row.get("amount", values.number_amount))
    status = row.choice("status", _STATUSES)
    acceptor = row.find_child("cardAcceptor")
    executed_at = row.get("transactionTimestamp", values.instant)
    return BankTransaction(
        account_ref=account_ref,
        ref=row.get("transactionId", values.identifier),
        type=_TYPES.get(kind, _OTHER)[0 if is_debit else 1],
        status=status,
        description=row.get("description", values.text),
        posted_at=row.get("postedTimestamp", values.instant) if status is TransactionStatus.POSTED else None,
        executed_at=executed_at,
        amount=0 - size if is_debit else size,
        currency=currency,
        reference=row.find("reference", values.text),
        merchant_name=_merchant_name(row, acceptor, kind),
        merchant_category_code=acceptor.find("merchantCategoryCode", places.category_code) if acceptor else None,
    )


def card_use(row: Fields, account_ref: str) -> CardUse | None:
    """Read where a card was used; None when the transaction is not one of a card."""
    own_account(row, "accountId", account_ref)
    acceptor = row.find_child("cardAcceptor")
    if acceptor is None:
        return None
    channel = acceptor.choice("channel", places.CHANNELS)
    address, geo = acceptor.find_child("cardAcceptorAddress"), acceptor.find_child("geo")
    return CardUse(
        account_ref=account_ref,
        ref=row.get("transactionId", values.identifier),
        occurred_at=row.get("transactionTimestamp", values.instant),
        channel=channel,
        merchant_category_code=acceptor.find("merchantCategoryCode", places.category_code),
        place=places.place(channel, address, geo, _NAMES),
        source=places.SOURCE,
    )


def _merchant_name(row: Fields, acceptor: Fields | None, kind: str) -> str | None:
    """Name the merchant; the payee of a transfer is a person, and nobody's business."""
    if acceptor is not None:
        return acceptor.find("merchantName", values.text)
    return row.find("payee", values.text) if kind in _PURCHASES else None
