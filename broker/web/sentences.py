"""What an entry of the log is about, in one sentence to the person whom it concerns."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, lazy_gettext

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event, Initiator
from broker.policy import Catalogue
from broker.web.formats import inside
from broker.web.words import ACCESSES, EVENTS, is_on_hold

_SENTENCES: Mapping[Event, Any] = {
    Event.GRANT_PROPOSED: lazy_gettext("%(platform)s asked for your permission to see data at %(bank)s"),
    Event.GRANT_APPROVED: lazy_gettext("You allowed %(platform)s to see data at %(bank)s"),
    Event.GRANT_AMENDED: lazy_gettext("You changed what %(platform)s may see at %(bank)s"),
    Event.GRANT_REFUSED: lazy_gettext("You said no to %(platform)s"),
    Event.GRANT_REJECTED: lazy_gettext("We turned down a request of %(platform)s, because the rules do not allow it"),
    Event.GRANT_PAUSED: lazy_gettext("You paused sharing %(what)s with %(platform)s"),
    Event.GRANT_RESUMED: lazy_gettext("You let %(platform)s see %(what)s again"),
    Event.GRANT_CATEGORY_REVOKED: lazy_gettext("You stopped sharing %(what)s with %(platform)s"),
    Event.GRANT_ACCOUNT_REMOVED: lazy_gettext("You stopped sharing %(what)s with %(platform)s"),
    Event.GRANT_REVOKED: lazy_gettext("You stopped sharing with %(platform)s"),
    Event.GRANT_EXPIRED: lazy_gettext("The permission of %(platform)s ended by itself"),
    Event.DELETION_REQUESTED: lazy_gettext("You asked %(platform)s to delete what it has from %(bank)s"),
    Event.DELETION_ACKNOWLEDGED: lazy_gettext("%(platform)s confirmed that you asked it to delete"),
    Event.DELETION_COMPLETED: lazy_gettext("%(platform)s says that it has deleted what it had from %(bank)s"),
    Event.IDENTITY_LINKED: lazy_gettext("You linked %(bank)s with another bank of yours"),
    Event.IDENTITY_UNLINKED: lazy_gettext("You unlinked %(bank)s from another bank of yours"),
    Event.ACCOUNTS_LISTED: lazy_gettext("We asked %(bank)s for the list of your accounts, so that you could choose"),
    Event.ACCESS_PREVIEWED: lazy_gettext(
        "We showed you %(what)s at %(bank)s, as %(platform)s would get it; %(platform)s got nothing"
    ),
    Event.ACCESS_REQUESTED: lazy_gettext("%(platform)s asked to see %(what)s"),
    Event.ACCESS_RELEASED: lazy_gettext("%(platform)s saw %(what)s"),
    Event.ACCESS_REFUSED: lazy_gettext("%(platform)s asked to see %(what)s and got nothing"),
    Event.ACCESS_FAILED: lazy_gettext("%(bank)s could not answer a question about %(what)s"),
    Event.ALERT_ANNOUNCED: lazy_gettext("%(bank)s raised a fraud alert, and we told %(platform)s that there is one"),
    Event.ALERT_REFUSED: lazy_gettext("%(bank)s raised a fraud alert, and we did not tell %(platform)s"),
    Event.POLICY_CHANGED: lazy_gettext("%(bank)s changed what it shares with apps"),
}

_RELEASED_TO: Mapping[bool | None, Any] = {
    None: "",
    True: lazy_gettext(" while you were using it"),
    False: lazy_gettext(" on its own"),
}
_RENEWED = lazy_gettext("You renewed what %(platform)s may see at %(bank)s")
_NARROWED = lazy_gettext("You narrowed what %(platform)s may see at %(bank)s")
_ON_HOLD = lazy_gettext(
    "We put sharing with %(platform)s on hold, because a part of our log was lost; you can let it go on"
)
_PARTLY_DELETED = lazy_gettext("%(platform)s says that it has deleted a part of what it had from %(bank)s")
_NOT_SHOWN = lazy_gettext("You asked to see %(what)s at %(bank)s in advance, and it was not shown")
_UNANSWERED = lazy_gettext("The request of %(platform)s ended unanswered")

_STOPPED: Mapping[Initiator, Any] = {
    Initiator.DATA_RECIPIENT: lazy_gettext("%(platform)s gave back its permission"),
    Initiator.DATA_PROVIDER: lazy_gettext("%(bank)s stopped sharing with %(platform)s"),
    Initiator.DATA_ACCESS_PLATFORM: lazy_gettext("We stopped sharing with %(platform)s"),
}


def sentence(entry: LoggedEntry, *, platform: str, bank: str, catalogue: Catalogue) -> str:
    """Say in one sentence, to the person, what an entry is about."""
    wording = _special(entry) or _SENTENCES.get(entry.event, EVENTS[entry.event])
    told = str(wording) % {"platform": platform or gettext("An app"), "bank": bank, "what": _what(entry, catalogue)}
    return told + str(_RELEASED_TO[entry.attended]) if entry.event is Event.ACCESS_RELEASED else told


def _special(entry: LoggedEntry) -> Any:
    """Return the wording of an entry of which more than its event must be told; None for most."""
    if is_on_hold(entry):
        return _ON_HOLD
    special = {
        Event.GRANT_AMENDED: ("renewed" in entry.reasons and _RENEWED) or ("narrowed" in entry.reasons and _NARROWED),
        Event.DELETION_COMPLETED: entry.reasons and _PARTLY_DELETED,
        Event.ACCESS_REFUSED: entry.initiator is Initiator.INDIVIDUAL and _NOT_SHOWN,
        Event.GRANT_EXPIRED: "unapproved" in entry.reasons and _UNANSWERED,
        Event.GRANT_REVOKED: _STOPPED.get(entry.initiator),
    }
    return special.get(entry.event) or None


def _what(entry: LoggedEntry, catalogue: Catalogue) -> str:
    category = catalogue.categories.get(entry.category or "")
    if category is not None:
        return inside(category.title)
    if entry.category:
        return entry.category
    if entry.event in ACCESSES:  # refused before anybody looked at what was wanted
        return gettext("your data")
    return gettext("one account") if entry.details.get("accounts") else gettext("everything")
