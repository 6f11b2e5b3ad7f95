"""The bank's own record of the data requests it answered with data."""

import json
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broker.sandbox.bank import clock
from broker.sandbox.bank.context import bank
from broker.sandbox.bank.data.access import Visit
from broker.sandbox.bank.models import ServedRow
from broker.sandbox.bank.receipts.uses import spend

_KEPT = 10_000


def served(visit: Visit, body: str, account_ids: list[str]) -> Response:
    """Record that data is about to leave, then return the answer that carries it.

    Raises: ReceiptRefused when it was served before under the same receipt.
    """
    row = ServedRow(
        interaction_id=visit.interaction_id,
        served_at=clock.rfc3339(clock.now()),
        customer=visit.subject,
        category=visit.category,
        accounts_json=json.dumps(account_ids),
    )
    with bank().sessions.begin() as session:
        if visit.receipt is not None:
            spend(session, visit.receipt, _resource(), visit.interaction_id)
        session.add(row)
        session.flush()
        session.execute(delete(ServedRow).where(ServedRow.number <= row.number - _KEPT))
    return Response(body, content_type="application/json")


def _resource() -> str:
    """Return method, path and query, the query in one order: another order asks for nothing else."""
    query = urlencode(sorted(request.args.items(multi=True)))
    return f"{request.method} {request.path}{'?' if query else ''}{query}"


def served_requests(session: Session) -> list[dict[str, Any]]:
    """Return the record, oldest first."""
    return [_record(row) for row in session.scalars(select(ServedRow).order_by(ServedRow.number))]


def _record(row: ServedRow) -> dict[str, Any]:
    return {
        "interaction_id": row.interaction_id,
        "time": row.served_at,
        "customer": row.customer,
        "category": row.category,
        "accounts": json.loads(row.accounts_json),
    }
