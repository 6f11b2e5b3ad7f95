"""What the consent page offers: each category with its steps, the accounts, and the spans of days to choose from."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.errors import PolicyRefused
from broker.grants.views import Grant
from broker.policy import Catalogue
from broker.policy.catalogue import Category, Field, Need, Purpose
from broker.policy.terms import CategoryTerm, Choice
from broker.policy.vocabulary import DETAIL_ORDER, PRECISION_ORDER, Detail, Precision
from broker.release import OwnAccount

_DURATIONS = (1, 7, 30, 60, 90, 180, 365)
_HISTORIES = (1, 7, 14, 30, 60, 90, 180, 365)


@dataclass(frozen=True, slots=True)
class Step:
    """One option of a select: what is sent, what is read, an example of it, and whether it is chosen."""

    value: str
    label: str
    example: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Span:
    """One option of a select of days: the number, the day it leads to, and whether it is chosen."""

    days: int
    at: datetime
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class OfferedCategory:
    """One category on the page. `later_fields` leave only with a higher step; its name stands beside them."""

    category: Category
    need: Need
    is_ticked: bool
    fields: tuple[Field, ...]
    later_fields: tuple[tuple[Field, str], ...]
    details: tuple[Step, ...]
    precisions: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """Everything that can be chosen. `durations` is empty for a single read-out."""

    purpose: Purpose
    categories: tuple[OfferedCategory, ...]
    not_asked: tuple[Category, ...]
    accounts: tuple[tuple[OwnAccount, bool], ...]
    durations: tuple[Span, ...]
    histories: tuple[Span, ...]


def offer_of(
    catalogue: Catalogue, proposal: Grant, accounts: list[OwnAccount], now: datetime, chosen: Choice | None = None
) -> Offer:
    """Build the offer of a proposal; `chosen` keeps what the person picked before a mistake.

    Raises:
        PolicyRefused: the policies have changed since the proposal was stored.
    """
    refuse_outdated(catalogue, proposal)
    asked = proposal.terms
    purpose = catalogue.purposes[asked.purpose]
    return Offer(
        purpose=purpose,
        categories=tuple(
            _category(catalogue.categories[term.name], purpose.needs[term.name], term, chosen)
            for term in asked.categories
        ),
        not_asked=tuple(c for name, c in catalogue.categories.items() if name not in asked.category_names),
        # Ticked for the person is none of them, not even an only one: their yes has to be theirs.
        accounts=tuple((one, chosen is not None and one.account_id in chosen.accounts) for one in accounts),
        durations=tuple(_durations(asked.duration_days, chosen, now)),
        histories=tuple(_histories(asked.lookback_days, chosen, now)),
    )


def refuse_outdated(catalogue: Catalogue, proposal: Grant) -> None:
    """Stop when the policies no longer know a word of what was asked: there are no words to show it with.

    Raises:
        PolicyRefused: the policies have changed since the proposal was stored.
    """
    if not proposal.terms.categories:
        raise PolicyRefused("The bank no longer offers any of what the app asked for. Nothing was shared or changed.")
    purpose = catalogue.purposes.get(proposal.terms.purpose)
    knows_terms = purpose is not None and all(
        term.name in purpose.needs and _knows(catalogue.categories.get(term.name), term)
        for term in proposal.terms.categories
    )
    if not knows_terms or proposal.bank_id not in catalogue.banks:
        raise PolicyRefused("The rules have changed since the app asked. Go back to the app and start again.")


def default_precision(category: Category, term: CategoryTerm) -> Precision | None:
    """Return the precision that counts when none is chosen: never finer than the catalogue's default."""
    if term.precision is None or category.default_precision is None:
        return term.precision
    return min(term.precision, category.default_precision, key=PRECISION_ORDER.index)


def _knows(category: Category | None, term: CategoryTerm) -> bool:
    return category is not None and category.has_steps(term)


def _category(category: Category, need: Need, term: CategoryTerm, chosen: Choice | None) -> OfferedCategory:
    least = CategoryTerm(
        category.name, DETAIL_ORDER[0] if term.detail else None, PRECISION_ORDER[0] if term.precision else None
    )
    first = category.fields_in(least)
    return OfferedCategory(
        category=category,
        need=need,
        is_ticked=category.name in chosen.categories if chosen else need.is_essential,
        fields=first,
        later_fields=tuple(
            (field, _step_title(category, field)) for field in category.fields_in(term) if field not in first
        ),
        details=tuple(_details(category, term, chosen)),
        precisions=tuple(_precisions(category, term, chosen)),
    )


def _step_title(category: Category, field: Field) -> str:
    if field.from_precision is not None:
        return category.precisions.get(field.from_precision, field.from_precision.value)
    return category.details.get(field.from_detail, field.from_detail.value) if field.from_detail is not None else ""


def _details(category: Category, term: CategoryTerm, chosen: Choice | None) -> Iterator[Step]:
    if term.detail is None:
        return
    picked = (chosen.details or {}).get(category.name) if chosen else None
    for step in (s for s in DETAIL_ORDER[: DETAIL_ORDER.index(term.detail) + 1] if s in category.details):
        is_chosen = step is (picked or Detail.BASIC)
        yield Step(step.value, category.details[step], "", is_chosen)


def _precisions(category: Category, term: CategoryTerm, chosen: Choice | None) -> Iterator[Step]:
    if term.precision is None:
        return
    picked = (chosen.precisions or {}).get(category.name) if chosen else None
    for step in (s for s in PRECISION_ORDER[: PRECISION_ORDER.index(term.precision) + 1] if s in category.precisions):
        is_chosen = step is (picked or default_precision(category, term))
        yield Step(step.value, category.precisions[step], category.precision_examples[step], is_chosen)


def _durations(asked: int | None, chosen: Choice | None, now: datetime) -> Iterator[Span]:
    """Offer shorter lives than what was asked; a single read-out has none to choose."""
    if asked is None:
        return
    picked = min(asked, chosen.duration_days) if chosen and chosen.duration_days else asked
    for number in sorted({n for n in (*_DURATIONS, picked) if n < asked} | {asked}):
        yield Span(number, now + timedelta(days=number), number == picked)


def _histories(asked: int, chosen: Choice | None, now: datetime) -> Iterator[Span]:
    picked = min(asked, chosen.lookback_days) if chosen and chosen.lookback_days else asked
    for number in sorted({n for n in (*_HISTORIES, picked) if n < asked} | {asked}):
        yield Span(number, now - timedelta(days=number), number == picked)
