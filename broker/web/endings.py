"""How a permission ended, in words that never mix up whose doing it was: the person's, the app's, ours or time's."""

from dataclasses import dataclass
from enum import StrEnum

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from broker.grants.views import Grant
from broker.policy.vocabulary import GrantStatus
from broker.web.words import REASONS


@dataclass(frozen=True, slots=True)
class Label:
    """A state in words; `tone` names its look, which says nothing that the words do not say."""

    words: LazyString
    tone: str


class Ending(StrEnum):
    """The ways in which a permission can be over."""

    BY_YOU = "you"
    BY_APP = "app"
    TIME = "time"
    UNCLAIMED = "unclaimed"
    BY_US = "us"
    REFUSED = "refused"
    NOT_ALLOWED = "not-allowed"


LABELS = {
    Ending.BY_YOU: Label(lazy_gettext("Stopped by you"), "stopped"),
    Ending.BY_APP: Label(lazy_gettext("Given back by the app"), "stopped"),
    Ending.TIME: Label(lazy_gettext("Ran out"), "stopped"),
    Ending.UNCLAIMED: Label(lazy_gettext("Never picked up"), "stopped"),
    Ending.BY_US: Label(lazy_gettext("Closed by us"), "stopped"),
    Ending.REFUSED: Label(lazy_gettext("Refused by you"), "refused"),
    Ending.NOT_ALLOWED: Label(lazy_gettext("Not allowed"), "refused"),
}
_BY_CODE = {
    "user-action": Ending.BY_YOU,
    "nothing-left": Ending.BY_YOU,
    "user-left": Ending.BY_YOU,
    "platform-action": Ending.BY_APP,
    "unclaimed": Ending.UNCLAIMED,
    "user-refused": Ending.REFUSED,
}
_SAID_BY_LABEL = {"approved", "amended", "user-action", "platform-action", "ended"}
_OTHERWISE = {
    GrantStatus.REVOKED: Ending.BY_US,
    GrantStatus.EXPIRED: Ending.TIME,
    GrantStatus.REJECTED: Ending.NOT_ALLOWED,
}


def ending_of(grant: Grant) -> Ending | None:
    """Return how a grant ended; None while it lives."""
    if not grant.status.is_final:
        return None
    return _BY_CODE.get(grant.status_code, _OTHERWISE[grant.status])


def reason(grant: Grant) -> str:
    """Say more of the state than its label does; empty when the label says it all."""
    return "" if grant.status_code in _SAID_BY_LABEL else REASONS.get(grant.status_code, "")


def label(grant: Grant) -> Label:
    """Return the words for how a grant ended."""
    ending = ending_of(grant)
    return LABELS[ending if ending is not None else Ending.BY_US]
