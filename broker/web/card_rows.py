"""My sharing for programs: each card as a row of JSON values."""

from datetime import datetime
from typing import Any

from broker.clock import rfc3339
from broker.grants.deletion_views import Deletion
from broker.web.cards import Card


def as_json(card: Card) -> dict[str, Any]:
    """Return the card as JSON values: first the names that rows of the history have too, null where they do not fit."""
    grant, standing = card.grant, card.standing
    return {
        "grant_id": grant.id,
        "status": grant.status.value,
        "interaction_id": None,
        "event": None,
        "category": None,
        "platform": grant.platform_id,
        "platform_name": card.platform,
        "time": rfc3339(grant.authorised_at or grant.created_at),
        "decision": None,
        "reason": grant.status_code,
        "records": None,
        "bank": grant.bank_id,
        "purpose": grant.terms.purpose,
        "categories": [
            {
                "category": piece.id,
                "status": piece.state.value,
                "lastUse": rfc3339(piece.last_use_at) if piece.last_use_at else None,
                "useCount": piece.use_count,
                "detail": piece.detail,
                "precision": piece.precision,
            }
            for piece in card.categories
        ],
        "accounts": [
            {"account": piece.id, "label": piece.title, "status": piece.state.value} for piece in card.accounts
        ],
        "expires": rfc3339(grant.expires_at),
        "lastUse": rfc3339(grant.last_use_at) if grant.last_use_at else None,
        "useCount": grant.use_count,
        "deletion": None if card.deletion is None else _asked(card.deletion.deletion),
        "confirmedAt": None if standing is None or standing.waiting else _written(standing.acknowledged_at),
        "outOfSync": standing is not None and standing.is_out_of_sync,
    }


def _asked(deletion: Deletion) -> dict[str, Any]:
    return {
        "id": deletion.id,
        "status": deletion.status,
        "reason": deletion.kept_because,
        "requestedAt": rfc3339(deletion.requested_at),
        "respondBy": rfc3339(deletion.respond_by),
        "acknowledgedAt": _written(deletion.acknowledged_at),
        "completedAt": _written(deletion.completed_at),
        "overdue": deletion.is_overdue,
    }


def _written(instant: datetime | None) -> str | None:
    return None if instant is None else rfc3339(instant)
