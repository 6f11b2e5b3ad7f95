"""What the form of a bank's facts shows in its fields: the facts in force, or what was sent and cannot be accepted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from broker.banks.facts import LONGEST_REASON
from broker.errors import InvalidRequest
from broker.policy.catalogue import BankFacts
from broker.policy.facts import FIGURES
from broker.web.facts_form import TITLES

_CHANGED = "facts-changed"
_LONGEST_SHOWN = 4 * LONGEST_REASON
_LONGEST_FIGURE = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields as texts and ticks. `error` says what to correct, `place` is the id of the field where."""

    categories: Collection[str]
    purposes: Collection[str]
    joint_accounts: bool
    figures: Mapping[str, str]
    reason: str = ""
    error: str | None = None
    place: str = "facts"


def in_force(facts: BankFacts) -> Draft:
    """Return the form as it is before anybody has written into it."""
    figures = {name: str(getattr(facts, name)) for name in FIGURES}
    return Draft(facts.categories, facts.purposes, facts.joint_accounts, figures)


def to_be_mended(sent: MultiDict[str, str], facts: BankFacts, error: InvalidRequest) -> Draft:
    """Return the form as it was sent, with what is wrong about it.

    Of a form that was made from older facts only the reason is kept: sent again as it was, it would undo a change that
    its sender has not seen.
    """
    reason = sent.get("reason", "").replace("\0", "")[:_LONGEST_SHOWN]
    if error.code == _CHANGED:
        now = in_force(facts)
        told = gettext("The facts have changed meanwhile. Below they stand as they are now; your reason is kept.")
        return Draft(now.categories, now.purposes, now.joint_accounts, now.figures, reason, told)
    place = next((name for name in (*FIGURES, "reason") if f"“{name}”" in error.detail), "facts")
    return Draft(
        categories=sent.getlist("category"),
        purposes=sent.getlist("purpose"),
        joint_accounts=sent.get("joint_accounts") == "yes",
        figures={name: sent.get(name, "").replace("\0", "")[:_LONGEST_FIGURE] for name in FIGURES},
        reason=reason,
        error=_words(place) or error.detail,
        place=place,
    )


def _words(place: str) -> str | None:
    """Say of a field what it takes: its name in the form means nothing to people."""
    if place == "reason":
        return gettext("Give a reason of at most %(most)s visible characters.", most=LONGEST_REASON)
    return gettext("%(what)s: write a whole number from 1.", what=TITLES[place]) if place in TITLES else None
