"""What amending makes of terms: the union that a merge may reach at most, and the difference between two versions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import DETAIL_ORDER, PRECISION_ORDER, Detail, Precision


@dataclass(frozen=True, slots=True)
class Difference:
    """What lies between two versions of one grant's terms.

    `added`, `removed`, `more` and `less` name categories; `figures` maps what has changed to before and after.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    more: tuple[str, ...]
    less: tuple[str, ...]
    figures: Mapping[str, tuple[int | None, int | None]]


def merged(present: Terms, asked: Terms) -> Terms:
    """Return the least terms that hold both: all categories, of each the higher step, of figures the larger.

    Raises:
        ValueError: purpose, kind of duration or bank differ; such terms never become one grant.
    """
    if _frame(present) != _frame(asked):
        raise ValueError("these terms cannot be one grant")
    kept = tuple(_higher(term, asked.category(term.name)) for term in present.categories)
    further = tuple(term for term in asked.categories if present.category(term.name) is None)
    return replace(
        present,
        categories=kept + further,
        duration_days=max(present.duration_days or 0, asked.duration_days or 0) or None,
        lookback_days=max(present.lookback_days, asked.lookback_days),
        frequency_per_day=max(present.frequency_per_day, asked.frequency_per_day),
        data_life_days=max(present.data_life_days, asked.data_life_days),
    )


def difference(before: Terms, after: Terms) -> Difference:
    """Return what changes from one version of terms to another."""
    pairs = [(term, after.category(term.name)) for term in before.categories]
    old, new = _figures(before), _figures(after)
    return Difference(
        added=tuple(name for name in after.category_names if before.category(name) is None),
        removed=tuple(term.name for term, later in pairs if later is None),
        more=tuple(term.name for term, later in pairs if later is not None and not later.is_within(term)),
        less=tuple(term.name for term, later in pairs if later is not None and not term.is_within(later)),
        figures={name: (old[name], new[name]) for name in old if old[name] != new[name]},
    )


def _frame(terms: Terms) -> tuple[object, ...]:
    return terms.purpose, terms.duration_type, terms.bank


def _figures(terms: Terms) -> dict[str, int | None]:
    return {
        "durationDays": terms.duration_days,
        "lookbackDays": terms.lookback_days,
        "frequencyPerDay": terms.frequency_per_day,
        "dataLifeDays": terms.data_life_days,
    }


def _higher(one: CategoryTerm, other: CategoryTerm | None) -> CategoryTerm:
    if other is None:
        return one
    details: set[Detail | None] = {one.detail, other.detail}
    precisions: set[Precision | None] = {one.precision, other.precision}
    return CategoryTerm(
        one.name,
        next((step for step in reversed(DETAIL_ORDER) if step in details), None),
        next((step for step in reversed(PRECISION_ORDER) if step in precisions), None),
    )
