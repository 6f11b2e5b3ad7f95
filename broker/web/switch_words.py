"""The plain words for switches: what is off, who turned it off, and why."""

from collections.abc import Collection

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event, Initiator
from broker.policy import Catalogue
from broker.switches.views import Side, Switch, Target
from broker.web.formats import inside, moment
from broker.web.parties import Names

REASON_AND = ": \N{LEFT DOUBLE QUOTATION MARK}{reason}\N{RIGHT DOUBLE QUOTATION MARK}"


def what(target: Target, names: Names, catalogue: Catalogue) -> str:
    """Say what a switch is about, so that it can stand within a sentence: `your balances for Messenger at Harbor`."""
    category = catalogue.categories.get(target.category)
    words = inside(category.title) if category else target.category or "all sharing"
    if target.platform_id:
        words += f" with {names.platform(target.platform_id)}"
    return f"{words} at {names.bank(target.bank_id)}" if target.bank_id else f"{words} at all banks"


def told(switch: Switch, names: Names, catalogue: Catalogue) -> str:
    """Say to a person who turned off what, since when and why."""
    who = names.bank(switch.target.bank_id) if switch.side is Side.BANK else "Consent Broker"
    reason = REASON_AND.format(reason=switch.reason)
    return f"{who} turned off {what(switch.target, names, catalogue)} on {moment(switch.since_at)}{reason}"


def of_entry(entry: LoggedEntry, names: Names, catalogue: Catalogue) -> str:
    """Say to a person what an entry of a switch tells."""
    who = names.bank(entry.bank_id) if entry.initiator is Initiator.DATA_PROVIDER else "Consent Broker"
    verb = "turned off" if entry.event is Event.SWITCH_OFF else "turned on again"
    bank_id = entry.bank_id if entry.reach == "bank" else ""
    return f"{who} {verb} {what(Target(bank_id, entry.platform_id or '', entry.category or ''), names, catalogue)}"


def relevant(switches: Collection[Switch], categories: Collection[str]) -> list[Switch]:
    """Return the switches that stop any of these categories, longest off first."""
    found = [one for one in switches if one.is_whole or one.target.category in categories]
    return sorted(found, key=lambda one: one.since_at)
