"""Never wider: every step yields a subset of what stood before it (invariant 5)."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import ConsentRefused
from broker.grants.consents import chosen_terms
from broker.policy.terms import CategoryTerm, Choice, Terms, narrowed
from broker.policy.vocabulary import Detail, DurationType, Precision
from tests.support.core import DATA

NUMBERS = st.integers(-2, 4)
DETAILS = st.none() | st.sampled_from(Detail)
PRECISIONS = st.none() | st.sampled_from(Precision)
CATEGORY_TERMS = st.builds(CategoryTerm, st.sampled_from(DATA), DETAILS, PRECISIONS)
TERMS = st.builds(
    Terms,
    purpose=st.sampled_from(["chat_banking", "balance_check"]),
    categories=st.lists(CATEGORY_TERMS, max_size=3, unique_by=lambda term: term.name).map(tuple),
    duration_type=st.sampled_from(DurationType),
    duration_days=st.none() | NUMBERS,
    lookback_days=NUMBERS,
    frequency_per_day=NUMBERS,
    data_life_days=NUMBERS,
    bank=st.none() | st.sampled_from(["harbor", "meridian"]),
)
CHOICES = st.builds(
    Choice,
    categories=st.lists(st.sampled_from([*DATA, "thoughts"]), max_size=5).map(tuple),
    accounts=st.lists(st.sampled_from(["acc-1", "acc-2", "acc-9"]), max_size=3).map(tuple),
    duration_days=st.none() | NUMBERS,
    lookback_days=st.none() | NUMBERS,
    details=st.none() | st.dictionaries(st.sampled_from(DATA), st.sampled_from(Detail)),
    precisions=st.none() | st.dictionaries(st.sampled_from(DATA), st.sampled_from(Precision)),
)


@st.composite
def consents(draw: st.DrawFn) -> tuple[Terms, Choice]:
    """Draw a request and a choice of some of its categories, mostly with figures and steps near those asked."""
    days = st.integers(1, 3)
    kept = draw(st.lists(CATEGORY_TERMS, min_size=1, max_size=3, unique_by=lambda term: term.name))
    asked = replace(draw(TERMS), categories=tuple(kept), lookback_days=draw(days), duration_days=draw(days))
    names = draw(st.lists(st.sampled_from(asked.category_names), min_size=1, max_size=3, unique=True))
    choice = replace(draw(CHOICES), categories=tuple(names), accounts=("acc-1",))
    if draw(st.booleans()):
        choice = replace(choice, duration_days=draw(st.none() | days), lookback_days=draw(st.none() | days))
    return asked, choice


@given(TERMS)
def test_everything_is_within_itself(terms: Terms) -> None:
    assert terms.is_within(terms)


@given(TERMS, TERMS, TERMS)
def test_within_is_transitive(first: Terms, second: Terms, third: Terms) -> None:
    if first.is_within(second) and second.is_within(third):
        assert first.is_within(third)


@given(CATEGORY_TERMS, CATEGORY_TERMS, CATEGORY_TERMS)
def test_within_is_transitive_for_categories(first: CategoryTerm, second: CategoryTerm, third: CategoryTerm) -> None:
    if first.is_within(second) and second.is_within(third):
        assert first.is_within(third)


@given(CATEGORY_TERMS, CATEGORY_TERMS)
def test_two_categories_within_each_other_are_equal(first: CategoryTerm, second: CategoryTerm) -> None:
    if first.is_within(second) and second.is_within(first):
        assert first == second


@given(TERMS, TERMS)
def test_two_terms_within_each_other_let_out_the_same(first: Terms, second: Terms) -> None:
    if first.is_within(second) and second.is_within(first):
        assert set(first.categories) == set(second.categories)
        same = replace(first, categories=(), duration_days=first.duration_days or 0)
        assert same == replace(second, categories=(), duration_days=second.duration_days or 0)


@given(TERMS, st.sampled_from(["purpose", "lookback_days", "frequency_per_day", "data_life_days", "duration_days"]))
def test_terms_that_are_wider_in_one_figure_are_not_within(terms: Terms, name: str) -> None:
    value = getattr(terms, name)
    change: dict[str, Any] = {name: "other" if name == "purpose" else max(value or 0, 0) + 1}
    wider = replace(terms, **change)
    assert not wider.is_within(terms)


@given(TERMS, CATEGORY_TERMS)
def test_a_category_more_is_not_within(terms: Terms, more: CategoryTerm) -> None:
    if terms.category(more.name) is None:
        assert not replace(terms, categories=(*terms.categories, more)).is_within(terms)
        assert terms.is_within(replace(terms, categories=(*terms.categories, more)))


@settings(max_examples=250)
@given(consents() | st.tuples(TERMS, CHOICES))
def test_a_choice_is_either_within_what_was_asked_or_refused(consent: tuple[Terms, Choice]) -> None:
    asked, choice = consent
    bank = asked.bank or "harbor"
    try:
        terms = chosen_terms(asked, choice, bank, {"acc-1", "acc-2"})
    except ConsentRefused as refusal:
        code: str | None = refusal.code
    else:
        code = None
        assert terms.is_within(asked)
        assert terms.bank == bank
        assert set(terms.category_names) == set(choice.categories) != set()
        assert set(choice.accounts) <= {"acc-1", "acc-2"}
        assert terms.lookback_days >= 1
    assert code in {None, "consent-empty", "consent-too-wide"}


@given(TERMS, CHOICES)
def test_a_choice_never_adds_a_category_that_was_not_asked(asked: Terms, choice: Choice) -> None:
    assert set(narrowed(asked, choice, "harbor").category_names) <= set(asked.category_names)
    assert narrowed(asked, choice, "harbor").frequency_per_day == asked.frequency_per_day


@given(TERMS)
def test_a_choice_at_another_bank_than_was_asked_is_not_within(asked: Terms) -> None:
    elsewhere = narrowed(asked, Choice(asked.category_names, ()), "elsewhere")
    assert elsewhere.is_within(asked) is (asked.bank is None)
