"""How a preview writes one value of a record: money with its currency, days, places and kinds in words.

A code that has no words here stands as it came: nothing that would leave is hidden, and nothing is made up.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import lazy_gettext

from broker.banks.connector import AlertKind, Channel, OpenStatus, TransactionStatus, TransactionType
from broker.policy.answers import Answer
from broker.policy.catalogue import Category
from broker.policy.vocabulary import Precision
from broker.web.formats import currency_name, day, exact_money, moment, territory

_ONLY_DAYS = {"postingDateTime", "executionDateTime"}  # they leave without their time of day
_TIMES = {*_ONLY_DAYS, "occurredOn", "occurredAt", "asOf"}
_MONEY = {"currentBalance", "availableBalance", "creditLimit", "amortisedLimit", "amount"}

KINDS: Mapping[str, Mapping[str, Any]] = {
    "openStatus": {OpenStatus.OPEN: lazy_gettext("open"), OpenStatus.CLOSED: lazy_gettext("closed")},
    "productCategory": {
        "TRANS_AND_SAVINGS_ACCOUNTS": lazy_gettext("current or savings account"),
        "CRED_AND_CHRG_CARDS": lazy_gettext("credit or charge card"),
    },
    "type": {
        TransactionType.DIRECT_DEBIT: lazy_gettext("direct debit"),
        TransactionType.FEE: lazy_gettext("fee"),
        TransactionType.INTEREST_CHARGED: lazy_gettext("interest that you pay"),
        TransactionType.INTEREST_PAID: lazy_gettext("interest that you get"),
        TransactionType.PAYMENT: lazy_gettext("payment"),
        TransactionType.TRANSFER_INCOMING: lazy_gettext("transfer to you"),
        TransactionType.TRANSFER_OUTGOING: lazy_gettext("transfer from you"),
        TransactionType.OTHER: lazy_gettext("something else"),
    },
    "status": {
        TransactionStatus.PENDING: lazy_gettext("not booked yet"),
        TransactionStatus.POSTED: lazy_gettext("booked"),
    },
    "channel": {
        Channel.IN_STORE: lazy_gettext("in a shop"),
        Channel.ONLINE: lazy_gettext("online"),
        Channel.ATM: lazy_gettext("at a cash machine"),
    },
    "source": {"bank_extension": lazy_gettext("the bank notes it with each card use")},
    "answer": {
        Answer.YES: lazy_gettext("yes"),
        Answer.NO: lazy_gettext("no"),
        Answer.UNKNOWN: lazy_gettext("unknown"),
    },
    "kind": {
        AlertKind.CARD_PAYMENT: lazy_gettext("a card payment"),
        AlertKind.TRANSFER: lazy_gettext("a transfer"),
        AlertKind.SIGN_IN: lazy_gettext("a sign-in"),
        AlertKind.OTHER: lazy_gettext("something else"),
    },
}
"""The words of each field that is one of a closed list of codes."""

_WRITERS: Mapping[str, Callable[[str], str]] = {
    "country": territory,
    "currency": currency_name,
    "lat": "{}°".format,
    "lon": "{}°".format,
}


def written(name: str, value: Any, record: Mapping[str, Any], category: Category) -> str:
    """Write a value of a record of this category as people read it, in the language of the page."""
    if isinstance(value, Mapping):
        return _place(value)
    text = str(value)
    if name in _MONEY:
        return _money(text, str(record.get("currency", "")))
    if name in _TIMES:
        return _instant(name, text)
    if name == "precision":
        return category.precisions[Precision(text)]
    return str(KINDS[name].get(text, text)) if name in KINDS else _WRITERS.get(name, str)(text)


def _place(address: Mapping[str, Any]) -> str:
    """Write the parts of a place, the finest first: `12 Main Street, 97201, Portland, Oregon, United States`."""
    parts = {**address, "country": territory(str(address["country"]))} if "country" in address else address
    return ", ".join(str(part) for part in reversed(list(parts.values())))


def _money(text: str, currency: str) -> str:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return text
    return exact_money(amount, currency)


def _instant(name: str, text: str) -> str:
    """Write a day or an instant for people; any other text stays as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if at.tzinfo is None:
        return day(at.replace(tzinfo=UTC))
    return day(at) if name in _ONLY_DAYS else moment(at)
