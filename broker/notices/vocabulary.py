"""What people are told, on which ways, and what is told unless they say otherwise: closed lists.

Everything that happens is of one topic, and topics are what a person turns on and off.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Way(StrEnum):
    """How a notice reaches a person."""

    INBOX = "inbox"
    MAIL = "mail"


class Topic(StrEnum):
    """What a person can be told of, or not, by each way."""

    GIVEN = "given"
    EXACT_PLACES = "exact-places"
    SIGN_IN = "sign-in"
    UNUSUAL = "unusual"
    ENDED = "ended"
    ENDING = "ending"
    CHANGED = "changed"
    SWITCHED = "switched"
    REMINDER = "reminder"


class What(StrEnum):
    """What has happened; `docs/how-to/notify-people.md` lists them."""

    GIVEN = "given"
    EXACT_PLACES = "exact-places"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    ADDRESS_CONFIRMED = "address-confirmed"
    ADDRESS_REMOVED = "address-removed"
    BANK_LINKED = "bank-linked"
    BANK_UNLINKED = "bank-unlinked"
    APP_HELD = "app-held"
    AFTER_SILENCE = "after-silence"
    TOO_OFTEN = "too-often"
    STOPPED = "stopped"
    GIVEN_BACK = "given-back"
    ENDED_FOR_YOU = "ended-for-you"
    EXPIRED = "expired"
    ENDING = "ending"
    AMENDED = "amended"
    RENEWED = "renewed"
    NARROWED = "narrowed"
    PAUSED = "paused"
    PAUSED_FOR_YOU = "paused-for-you"
    RESUMED = "resumed"
    PART_CHANGED = "part-changed"
    SWITCHED_OFF = "switched-off"
    SWITCHED_ON = "switched-on"
    APP_FREED = "app-freed"
    REMINDER = "reminder"


TOPICS: Mapping[What, Topic] = MappingProxyType(
    {
        What.GIVEN: Topic.GIVEN,
        What.EXACT_PLACES: Topic.EXACT_PLACES,
        What.PASSKEY_ADDED: Topic.SIGN_IN,
        What.PASSKEY_REMOVED: Topic.SIGN_IN,
        What.ADDRESS_CONFIRMED: Topic.SIGN_IN,
        What.ADDRESS_REMOVED: Topic.SIGN_IN,
        What.BANK_LINKED: Topic.SIGN_IN,
        What.BANK_UNLINKED: Topic.SIGN_IN,
        What.APP_HELD: Topic.UNUSUAL,
        What.AFTER_SILENCE: Topic.UNUSUAL,
        What.TOO_OFTEN: Topic.UNUSUAL,
        What.STOPPED: Topic.ENDED,
        What.GIVEN_BACK: Topic.ENDED,
        What.ENDED_FOR_YOU: Topic.ENDED,
        What.EXPIRED: Topic.ENDED,
        What.ENDING: Topic.ENDING,
        What.AMENDED: Topic.CHANGED,
        What.RENEWED: Topic.CHANGED,
        What.NARROWED: Topic.CHANGED,
        What.PAUSED: Topic.CHANGED,
        What.PAUSED_FOR_YOU: Topic.CHANGED,
        What.RESUMED: Topic.CHANGED,
        What.PART_CHANGED: Topic.CHANGED,
        What.SWITCHED_OFF: Topic.SWITCHED,
        What.SWITCHED_ON: Topic.SWITCHED,
        What.APP_FREED: Topic.SWITCHED,
        What.REMINDER: Topic.REMINDER,
    }
)
ALWAYS_IN_INBOX = frozenset({Topic.GIVEN, Topic.EXACT_PLACES, Topic.SIGN_IN})
"""What shows that somebody else uses an account: nobody who got into it can hide that from its owner."""
OFF_AT_FIRST = frozenset({(Topic.CHANGED, Way.MAIL)})
"""What a person has to turn on: by mail they are told of what others do, in the inbox of what they do themselves."""
