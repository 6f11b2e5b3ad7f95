"""My sharing for programs: each card as a row of JSON values."""

from typing import Any

from broker.clock import rfc3339
from broker.web.cards import Card


def as_json(card: Card) -> dict[str, Any]:
    """Return the card as JSON values: first the names that rows of the history have too, null where they do not fit."""
    grant = card.grant
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
    }
