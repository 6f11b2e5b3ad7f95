"""The events of the log and the shape of one entry, before it is written."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from broker.storage.single_use import Loss
from broker.tlog.disclosure import Disclosure


class Event(StrEnum):
    """Everything that is logged. The list is closed; docs/reference/events.md explains each."""

    GRANT_PROPOSED = "grant.proposed"
    GRANT_APPROVED = "grant.approved"
    GRANT_REFUSED = "grant.refused"
    GRANT_REJECTED = "grant.rejected"
    GRANT_AMENDED = "grant.amended"
    GRANT_PAUSED = "grant.paused"
    GRANT_RESUMED = "grant.resumed"
    GRANT_CATEGORY_REVOKED = "grant.category_revoked"
    GRANT_ACCOUNT_REMOVED = "grant.account_removed"
    GRANT_REVOKED = "grant.revoked"
    GRANT_EXPIRED = "grant.expired"
    DELETION_REQUESTED = "deletion.requested"
    DELETION_ACKNOWLEDGED = "deletion.acknowledged"
    DELETION_COMPLETED = "deletion.completed"
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"
    ACCOUNTS_LISTED = "accounts.listed"
    ACCESS_PREVIEWED = "access.previewed"
    ACCESS_REQUESTED = "access.requested"
    ACCESS_RELEASED = "access.released"
    ACCESS_REFUSED = "access.refused"
    ACCESS_FAILED = "access.failed"
    ALERT_ANNOUNCED = "alert.announced"
    ALERT_REFUSED = "alert.refused"
    SWITCH_OFF = "switch.off"
    SWITCH_ON = "switch.on"
    DETAILS_ERASED = "details.erased"
    PLATFORM_REGISTERED = "platform.registered"
    PLATFORM_REMOVED = "platform.removed"
    PLATFORM_HELD = "platform.held"
    PLATFORM_UNHELD = "platform.unheld"
    BANK_REGISTERED = "bank.registered"
    POLICY_CHANGED = "policy.changed"
    KEYS_ROTATED = "keys.rotated"
    LOG_OPENED = "log.opened"
    LOG_CLOSED = "log.closed"
    LOG_RECOVERED = "log.recovered"


class Initiator(StrEnum):
    """Who caused an event (FDX party types)."""

    INDIVIDUAL = "INDIVIDUAL"
    DATA_PROVIDER = "DATA_PROVIDER"
    DATA_RECIPIENT = "DATA_RECIPIENT"
    DATA_ACCESS_PLATFORM = "DATA_ACCESS_PLATFORM"


RESPONSE_DIGEST = "responseDigest"
"""The name, among the details, of the SHA-256 of the bytes that left; its disclosure is salted like every detail's."""

OPERATOR_LOG = "operator"
"""The name, in place of a bank's, of the log for what belongs to no bank."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, as its author hands it to the log.

    `bank_id` decides which log it goes to (None: the operator's). `user_id` never stands in the entry itself, only a
    pseudonym of it. `details` are personal (accounts, fields, endpoint, digests): the entry holds a salted digest of
    each, they themselves rest sealed in a side table. `records` and `accounts` are counts, never values. `access_id`
    joins the entries of one access, `part` says that an act is about an `account`, or an `amendment` that is not made
    yet, and not the whole grant; `stated` is what else stands openly in the entry.
    """

    event: Event
    initiator: Initiator
    bank_id: str | None = None
    user_id: str | None = None
    platform_id: str | None = None
    grant_id: str | None = None
    grant_version: int | None = None
    category: str | None = None
    purpose: str | None = None
    interaction_id: str | None = None
    policy_digest: str | None = None
    reasons: tuple[str, ...] = ()
    records: int | None = None
    accounts: int | None = None
    access_id: str | None = None
    part: str | None = None
    stated: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def decision(self) -> str:
        """Say in one word how it ended: `refused`, `failed` or `allowed`."""
        if self.event in {Event.ACCESS_REFUSED, Event.ALERT_REFUSED, Event.GRANT_REJECTED, Event.GRANT_REFUSED}:
            return "refused"
        return "failed" if self.event is Event.ACCESS_FAILED else "allowed"


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an entry stands: the log's name and the entry's number in it (from 0, without gaps).

    `receipt` proves it to anybody (a C2SP tlog-proof with the entry's bytes); `disclosures` open the digests in it, for
    those who may know. `lost` is what a claim that did not hold is told as; the entry then says `access.refused`.
    """

    log: str
    number: int
    receipt: bytes
    disclosures: tuple[Disclosure, ...] = ()
    lost: Loss | None = None

    def disclosed(self, names: Collection[str]) -> tuple[Disclosure, ...]:
        """Return the disclosures of the details so named, and no other."""
        return tuple(disclosure for disclosure in self.disclosures if disclosure.name in names)
