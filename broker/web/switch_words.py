"""The plain words for switches: what is off, who turned it off, and why."""

from collections.abc import Collection

from flask_babel import gettext

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event, Initiator
from broker.policy import Catalogue
from broker.switches.views import Side, Switch, Target
from broker.web.formats import inside, moment
from broker.web.parties import Names

_OPERATOR = "Consent Broker"


def for_staff(target: Target, names: Names, catalogue: Catalogue) -> str:
    """Say what a switch is about, in the console's words: `“Your balances” for Messenger at Harbor Bank`."""
    category = catalogue.categories.get(target.category)
    title = f"“{category.title}”" if category else target.category or gettext("all sharing")
    return _about(title, target, names, gettext("all platforms")) + _at(target, names)


def told(switch: Switch, names: Names, catalogue: Catalogue) -> str:
    """Say to a person who turned off what, since when and why."""
    about = _for_people(switch.target, switch.side, names, catalogue)
    who = _who(switch.side, switch.target.bank_id, names)
    wording = gettext("%(who)s turned off %(what)s on %(moment)s. The reason given: %(reason)s")
    return wording % {"who": who, "what": about, "moment": moment(switch.since_at), "reason": switch.reason}


def of_entry(entry: LoggedEntry, names: Names, catalogue: Catalogue) -> str:
    """Say to a person what an entry of a switch tells."""
    side = Side.BANK if entry.initiator is Initiator.DATA_PROVIDER else Side.OPERATOR
    facts = {
        "who": _who(side, entry.bank_id, names),
        "what": _for_people(target_of(entry), side, names, catalogue),
    }
    if entry.event is Event.SWITCH_OFF:
        return gettext("%(who)s turned off %(what)s", **facts)
    return gettext("%(who)s turned on again %(what)s", **facts)


def target_of(entry: LoggedEntry) -> Target:
    """Return what the entry of a switch is about."""
    bank_id = entry.bank_id if entry.reach == "bank" else ""
    return Target(bank_id, entry.platform_id or "", entry.category or "")


def relevant(switches: Collection[Switch], categories: Collection[str]) -> list[Switch]:
    """Return the switches that stop any of these categories, longest off first."""
    found = [one for one in switches if one.is_whole or one.target.category in categories]
    return sorted(found, key=lambda one: one.since_at)


def _who(side: Side, bank_id: str, names: Names) -> str:
    return names.bank(bank_id) if side is Side.BANK else _OPERATOR


def _for_people(target: Target, side: Side, names: Names, catalogue: Catalogue) -> str:
    category = catalogue.categories.get(target.category)
    title = inside(category.title) if category else target.category or gettext("all sharing")
    return _about(title, target, names, gettext("all apps")) + ("" if side is Side.BANK else _at(target, names))


def _about(title: str, target: Target, names: Names, everybody: str) -> str:
    whom = names.platform(target.platform_id) if target.platform_id else everybody
    return gettext("%(what)s for %(whom)s", what=title, whom=whom)


def _at(target: Target, names: Names) -> str:
    if target.bank_id:
        return gettext(" at %(bank)s", bank=names.bank(target.bank_id))
    return gettext(" at all banks")
