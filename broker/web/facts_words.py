"""What a change of a bank's facts means to a person: whether it touches a permission of theirs, and in which words."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from flask_babel import gettext

from broker.audit.reader import LoggedEntry
from broker.grants.views import Grant
from broker.policy import Catalogue
from broker.web.formats import counted, days

_LOOKBACK, _FREQUENCY = "maximumLookbackDays", "maximumFrequencyPerDay"


def touches(entry: LoggedEntry, grant: Grant) -> bool:
    """Say whether a change of facts makes a difference for a permission; what counts for new ones only does not."""
    told = _told(entry)
    return entry.bank_id == grant.bank_id and (
        _names_any(told.get("categories"), {granted.term.name for granted in grant.categories})
        or _names_any(told.get("purposes"), {grant.terms.purpose})
        or _cuts(told.get(_LOOKBACK), grant.terms.lookback_days)
        or _cuts(told.get(_FREQUENCY), grant.terms.frequency_per_day)
    )


def lines(entry: LoggedEntry, catalogue: Catalogue) -> Iterator[str]:
    """Yield in words what has changed of what counts for permissions that were given."""
    told = _told(entry)
    for name, is_back in _named(told.get("categories")):
        title = catalogue.categories[name].title if name in catalogue.categories else name
        yield (
            gettext("“%(title)s” is shared again", title=title)
            if is_back
            else gettext("“%(title)s” is not shared any more", title=title)
        )
    for name, is_back in _named(told.get("purposes")):
        title = catalogue.purposes[name].title if name in catalogue.purposes else name
        yield (
            gettext("data is shared again for “%(title)s”", title=title)
            if is_back
            else gettext("no data is shared any more for “%(title)s”", title=title)
        )
    if _LOOKBACK in told:
        before, now = told[_LOOKBACK]
        yield gettext("apps see at most %(now)s back, before %(then)s", now=days(now), then=days(before))
    if _FREQUENCY in told:
        before, now = told[_FREQUENCY]
        wording = gettext("apps look on their own at most %(now)s a day, before %(then)s")
        yield wording % {"now": counted(now, "time"), "then": counted(before, "time")}


def _told(entry: LoggedEntry) -> Mapping[str, Any]:
    """Return what stands openly in the entry of the change; nothing for a change of the operator's files."""
    found = (entry.policy_change or {}).get("facts")
    return found if isinstance(found, dict) else {}


def _names_any(told: Any, names: Collection[str]) -> bool:
    """Say whether any of the names is told of; where only their number is told, it may be any."""
    return isinstance(told, int) or any(name in names for name, _ in _named(told))


def _named(told: Any) -> list[tuple[str, bool]]:
    """Return the names of what has changed, and of each whether it has come back."""
    return [(name[1:], name.startswith("+")) for name in told] if isinstance(told, list) else []


def _cuts(pair: list[int] | None, agreed: int) -> bool:
    return pair is not None and min(pair[0], agreed) != min(pair[1], agreed)
