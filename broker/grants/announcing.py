"""The one place where what happens to a grant is written into the log, and announced to those whom it concerns.

Both stand in the transaction of the change: no change without its entry, and none that its platform is not told of.
"""

from typing import Any

from broker.audit.sequencer import LoggedTransaction
from broker.audit.vocabulary import Appended, Entry, Event
from broker.events.announcing import announce, receivers_at
from broker.events.vocabulary import Change, EventType
from broker.notices.outbox import note_entry

_OF_THE_WHOLE = {
    Event.GRANT_APPROVED: Change.APPROVED,
    Event.GRANT_AMENDED: Change.AMENDED,
    Event.GRANT_PAUSED: Change.PAUSED,
    Event.GRANT_RESUMED: Change.RESUMED,
    Event.GRANT_REVOKED: Change.REVOKED,
    Event.GRANT_EXPIRED: Change.EXPIRED,
}
_OF_A_CATEGORY = {
    Event.GRANT_PAUSED: Change.CATEGORY_PAUSED,
    Event.GRANT_RESUMED: Change.CATEGORY_RESUMED,
    Event.GRANT_CATEGORY_REVOKED: Change.CATEGORY_REVOKED,
}
_OF_AN_ACCOUNT = {
    Event.GRANT_PAUSED: Change.ACCOUNT_PAUSED,
    Event.GRANT_RESUMED: Change.ACCOUNT_RESUMED,
    Event.GRANT_ACCOUNT_REMOVED: Change.ACCOUNT_REMOVED,
}
_UNAPPROVED = "unapproved"


def append_and_announce(transaction: LoggedTransaction, entry: Entry) -> Appended:
    """Write what has happened to a grant into its bank's log; put events, and the person's notice, on their way.

    Every act on a grant ends here (a test sees to it). Proposals and refusals are logged and not announced: nothing
    has changed yet.
    """
    written = transaction.append(entry)
    note_entry(transaction.session, entry, transaction.written_at(entry.bank_id))
    change = _change(entry)
    if change is not None and entry.grant_id and entry.platform_id and entry.bank_id:
        _tell(transaction, entry, entry.platform_id, _claims(entry, change, for_platform=True))
        for receiver in receivers_at(transaction.session, entry.bank_id):
            _tell(transaction, entry, receiver, _claims(entry, change, for_platform=False))
    return written


def _change(entry: Entry) -> Change | None:
    if entry.event is Event.GRANT_EXPIRED and _UNAPPROVED in entry.reasons:
        return None  # nobody but the person has ever known of it
    if entry.category is not None:
        return _OF_A_CATEGORY.get(entry.event)
    return (_OF_AN_ACCOUNT if entry.part == "account" else _OF_THE_WHOLE).get(entry.event)


def _claims(entry: Entry, change: Change, *, for_platform: bool) -> dict[str, Any]:
    told = {
        "change": change.value,
        "grant_version": entry.grant_version,
        "initiator": entry.initiator.value,
        "reason": entry.reasons[0] if entry.reasons else "user-action",
    }
    if entry.category is not None:
        told["category"] = entry.category
    if entry.part == "account" and for_platform:  # the id is the platform's own: nobody else may see it
        told["account_id"] = entry.details["accounts"][0]
    return told


def _tell(transaction: LoggedTransaction, entry: Entry, receiver: str, claims: dict[str, Any]) -> None:
    announce(
        transaction.session,
        receiver=receiver,
        grant_id=str(entry.grant_id),
        event_type=EventType.GRANT_CHANGED,
        claims=claims,
        now=transaction.written_at(entry.bank_id),
    )
