"""The plain words for what the log says: events, decisions and reasons."""

from collections.abc import Mapping

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event, Initiator
from broker.edge.wording import rule_words
from broker.policy import Catalogue
from broker.web.formats import counted, inside

DECISIONS = {"allowed": "Allowed", "refused": "Refused", "failed": "Failed"}

_ACCESSES = {Event.ACCESS_REQUESTED, Event.ACCESS_RELEASED, Event.ACCESS_REFUSED, Event.ACCESS_FAILED}
_OWN_ACTS = {
    Event.GRANT_APPROVED,
    Event.GRANT_AMENDED,
    Event.GRANT_REFUSED,
    Event.GRANT_PAUSED,
    Event.GRANT_RESUMED,
    Event.GRANT_CATEGORY_REVOKED,
    Event.GRANT_ACCOUNT_REMOVED,
}

GRANT_ACTS = (
    Event.GRANT_APPROVED,
    Event.GRANT_AMENDED,
    Event.GRANT_PAUSED,
    Event.GRANT_RESUMED,
    Event.GRANT_CATEGORY_REVOKED,
    Event.GRANT_ACCOUNT_REMOVED,
    Event.GRANT_REVOKED,
    Event.GRANT_EXPIRED,
)
"""What happened to a permission since it was given."""

EVENTS = {
    Event.GRANT_PROPOSED: "Asked for permission",
    Event.GRANT_APPROVED: "Permission given",
    Event.GRANT_AMENDED: "Permission changed",
    Event.GRANT_REFUSED: "Permission not given",
    Event.GRANT_REJECTED: "Request not allowed",
    Event.GRANT_PAUSED: "Paused",
    Event.GRANT_RESUMED: "Resumed",
    Event.GRANT_CATEGORY_REVOKED: "One kind of data stopped",
    Event.GRANT_ACCOUNT_REMOVED: "One account stopped",
    Event.GRANT_REVOKED: "Permission stopped",
    Event.GRANT_EXPIRED: "Permission ended",
    Event.ACCOUNTS_LISTED: "Accounts listed for their owner",
    Event.ACCESS_PREVIEWED: "Shown to its owner beforehand",
    Event.ACCESS_REQUESTED: "Asked for data",
    Event.ACCESS_RELEASED: "Data released",
    Event.ACCESS_REFUSED: "Data refused",
    Event.ACCESS_FAILED: "Bank did not answer",
    Event.SWITCH_OFF: "Turned off",
    Event.SWITCH_ON: "Turned on again",
    Event.DETAILS_ERASED: "Details of a customer erased",
    Event.PLATFORM_REGISTERED: "App registered",
    Event.PLATFORM_REMOVED: "App removed",
    Event.PLATFORM_HELD: "App stopped: it read more than is ordinary",
    Event.PLATFORM_UNHELD: "App let go on",
    Event.BANK_REGISTERED: "Bank registered",
    Event.POLICY_CHANGED: "Rules changed",
    Event.KEYS_ROTATED: "Keys of the log changed",
    Event.LOG_OPENED: "Log begun",
    Event.LOG_CLOSED: "Log closed",
    Event.LOG_RECOVERED: "Log begun anew after a loss",
}

_SENTENCES = {
    Event.GRANT_PROPOSED: "{platform} asked for your permission to see data at {bank}",
    Event.GRANT_APPROVED: "You allowed {platform} to see data at {bank}",
    Event.GRANT_AMENDED: "You changed what {platform} may see at {bank}",
    Event.GRANT_REFUSED: "You said no to {platform}",
    Event.GRANT_REJECTED: "We turned down a request of {platform}, because the rules do not allow it",
    Event.GRANT_PAUSED: "You paused sharing {what} with {platform}",
    Event.GRANT_RESUMED: "You let {platform} see {what} again",
    Event.GRANT_CATEGORY_REVOKED: "You stopped sharing {what} with {platform}",
    Event.GRANT_ACCOUNT_REMOVED: "You stopped sharing {what} with {platform}",
    Event.GRANT_REVOKED: "Sharing with {platform} was stopped",
    Event.GRANT_EXPIRED: "The permission of {platform} ended by itself",
    Event.ACCOUNTS_LISTED: "We asked {bank} for the list of your accounts, so that you could choose",
    Event.ACCESS_PREVIEWED: "We showed you {what} at {bank}, as {platform} would get it; {platform} got nothing",
    Event.ACCESS_REQUESTED: "{platform} asked to see {what}",
    Event.ACCESS_RELEASED: "{platform} saw {what}",
    Event.ACCESS_REFUSED: "{platform} asked to see {what} and got nothing",
    Event.ACCESS_FAILED: "{bank} could not answer a question about {what}",
}

_RELEASED_TO = {
    None: "",
    True: " while you were using it",
    False: " on its own",
}
PRESENCE = {
    None: "",
    True: "Yes: you were using the app, so it said",
    False: "No: the app asked on its own",
}
"""What an access says of the person's own presence."""

_ON_HOLD = "We put sharing with {platform} on hold, because a part of our log was lost; you can let it go on"
_NOT_SHOWN = "You asked to see {what} at {bank} in advance, and it was not shown"
_UNANSWERED = "The request of {platform} ended unanswered"

REASONS = {
    "account-not-granted": "you do not share this account",
    "amended": "you changed it",
    "approved": "you allowed it",
    "bank-sign-in-needed": "the bank asks you to sign in again",
    "bank-unavailable": "the bank could not be reached",
    "bank-refused-receipt": "the bank did not accept the proof that this request was logged",
    "bank-unknown": "the bank is not known here",
    "category-not-granted": "you did not allow this kind of data",
    "category-off": "this kind of data is not offered, or turned off at the moment",
    "category-paused": "you paused this kind of data",
    "category-revoked": "you stopped sharing this kind of data",
    "ceiling-exceeded": "it was more than the rules allow",
    "details-erased": "everything about you was erased here",
    "dpop-replayed": "the app's proof had been used before",
    "ended": "its time was over",
    "field-not-granted": "it looked at a detail that you did not allow",
    "frequency-exceeded": "the app had asked as often as it may on one day",
    "grant-changed": "you changed the permission while the data was on its way",
    "grant-expired": "the permission had ended",
    "grant-paused": "you had paused the app",
    "grant-rejected": "the permission was refused",
    "grant-revoked": "the permission had been ended",
    "grant-suspended": "sharing was turned off, by the bank or by us",
    "grant-unknown": "there was no permission",
    "harvest-hold": "the app is held back, because it reads more than its budget allows",
    "log-recovered": "a part of our log was lost; look through your choices before you let it go on",
    "nothing-left": "nothing was left to share",
    "platform-action": "the app gave it back",
    "policy-changed": "the rules changed while the data was on its way",
    "policy-files": "the rules of the operator changed",
    "bank-facts": "the bank changed what it offers",
    "platform-removed": "the app is no longer connected to us",
    "policy-refused": "no rule allows it",
    "preview-limit": "you had looked at your data in advance as often as you may on one day",
    "proposed": "waiting for you",
    "purpose-forbidden": "this purpose is not allowed",
    "token-expired": "the app's access had run out or was taken back",
    "token-key-mismatch": "the app's access belongs to another key",
    "suspended-by-bank": "the bank turned it off",
    "suspended-by-operator": "we turned it off",
    "unapproved": "you did not answer in time",
    "unclaimed": "the app did not pick it up in time",
    "user-action": "you decided it",
    "user-refused": "you said no",
}

DETAILS = {
    "accounts": "Accounts",
    "asked": "Terms that the app asked for",
    "before": "Terms that were agreed before",
    "by": "Who did it",
    "context": "What the rules were asked",
    "customer": "The bank's word for its customer",
    "difference": "What has changed",
    "endpoint": "Question",
    "fields": "Fields",
    "notice": "Text of the consent page",
    "reason": "Reason given",
    "rules": "Rules that refused it",
    "responseDigest": "SHA-256 of the answer",
    "terms": "Terms that were agreed",
    "window": "Period",
}


def sentence(entry: LoggedEntry, *, platform: str, bank: str, catalogue: Catalogue) -> str:
    """Say in one sentence, to the person, what an entry is about."""
    wording = _SENTENCES.get(entry.event, EVENTS[entry.event])
    if _is_on_hold(entry):
        wording = _ON_HOLD
    if entry.event is Event.ACCESS_REFUSED and entry.initiator is Initiator.INDIVIDUAL:
        wording = _NOT_SHOWN
    if entry.event is Event.GRANT_EXPIRED and "unapproved" in entry.reasons:
        wording = _UNANSWERED
    told = wording.format(platform=platform or "An app", bank=bank, what=_what(entry, catalogue))
    return told + _RELEASED_TO[entry.attended] if entry.event is Event.ACCESS_RELEASED else told


def outcome(entry: LoggedEntry) -> tuple[str, str]:
    """Return the tone and the word of an entry: how an access ended, or that it was no access at all."""
    if entry.event in _ACCESSES:
        return entry.decision, DECISIONS[entry.decision]
    if _is_on_hold(entry):
        return "change", "On hold"
    if entry.event in _OWN_ACTS or entry.reasons == ("user-action",):
        return "change", "Your decision"
    words = {Event.ACCOUNTS_LISTED: "For you", Event.ACCESS_PREVIEWED: "For you", Event.GRANT_PROPOSED: "Request"}
    return "change", words.get(entry.event, "Change")


def reasons(entry: LoggedEntry) -> list[str]:
    """Say in words why an entry ended as it did; a code without words is shown as it is."""
    return [REASONS.get(code, code) for code in entry.reasons]


def rules(entry: LoggedEntry) -> list[tuple[str, str]]:
    """Return words and id of each rule that refused, as they were told then; none once the details are erased."""
    return [(rule_words(told["rule"], told["text"]), told["rule"]) for told in entry.details.get("rules", ())]


def question(entry: LoggedEntry) -> str:
    """Say in words what an app asked to be answered with yes or no; empty for data, and once the details are erased."""
    asked = entry.details.get("context", {}).get("question")
    return "" if asked is None else question_of(asked)


def question_of(asked: Mapping[str, str]) -> str:
    """Say in words what stands in the log of a question."""
    if "atLeast" in asked:
        return f"Can you spend at least {asked['atLeast']} {asked['currency']}?"
    place = ", ".join(asked[name] for name in ("townName", "country") if name in asked)
    return f"Was one of your cards used in {place} in the last {_span(asked['since'])}?"


def _span(since: str) -> str:
    """Write an ISO 8601 duration of whole days or whole hours: `1 day`, `6 hours`."""
    number = int("".join(character for character in since if character.isdigit()))
    return counted(number, "hour" if "T" in since else "day")


def _is_on_hold(entry: LoggedEntry) -> bool:
    """Say whether the broker itself paused a grant (`broker audit recover`)."""
    return entry.event is Event.GRANT_PAUSED and entry.initiator is Initiator.DATA_ACCESS_PLATFORM


def _what(entry: LoggedEntry, catalogue: Catalogue) -> str:
    category = catalogue.categories.get(entry.category or "")
    if category is not None:
        return inside(category.title)
    if entry.category:
        return entry.category
    if entry.event in _ACCESSES:  # refused before anybody looked at what was wanted
        return "your data"
    return "one account" if entry.details.get("accounts") else "everything"
