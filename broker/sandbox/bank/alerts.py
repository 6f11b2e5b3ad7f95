"""The fraud alerts that this bank raises, and what its data API says of one."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from broker.sandbox.bank import clock
from broker.sandbox.bank.models import AccountRow, AlertRow

_USUAL = {"kind": "card_payment", "amount": "84.20", "merchantName": "Corner Electronics", "country": "TR"}
_CODE_OF_SHOPS = "5732"
MAY_BE_SAID = frozenset({*_USUAL, "currency", "merchantCategoryCode"})
"""What whoever raises an alert may say otherwise than usual; an empty text leaves it out."""


def raised(session: Session, account: AccountRow, subject: str, said: Mapping[str, str]) -> AlertRow:
    """Raise an alert about an account, as it happens now."""
    at, alert_id = clock.now(), f"fa-{secrets.token_hex(8)}"
    usual = {**_USUAL, "merchantCategoryCode": _CODE_OF_SHOPS, "currency": account.currency}
    told = {name: text for name, text in {**usual, **said}.items() if text}
    told |= {"alertId": alert_id, "accountId": account.account_id, "occurredAt": clock.rfc3339(at)}
    row = AlertRow(
        alert_id=alert_id,
        subject=subject,
        account_id=account.account_id,
        raised_at=int(at.timestamp()),
        told_json=json.dumps(told),
    )
    session.add(row)
    return row


def find_alert(session: Session, account: AccountRow | None, alert_id: str) -> dict[str, Any] | None:
    """Return what is told of an alert of this very account, None when there is none."""
    row = session.get(AlertRow, alert_id)
    if row is None or account is None or row.account_id != account.account_id:
        return None
    told: dict[str, Any] = json.loads(row.told_json)
    return told
