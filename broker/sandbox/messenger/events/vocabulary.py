"""The events that Messenger knows, and one that has been checked, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class EventType(StrEnum):
    """The one member of `events` in a token (RFC 8417 §2.2)."""

    GRANT_CHANGED = "urn:consent-broker:event:grant-changed"
    FRAUD_ALERT = "urn:consent-broker:event:fraud-alert"
    DELETION_REQUESTED = "urn:consent-broker:event:deletion-requested"


class Change(StrEnum):
    """What may have happened to a grant."""

    APPROVED = "approved"
    AMENDED = "amended"
    PAUSED = "paused"
    RESUMED = "resumed"
    CATEGORY_PAUSED = "category_paused"
    CATEGORY_RESUMED = "category_resumed"
    CATEGORY_REVOKED = "category_revoked"
    ACCOUNT_PAUSED = "account_paused"
    ACCOUNT_RESUMED = "account_resumed"
    ACCOUNT_REMOVED = "account_removed"
    REVOKED = "revoked"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    RESTORED = "restored"


ENDS = frozenset({Change.REVOKED, Change.EXPIRED})
"""After these nothing of a grant is left."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event whose signature and addressee are right. `sequence` counts from 1 for each grant, 0 for none.

    `is_after_gap`: one before it has not come.
    """

    jti: str
    type: str
    grant_id: str
    sequence: int
    claims: Mapping[str, Any]
    is_after_gap: bool = False

    def text(self, name: str) -> str:
        """Take a text of the event, empty where it has none of this name."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""
