"""What lies between two versions of terms, for those who are to see it: a person on a page, a reader of the log."""

from collections.abc import Mapping
from dataclasses import dataclass

from broker.policy.terms import Terms


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


def _figures(terms: Terms) -> dict[str, int | None]:
    return {
        "durationDays": terms.duration_days,
        "lookbackDays": terms.lookback_days,
        "frequencyPerDay": terms.frequency_per_day,
        "dataLifeDays": terms.data_life_days,
    }
