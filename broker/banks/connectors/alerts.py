"""Fraud alerts, read strictly. No standard has them: one extension with the same address and shape in each."""

from typing import Any, Final
from urllib.parse import quote

from broker.banks.connector import AlertKind, BankAlert
from broker.banks.connectors import places, values
from broker.banks.connectors.fields import Fields, invalid
from broker.banks.connectors.records import own_account

_KINDS: Final = {kind.value: kind for kind in AlertKind}


def path_of(ref: str) -> str:
    """Return where an alert stands below its account's own address."""
    return f"fraud-alerts/{quote(ref, safe='')}"


def alert(answer: Any, account_ref: str, ref: str) -> BankAlert:
    """Read the alert that was asked for, and no other; an amount and its currency come together."""
    fields = Fields(answer, "alert")
    own_account(fields, "accountId", account_ref)
    if fields.get("alertId", values.identifier) != ref:
        raise invalid("alert.alertId")
    if fields.has("amount") != fields.has("currency"):
        raise invalid("alert.currency")
    return BankAlert(
        account_ref=account_ref,
        ref=ref,
        kind=fields.choice("kind", _KINDS),
        occurred_at=fields.get("occurredAt", values.instant),
        amount=fields.find("amount", values.text_amount),
        currency=fields.find("currency", places.currency),
        merchant_name=fields.find("merchantName", values.text),
        merchant_category_code=fields.find("merchantCategoryCode", places.category_code),
        country=fields.find("country", places.country),
    )
