"""What was served under which receipt: each resource once, and the list that the bank holds against the broker's log.

Trusted: whoever deletes rows here makes a receipt good for a second time while it is young.
"""

import base64
import json
from collections.abc import Iterator

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from broker.sandbox.bank import clock
from broker.sandbox.bank.models import ReceiptUse
from broker.sandbox.bank.receipts.accepted import Accepted
from broker.sandbox.bank.receipts.refusal import ReceiptRefused

_KEPT_S = 400 * 86_400
"""Longer than a log grows, so that a whole year can be held against it; a receipt itself is good for a minute."""


def spend(session: Session, receipt: Accepted, resource: str, interaction_id: str) -> None:
    """Use a receipt up for one resource, in the transaction that lets the data go.

    Raises: ReceiptRefused when it was used for this resource before. One statement decides, so one of many wins.
    """
    at = clock.epoch()
    row = {
        "leaf_hash": receipt.leaf_hash.hex(),
        "resource": resource,
        "log": receipt.log,
        "number": receipt.number,
        "interaction_id": interaction_id,
        "served_at": at,
    }
    statement = insert(ReceiptUse).values(row).on_conflict_do_nothing().returning(ReceiptUse.number)
    if session.execute(statement).first() is None:
        raise ReceiptRefused("receipt-used", "This was served under this receipt before.")
    session.execute(delete(ReceiptUse).where(ReceiptUse.served_at < at - _KEPT_S))


def as_json_lines(session: Session) -> Iterator[str]:
    """Write the list, in the order of the logs, one JSON object a line: what `broker audit verify --served` reads."""
    order = (ReceiptUse.log, ReceiptUse.number, ReceiptUse.resource)
    for row in session.scalars(select(ReceiptUse).order_by(*order).execution_options(yield_per=500)):
        told = {
            "log": row.log,
            "number": row.number,
            "leafHash": base64.urlsafe_b64encode(bytes.fromhex(row.leaf_hash)).rstrip(b"=").decode(),
            "interactionId": row.interaction_id,
            "at": clock.rfc3339(clock.from_epoch(row.served_at)),
            "resource": row.resource,
        }
        yield json.dumps(told) + "\n"
