"""The plain words for what the log says: events, decisions and reasons; `sentences` puts them together."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, lazy_gettext

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event, Initiator
from broker.edge.wording import rule_words
from broker.web.formats import counted

DECISIONS: Mapping[str, Any] = {
    "allowed": lazy_gettext("Allowed"),
    "refused": lazy_gettext("Refused"),
    "failed": lazy_gettext("Failed"),
}

ACCESSES = {Event.ACCESS_REQUESTED, Event.ACCESS_RELEASED, Event.ACCESS_REFUSED, Event.ACCESS_FAILED}
_ALERTS = {Event.ALERT_ANNOUNCED, Event.ALERT_REFUSED}
_OWN_ACTS = {
    Event.GRANT_APPROVED,
    Event.GRANT_AMENDED,
    Event.GRANT_REFUSED,
    Event.GRANT_PAUSED,
    Event.GRANT_RESUMED,
    Event.GRANT_CATEGORY_REVOKED,
    Event.GRANT_ACCOUNT_REMOVED,
    Event.DELETION_REQUESTED,
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
    Event.DELETION_REQUESTED,
    Event.DELETION_ACKNOWLEDGED,
    Event.DELETION_COMPLETED,
)
"""What happened to a permission since it was given."""

EVENTS: Mapping[Event, Any] = {
    Event.GRANT_PROPOSED: lazy_gettext("Asked for permission"),
    Event.GRANT_APPROVED: lazy_gettext("Permission given"),
    Event.GRANT_AMENDED: lazy_gettext("Permission changed"),
    Event.GRANT_REFUSED: lazy_gettext("Permission not given"),
    Event.GRANT_REJECTED: lazy_gettext("Request not allowed"),
    Event.GRANT_PAUSED: lazy_gettext("Paused"),
    Event.GRANT_RESUMED: lazy_gettext("Resumed"),
    Event.GRANT_CATEGORY_REVOKED: lazy_gettext("One kind of data stopped"),
    Event.GRANT_ACCOUNT_REMOVED: lazy_gettext("One account stopped"),
    Event.GRANT_REVOKED: lazy_gettext("Permission stopped"),
    Event.GRANT_EXPIRED: lazy_gettext("Permission ended"),
    Event.DELETION_REQUESTED: lazy_gettext("Customer asked the app to delete"),
    Event.DELETION_ACKNOWLEDGED: lazy_gettext("App confirmed that it was asked to delete"),
    Event.DELETION_COMPLETED: lazy_gettext("App says that it deleted"),
    Event.IDENTITY_LINKED: lazy_gettext("Customer linked another bank"),
    Event.IDENTITY_UNLINKED: lazy_gettext("Customer unlinked another bank"),
    Event.ACCOUNTS_LISTED: lazy_gettext("Accounts listed for their owner"),
    Event.ACCESS_PREVIEWED: lazy_gettext("Shown to its owner beforehand"),
    Event.ACCESS_REQUESTED: lazy_gettext("Asked for data"),
    Event.ACCESS_RELEASED: lazy_gettext("Data released"),
    Event.ACCESS_REFUSED: lazy_gettext("Data refused"),
    Event.ACCESS_FAILED: lazy_gettext("Bank did not answer"),
    Event.ALERT_ANNOUNCED: lazy_gettext("App told of an alert"),
    Event.ALERT_REFUSED: lazy_gettext("Alert not passed on"),
    Event.SWITCH_OFF: lazy_gettext("Turned off"),
    Event.SWITCH_ON: lazy_gettext("Turned on again"),
    Event.DETAILS_ERASED: lazy_gettext("Details of a customer erased"),
    Event.PLATFORM_REGISTERED: lazy_gettext("App registered"),
    Event.PLATFORM_REMOVED: lazy_gettext("App removed"),
    Event.PLATFORM_HELD: lazy_gettext("App stopped: it read more than is ordinary"),
    Event.PLATFORM_UNHELD: lazy_gettext("App let go on"),
    Event.BANK_REGISTERED: lazy_gettext("Bank registered"),
    Event.POLICY_CHANGED: lazy_gettext("Rules changed"),
    Event.KEYS_ROTATED: lazy_gettext("Keys of the log changed"),
    Event.LOG_OPENED: lazy_gettext("Log begun"),
    Event.LOG_CLOSED: lazy_gettext("Log closed"),
    Event.LOG_RECOVERED: lazy_gettext("Log begun anew after a loss"),
}

PRESENCE: Mapping[bool | None, Any] = {
    None: "",
    True: lazy_gettext("Yes: you were using the app, so it said"),
    False: lazy_gettext("No: the app asked on its own"),
}
"""What an access says of the person's own presence."""

REASONS: Mapping[str, Any] = {
    "account-closed": lazy_gettext("the bank no longer has this account"),
    "account-not-granted": lazy_gettext("you do not share this account"),
    "alert-gone": lazy_gettext("the bank had taken the alert back"),
    "alert-not-granted": lazy_gettext("no permission is about it"),
    "alert-not-heard": lazy_gettext("the app takes no such messages at the moment"),
    "alert-read-out": lazy_gettext("the app had read the alert as often as it may"),
    "alert-unknown": lazy_gettext("the app named an alert that is not there for it"),
    "amended": lazy_gettext("you changed it"),
    "approved": lazy_gettext("you allowed it"),
    "bank-sign-in-needed": lazy_gettext("the bank asks you to sign in again"),
    "bank-unavailable": lazy_gettext("the bank could not be reached"),
    "bank-refused-receipt": lazy_gettext("the bank did not accept the proof that this request was logged"),
    "bank-unknown": lazy_gettext("the bank is not known here"),
    "category-not-granted": lazy_gettext("you did not allow this kind of data"),
    "category-off": lazy_gettext("this kind of data is not offered, or turned off at the moment"),
    "category-paused": lazy_gettext("you paused this kind of data"),
    "category-revoked": lazy_gettext("you stopped sharing this kind of data"),
    "ceiling-exceeded": lazy_gettext("it was more than the rules allow"),
    "details-erased": lazy_gettext("everything about you was erased here"),
    "user-left": lazy_gettext("you closed your account"),
    "dpop-replayed": lazy_gettext("the app's proof had been used before"),
    "ended": lazy_gettext("its time was over"),
    "field-not-granted": lazy_gettext("it looked at a detail that you did not allow"),
    "frequency-exceeded": lazy_gettext("the app had asked as often as it may on one day"),
    "grant-changed": lazy_gettext("you changed the permission while the data was on its way"),
    "grant-expired": lazy_gettext("the permission had ended"),
    "grant-paused": lazy_gettext("you had paused the app"),
    "grant-rejected": lazy_gettext("the permission was refused"),
    "grant-revoked": lazy_gettext("the permission had been ended"),
    "grant-suspended": lazy_gettext("sharing was turned off, by the bank or by us"),
    "grant-unknown": lazy_gettext("there was no permission"),
    "harvest-hold": lazy_gettext("the app is held back, because it reads more than its budget allows"),
    "fraud-prevention": lazy_gettext("the app keeps it to prevent fraud"),
    "legal-claims": lazy_gettext("the app needs it for a legal dispute"),
    "legal-obligation": lazy_gettext("the law makes the app keep it"),
    "person-agreed": lazy_gettext("you agreed with the app that it keeps it"),
    "log-recovered": lazy_gettext("a part of our log was lost; look through your choices before you let it go on"),
    "nothing-left": lazy_gettext("nothing was left to share"),
    "platform-action": lazy_gettext("the app gave it back"),
    "policy-changed": lazy_gettext("the rules changed while the data was on its way"),
    "policy-files": lazy_gettext("the rules of the operator changed"),
    "bank-facts": lazy_gettext("the bank changed what it offers"),
    "platform-removed": lazy_gettext("the app is no longer connected to us"),
    "policy-refused": lazy_gettext("no rule allows it"),
    "preview-limit": lazy_gettext("you had looked at your data in advance as often as you may on one day"),
    "renewed": lazy_gettext("you renewed it"),
    "narrowed": lazy_gettext("you narrowed it"),
    "proposed": lazy_gettext("waiting for you"),
    "purpose-forbidden": lazy_gettext("this purpose is not allowed"),
    "token-expired": lazy_gettext("the app's access had run out or was taken back"),
    "token-key-mismatch": lazy_gettext("the app's access belongs to another key"),
    "suspended-by-bank": lazy_gettext("the bank turned it off"),
    "suspended-by-operator": lazy_gettext("we turned it off"),
    "unapproved": lazy_gettext("you did not answer in time"),
    "unclaimed": lazy_gettext("the app did not pick it up in time"),
    "user-action": lazy_gettext("you decided it"),
    "user-refused": lazy_gettext("you said no"),
}

DETAILS: Mapping[str, Any] = {
    "accounts": lazy_gettext("Accounts"),
    "alert": lazy_gettext("The bank's word for its alert"),
    "asked": lazy_gettext("Terms that the app asked for"),
    "before": lazy_gettext("Terms that were agreed before"),
    "by": lazy_gettext("Who did it"),
    "closed": lazy_gettext("Accounts that the bank no longer has"),
    "context": lazy_gettext("What the rules were asked"),
    "customer": lazy_gettext("The bank's word for its customer"),
    "deletion": lazy_gettext("Number of the request"),
    "difference": lazy_gettext("What has changed"),
    "endpoint": lazy_gettext("Question"),
    "fields": lazy_gettext("Fields"),
    "notice": lazy_gettext("Text of the consent page"),
    "reason": lazy_gettext("Reason given"),
    "rules": lazy_gettext("Rules that refused it"),
    "responseDigest": lazy_gettext("SHA-256 of the answer"),
    "terms": lazy_gettext("Terms that were agreed"),
    "window": lazy_gettext("Period"),
}


def is_on_hold(entry: LoggedEntry) -> bool:
    """Say whether the broker itself paused a grant (`broker audit recover`)."""
    return entry.event is Event.GRANT_PAUSED and entry.initiator is Initiator.DATA_ACCESS_PLATFORM


def outcome(entry: LoggedEntry) -> tuple[str, str]:
    """Return the tone and the word of an entry: how an access ended, or that it was no access at all."""
    if entry.event in ACCESSES | _ALERTS:
        return entry.decision, str(DECISIONS[entry.decision])
    if is_on_hold(entry):
        return "change", gettext("On hold")
    if entry.event in _OWN_ACTS or entry.reasons == ("user-action",):
        return "change", gettext("Your decision")
    if entry.event in {Event.ACCOUNTS_LISTED, Event.ACCESS_PREVIEWED}:
        return "change", gettext("For you")
    return "change", gettext("Request") if entry.event is Event.GRANT_PROPOSED else gettext("Change")


def reasons(entry: LoggedEntry) -> list[str]:
    """Say in words why an entry ended as it did; a code without words is shown as it is."""
    return [str(REASONS.get(code, code)) for code in entry.reasons]


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
        return gettext(
            "Can you spend at least %(amount)s %(currency)s?", amount=asked["atLeast"], currency=asked["currency"]
        )
    place = ", ".join(asked[name] for name in ("townName", "country") if name in asked)
    return gettext(
        "Was one of your cards used in %(place)s in the last %(span)s?", place=place, span=_span(asked["since"])
    )


def _span(since: str) -> str:
    """Write an ISO 8601 duration of whole days or whole hours: `1 day`, `6 hours`."""
    number = int("".join(character for character in since if character.isdigit()))
    return counted(number, "hour" if "T" in since else "day")
