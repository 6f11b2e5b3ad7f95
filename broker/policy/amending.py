"""What a merge of two terms may reach at most: their union, and nothing beyond."""

from dataclasses import replace

from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import DETAIL_ORDER, PRECISION_ORDER, Detail, Precision


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


def _frame(terms: Terms) -> tuple[object, ...]:
    return terms.purpose, terms.duration_type, terms.bank


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
