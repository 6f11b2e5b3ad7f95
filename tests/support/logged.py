"""One entry of the log as it is read back, for tests without a broker around them."""

from datetime import UTC, datetime
from typing import Any

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event, Initiator


def logged(event: Event, **otherwise: Any) -> LoggedEntry:
    """Return an entry about Messenger's access at Harbor Bank, with what the test says otherwise."""
    facts: dict[str, Any] = {
        "log": "harbor/2026",
        "number": 1,
        "at": datetime(2026, 11, 22, tzinfo=UTC),
        "bank_id": "harbor",
        "initiator": Initiator.DATA_RECIPIENT,
        "decision": "allowed",
        "subject": None,
        "platform_id": "messenger",
        "grant_id": "g",
        "category": None,
        "purpose": None,
        "interaction_id": None,
        "policy_digest": None,
        "reasons": (),
        "records": None,
        "accounts": None,
        "attended": None,
        "details": {},
    }
    return LoggedEntry(event=event, **{**facts, **otherwise})
