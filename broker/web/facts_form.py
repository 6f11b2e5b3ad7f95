"""The form by which a bank's administrators change the facts of their bank, and the words for what would happen."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from flask_babel import gettext, lazy_gettext
from marshmallow import ValidationError, fields
from marshmallow.validate import Equal, Length, Range

from broker.banks.facts import LONGEST_REASON
from broker.errors import InvalidRequest
from broker.grants.affected import Affected
from broker.policy import Catalogue
from broker.policy.catalogue import BankFacts
from broker.policy.facts import FIGURES, Change
from broker.policy.reasons import readable
from broker.web.formats import counted, days
from broker.web.forms import Form

TITLES = {
    "maximum_duration_days": lazy_gettext("Longest permission, in days"),
    "maximum_lookback_days": lazy_gettext("Furthest history, in days"),
    "maximum_frequency_per_day": lazy_gettext("Reads a day without the customer present"),
}
_LARGEST_FIGURE = 100_000


def _check_reason(reason: str) -> None:
    """Refuse a reason that cannot be kept, so that it is told beside its field."""
    try:
        readable(reason, LONGEST_REASON)
    except InvalidRequest as error:
        raise ValidationError(error.detail) from error


class FactsForm(Form):
    """All that a bank may change of its facts. `version` is the one that the page showed."""

    version = fields.Integer(required=True, validate=Range(0, 1 << 31))
    category = fields.List(fields.String(validate=Length(max=40)), load_default=list)
    purpose = fields.List(fields.String(validate=Length(max=40)), load_default=list)
    maximum_duration_days = fields.Integer(required=True, validate=Range(1, _LARGEST_FIGURE))
    maximum_lookback_days = fields.Integer(required=True, validate=Range(1, _LARGEST_FIGURE))
    maximum_frequency_per_day = fields.Integer(required=True, validate=Range(1, _LARGEST_FIGURE))
    joint_accounts = fields.String(load_default=None, validate=Equal("yes"))
    reason = fields.String(required=True, validate=_check_reason)
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
    off = gettext("%(what)s: no app gets it any more. It stops for %(permissions)s.")
    back = gettext("%(what)s: it can be shared. It works again for %(permissions)s.")
    lines = [off % {"what": _title(name, catalogue), "permissions": parts[name]} for name in _off(change)]
    lines += [back % {"what": _title(name, catalogue), "permissions": parts[name]} for name in _on(change)]
    for name, (before, after) in change.figures.items():
        becomes = gettext("%(what)s: %(before)s becomes %(after)s.", what=TITLES[name], before=before, after=after)
        lines.append(f"{becomes} {_cut(parts.get(name))}")
    if change.joint_accounts is not None:
        lines.append(_joint(is_allowed=change.joint_accounts[1]))
    return lines


def _joint(*, is_allowed: bool) -> str:
    if is_allowed:
        return gettext(
            "Joint accounts can be chosen for new permissions. Those that are shared already stay.",
        )
    return gettext("Joint accounts can no longer be chosen for new permissions. Those that are shared already stay.")


def _cut(touched: str | None) -> str:
    if touched is None:
        return gettext("It counts for new permissions; those that were given run as long as they were given for.")
    return gettext("It counts at once, and makes a difference for %(permissions)s.", permissions=touched)


def _off(change: Change) -> tuple[str, ...]:
    return (*change.removed_categories, *change.removed_purposes)


def _on(change: Change) -> tuple[str, ...]:
    return (*change.added_categories, *change.added_purposes)


def _title(name: str, catalogue: Catalogue) -> str:
    known = catalogue.categories.get(name) or catalogue.purposes.get(name)
    return f"“{known.title}”" if known else name


def _grants(count: int) -> str:
    return counted(count, "live permission") if count else gettext("no live permission")


def figures_of(facts: BankFacts, bounds: BankFacts) -> list[tuple[str, str, int, int]]:
    """Return the figures with their titles, present values and upper bounds, for the form."""
    return [(name, str(TITLES[name]), getattr(facts, name), getattr(bounds, name)) for name in FIGURES]


def told(facts: BankFacts, catalogue: Catalogue | None = None) -> str:
    """Say in one line what a version of the facts allows; without a catalogue, in codes."""
    wording = gettext("%(data)s; for %(purposes)s; for at most %(duration)s, %(history)s back, %(reads)s reads a day; ")
    said = wording % {
        "data": _listed(facts.categories, catalogue) or gettext("no data"),
        "purposes": _listed(facts.purposes, catalogue) or gettext("no purpose"),
        "duration": days(facts.maximum_duration_days),
        "history": days(facts.maximum_lookback_days),
        "reads": facts.maximum_frequency_per_day,
    }
    return said + (gettext("with joint accounts") if facts.joint_accounts else gettext("without joint accounts"))


def _listed(names: Collection[str], catalogue: Catalogue | None) -> str:
    return ", ".join(sorted(names if catalogue is None else (_title(name, catalogue) for name in names)))
