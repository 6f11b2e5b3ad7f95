"""What one person is told of: a value, made by whoever changes something or out of the entry of the log."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.notices.vocabulary import TOPICS, Topic, What

_PLACES, _EXACT = "card_locations", "exact"
_NEVER_GIVEN = "unapproved"
_ACTS: Mapping[Event, What] = MappingProxyType(
    {
        Event.GRANT_APPROVED: What.GIVEN,
        Event.GRANT_AMENDED: What.AMENDED,
        Event.GRANT_PAUSED: What.PAUSED,
        Event.GRANT_RESUMED: What.RESUMED,
        Event.GRANT_CATEGORY_REVOKED: What.PART_CHANGED,
        Event.GRANT_ACCOUNT_REMOVED: What.PART_CHANGED,
        Event.GRANT_REVOKED: What.STOPPED,
        Event.GRANT_EXPIRED: What.EXPIRED,
    }
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that one person is told.

    `facts` are JSON: `category`, `side` (who turned something off), `ends_at`, `days`, `count`; never bank data.
    """

    what: What
    user_id: str
    grant_id: str | None = None
    bank_id: str | None = None
    platform_id: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def topic(self) -> Topic:
        """Return what it is of, by which a person turns it on and off."""
        return TOPICS[self.what]


def of_entry(entry: Entry) -> Iterator[Notice]:
    """Say what the person is told of an entry of the log, before it is written; nothing for most entries."""
    what = _ACTS.get(entry.event)
    if what is None or entry.user_id is None or _NEVER_GIVEN in entry.reasons:
        return
    if entry.part == "account" or (entry.category and what in {What.PAUSED, What.RESUMED}):
        what = What.PART_CHANGED
    yield _of(entry, _by_whom(entry, what))
    if _has_exact_places(entry, "terms") and not _has_exact_places(entry, "before"):
        yield _of(entry, What.EXACT_PLACES)


def _by_whom(entry: Entry, what: What) -> What:
    if what is What.AMENDED and "renewed" in entry.reasons:
        return What.RENEWED
    if what is What.AMENDED and "narrowed" in entry.reasons:
        return What.NARROWED
    if entry.initiator is Initiator.INDIVIDUAL:
        return what
    if what is What.PAUSED:
        return What.PAUSED_FOR_YOU
    if what is What.STOPPED:
        return What.GIVEN_BACK if "platform-action" in entry.reasons else What.ENDED_FOR_YOU
    return what


def _of(entry: Entry, what: What) -> Notice:
    facts = {"category": entry.category} if entry.category else {}
    return Notice(what, entry.user_id or "", entry.grant_id, entry.bank_id, entry.platform_id, facts)


def _has_exact_places(entry: Entry, terms: str) -> bool:
    named = entry.details.get(terms, {}).get("categories", ())
    return any(part["name"] == _PLACES and part.get("precision") == _EXACT for part in named)
