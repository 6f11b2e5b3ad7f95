"""Finds accesses of which the person is told at once: after a long silence, or more often than they may be."""

from datetime import datetime

from broker.grants.views import Grant
from broker.notices.notice import Notice
from broker.notices.unusual import SILENCE, Unusual
from broker.notices.vocabulary import What
from broker.policy import Decision

_TOO_OFTEN = "frequency-exceeded"


def unusual(decision: Decision, grant: Grant, category: str, now: datetime) -> tuple[Unusual, ...]:
    """Return what tells the person of a call, beside its entry in the log; nothing for nearly every call.

    Told is a call that is allowed when nothing of its category was released for 90 days, or since the person agreed;
    and one that is refused because the app has read as often today as it may.
    """
    what = _what(decision, grant, category, now)
    if what is None:
        return ()
    facts = {"category": category}
    return (Unusual(Notice(what, grant.user_id, grant.id, grant.bank_id, grant.platform_id, facts), now),)


def _what(decision: Decision, grant: Grant, category: str, now: datetime) -> What | None:
    if not decision.is_allowed:
        return What.TOO_OFTEN if _TOO_OFTEN in decision.codes else None
    shared = grant.category(category)
    since = (shared and shared.last_use_at) or grant.authorised_at
    return What.AFTER_SILENCE if since is not None and now - since >= SILENCE else None
