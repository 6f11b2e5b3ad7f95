"""The words of events: their types, what a change of a grant is called, where a delivery and a stream stand."""

from enum import StrEnum


class EventType(StrEnum):
    """What an event is about (the one member of `events` in its token, RFC 8417 §2.2)."""

    GRANT_CHANGED = "urn:consent-broker:event:grant-changed"
    FRAUD_ALERT = "urn:consent-broker:event:fraud-alert"
    DELETION_REQUESTED = "urn:consent-broker:event:deletion-requested"
    VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
    STREAM_UPDATED = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated"


SUPPORTED = (EventType.GRANT_CHANGED, EventType.FRAUD_ALERT, EventType.DELETION_REQUESTED)
"""What a receiver can ask for; the other two come with every stream (SSF 1.0 §8.1.4, §8.1.5)."""


class Change(StrEnum):
    """What has happened to a grant, as receivers read it."""

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


class DeliveryState(StrEnum):
    """Where one event stands on its way to one receiver."""

    WAITING = "waiting"
    TAKEN = "taken"
    DEAD = "dead"


class StreamStatus(StrEnum):
    """Whether events are sent (SSF 1.0 §8.1.2.1): paused ones wait, of a disabled stream none are kept."""

    ENABLED = "enabled"
    PAUSED = "paused"
    DISABLED = "disabled"


class DeliveryMethod(StrEnum):
    """How a receiver gets its events."""

    PUSH = "urn:ietf:rfc:8935"
    POLL = "urn:ietf:rfc:8936"
