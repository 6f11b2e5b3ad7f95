"""The form by which a bank's administrators change the facts of their bank, and the words for what would happen."""

from dataclasses import replace
from typing import Any

from marshmallow import fields
from marshmallow.validate import Equal, Length, Range

from broker.banks.facts import LONGEST_REASON
from broker.grants.affected import Affected
from broker.policy import Catalogue
from broker.policy.catalogue import BankFacts
from broker.policy.facts import FIGURES, Change
from broker.web.formats import days
from broker.web.forms import Form

TITLES = {
    "maximum_duration_days": "Longest permission, in days",
    "maximum_lookback_days": "Furthest history, in days",
    "maximum_frequency_per_day": "Reads a day without the customer present",
}
_LARGEST_FIGURE = 100_000


class FactsForm(Form):
    """All that a bank may change of its facts. `version` is the one that the page showed."""

    version = fields.Integer(required=True, validate=Range(0, 1 << 31))
    category = fields.List(fields.String(validate=Length(max=40)), load_default=list)
    purpose = fields.List(fields.String(validate=Length(max=40)), load_default=list)
    maximum_duration_days = fields.Integer(required=True, validate=Range(1, _LARGEST_FIGURE))
    maximum_lookback_days = fields.Integer(required=True, validate=Range(1, _LARGEST_FIGURE))
    maximum_frequency_per_day = fields.Integer(required=True, validate=Range(1, _LARGEST_FIGURE))
    joint_accounts = fields.String(load_default=None, validate=Equal("yes"))
    reason = fields.String(required=True, validate=Length(1, LONGEST_REASON))
    confirm = fields.String(load_default=None, validate=Equal("yes"))


def wished(sent: dict[str, Any], bounds: BankFacts) -> BankFacts:
    """Return the facts that a form asks for; whether the bank may have them is judged where they are kept."""
    return replace(
        bounds,
        categories=frozenset(sent["category"]),
        purposes=frozenset(sent["purpose"]),
        joint_accounts=sent["joint_accounts"] == "yes",
        maximum_duration_days=sent["maximum_duration_days"],
        maximum_lookback_days=sent["maximum_lookback_days"],
        maximum_frequency_per_day=sent["maximum_frequency_per_day"],
    )


def consequences(change: Change, touched: Affected, catalogue: Catalogue) -> list[str]:
    """Say what a change would do, line by line."""
    parts = {name: _grants(count) for name, count in touched.parts.items()}
    lines = [
        f"{_title(name, catalogue)}: no app gets it any more. It stops for {parts[name]}." for name in _off(change)
    ]
    lines += [f"{_title(name, catalogue)}: it can be shared. It works again for {parts[name]}." for name in _on(change)]
    for name, (before, after) in change.figures.items():
        about = f"{TITLES[name]}: {before} becomes {after}."
        lines.append(f"{about} {_cut(parts.get(name))}")
    if change.joint_accounts is not None:
        rule = "can be chosen" if change.joint_accounts[1] else "can no longer be chosen"
        lines.append(f"Joint accounts {rule} for new permissions. Those that are shared already stay.")
    return lines


def _cut(touched: str | None) -> str:
    if touched is None:
        return "It counts for new permissions; those that were given run as long as they were given for."
    return f"It counts at once, and makes a difference for {touched}."


def _off(change: Change) -> tuple[str, ...]:
    return (*change.removed_categories, *change.removed_purposes)


def _on(change: Change) -> tuple[str, ...]:
    return (*change.added_categories, *change.added_purposes)


def _title(name: str, catalogue: Catalogue) -> str:
    known = catalogue.categories.get(name) or catalogue.purposes.get(name)
    return f"“{known.title}” ({name})" if known else name


def _grants(count: int) -> str:
    return "no live permission" if not count else f"{count} live permission{'s' if count > 1 else ''}"


def figures_of(facts: BankFacts, bounds: BankFacts) -> list[tuple[str, str, int, int]]:
    """Return the figures with their titles, present values and upper bounds, for the form."""
    return [(name, TITLES[name], getattr(facts, name), getattr(bounds, name)) for name in FIGURES]


def told(facts: BankFacts) -> str:
    """Say in one line what a version of the facts allows."""
    joint = "with" if facts.joint_accounts else "without"
    return (
        f"{', '.join(sorted(facts.categories)) or 'no data'}; for {', '.join(sorted(facts.purposes)) or 'no purpose'}; "
        f"for at most {days(facts.maximum_duration_days)}, {days(facts.maximum_lookback_days)} back, "
        f"{facts.maximum_frequency_per_day} reads a day; {joint} joint accounts"
    )
