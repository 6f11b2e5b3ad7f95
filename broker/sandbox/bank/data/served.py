"""The bank's own record of the data requests it answered with data."""

import json
from typing import Any

from flask import Response
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broker.sandbox.bank import clock
from broker.sandbox.bank.context import bank
from broker.sandbox.bank.data.access import Visit
from broker.sandbox.bank.models import ServedRow

_KEPT = 10_000


def served(visit: Visit, body: str, account_ids: list[str]) -> Response:
    """Record that data is about to leave, then return the answer that carries it."""
    row = ServedRow(
        interaction_id=visit.interaction_id,
        served_at=clock.rfc3339(clock.now()),
        customer=visit.subject,
        category=visit.category,
        accounts_json=json.dumps(account_ids),
    )
    with bank().sessions.begin() as session:
        session.add(row)
        session.flush()
        session.execute(delete(ServedRow).where(ServedRow.number <= row.number - _KEPT))
    return Response(body, content_type="application/json")


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
