"""What one request or one grant says: purpose, categories and figures; and what it means to be within another."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from broker.policy.vocabulary import DETAIL_ORDER, PRECISION_ORDER, Detail, DurationType, Precision


@dataclass(frozen=True, slots=True)
class CategoryTerm:
    """One category with the most detail and the finest precision that may leave (None where it has no steps)."""

    name: str
    detail: Detail | None = None
    precision: Precision | None = None

    def is_within(self, other: "CategoryTerm") -> bool:
        """Say whether this term lets out no more than the other."""
        return (
            self.name == other.name
            and _step(DETAIL_ORDER, self.detail) <= _step(DETAIL_ORDER, other.detail)
            and _step(PRECISION_ORDER, self.precision) <= _step(PRECISION_ORDER, other.precision)
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """All that one request or grant says. Days are whole days; `duration_days` is None for ONE_TIME.

    `unnamed` are the figures that a request left to the defaults: only these are cut to a bank's ceilings. It is no
    part of what is granted, so `to_json` leaves it out.
    """

    purpose: str
    categories: tuple[CategoryTerm, ...]
    duration_type: DurationType
    duration_days: int | None
    lookback_days: int
    frequency_per_day: int
    data_life_days: int
    bank: str | None = None
    unnamed: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def category_names(self) -> tuple[str, ...]:
        """Return the names of the categories, in the order asked."""
        return tuple(term.name for term in self.categories)

    def category(self, name: str) -> CategoryTerm | None:
        """Return the term of one category, None when the terms do not name it."""
        return next((term for term in self.categories if term.name == name), None)

    def is_within(self, other: "Terms") -> bool:
        """Say whether these terms are nowhere wider than the other (invariant 5)."""
        return (
            self.purpose == other.purpose
            and self.duration_type == other.duration_type
            and (other.bank is None or self.bank == other.bank)
            and (self.duration_days or 0) <= (other.duration_days or 0)
            and self.lookback_days <= other.lookback_days
            and self.frequency_per_day <= other.frequency_per_day
            and self.data_life_days <= other.data_life_days
            and all(any(mine.is_within(theirs) for theirs in other.categories) for mine in self.categories)
        )

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain JSON values; `from_json` reads them back."""
        return {
            "purpose": self.purpose,
            "categories": [
                {"name": t.name, "detail": t.detail and t.detail.value, "precision": t.precision and t.precision.value}
                for t in self.categories
            ],
            "durationType": self.duration_type.value,
            "durationDays": self.duration_days,
            "lookbackDays": self.lookback_days,
            "frequencyPerDay": self.frequency_per_day,
            "dataLifeDays": self.data_life_days,
            "bank": self.bank,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Terms":
        """Read what `to_json` wrote."""
        return cls(
            purpose=value["purpose"],
            categories=tuple(
                CategoryTerm(
                    name=item["name"],
                    detail=Detail(item["detail"]) if item["detail"] else None,
                    precision=Precision(item["precision"]) if item["precision"] else None,
                )
                for item in value["categories"]
            ),
            duration_type=DurationType(value["durationType"]),
            duration_days=value["durationDays"],
            lookback_days=value["lookbackDays"],
            frequency_per_day=value["frequencyPerDay"],
            data_life_days=value["dataLifeDays"],
            bank=value["bank"],
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person picked on the consent page: names of categories and the steps they chose.

    `details` and `precisions` map a category's name to the chosen step; a missing one takes what was asked: the page
    must name its own default. Days are None where the page offered no choice. `notice` is the SHA-256 of the notices
    that the page showed, in hexadecimal; empty when it was not said: then those of the request count.
    """

    categories: tuple[str, ...]
    accounts: tuple[str, ...]
    duration_days: int | None = None
    lookback_days: int | None = None
    details: Mapping[str, Detail] | None = None
    precisions: Mapping[str, Precision] | None = None
    notice: str = ""


def narrowed(asked: Terms, choice: Choice, bank: str) -> Terms:
    """Return the terms that the choice leaves of what was asked, at one bank.

    The result may be wider than what was asked where the choice is: the caller must check `is_within`
    and refuse, so that a forged form is answered with an error instead of being silently trimmed.
    """
    details = choice.details or {}
    precisions = choice.precisions or {}
    kept = tuple(
        replace(
            term,
            detail=details.get(term.name, term.detail) if term.detail else None,
            precision=precisions.get(term.name, term.precision) if term.precision else None,
        )
        for term in asked.categories
        if term.name in choice.categories
    )
    return replace(
        asked,
        categories=kept,
        bank=bank,
        duration_days=asked.duration_days if choice.duration_days is None else choice.duration_days,
        lookback_days=asked.lookback_days if choice.lookback_days is None else choice.lookback_days,
    )


def _step(order: tuple[Any, ...], value: Any) -> int:
    """Return the position of a step, -1 for none: nothing is within a step but its equals and lesser ones."""
    return order.index(value) if value is not None else -1
