"""Amending: what a merge may reach at most, and what is said to have changed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.policy.amending import merged
from broker.policy.difference import difference
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import Detail, DurationType, Precision
from tests.support.core import DATA

DAYS = st.integers(1, 4)
STEPS = st.builds(
    CategoryTerm,
    st.sampled_from(DATA),
    st.none() | st.sampled_from(Detail),
    st.none() | st.sampled_from(Precision),
)
TERMS = st.builds(
    Terms,
    purpose=st.just("chat_banking"),
    categories=st.lists(STEPS, min_size=1, max_size=4, unique_by=lambda term: term.name).map(tuple),
    duration_type=st.just(DurationType.TIME_BOUND),
    duration_days=DAYS,
    lookback_days=DAYS,
    frequency_per_day=DAYS,
    data_life_days=DAYS,
    bank=st.just("harbor"),
)


@given(TERMS, TERMS)
def test_a_merge_holds_both_and_nothing_beyond(present: Terms, asked: Terms) -> None:
    both = merged(present, asked)
    assert present.is_within(both)
    assert asked.is_within(both)
    assert set(both.category_names) == {*present.category_names, *asked.category_names}
    for name in ("duration_days", "lookback_days", "frequency_per_day", "data_life_days"):
        assert getattr(both, name) in {getattr(present, name), getattr(asked, name)}
    for term in both.categories:
        sources = [found for terms in (present, asked) if (found := terms.category(term.name)) is not None]
        assert term.detail in {source.detail for source in sources}
        assert term.precision in {source.precision for source in sources}


@given(TERMS)
def test_merging_what_is_there_changes_nothing(terms: Terms) -> None:
    assert merged(terms, terms) == terms


@given(TERMS, TERMS, TERMS)
def test_whatever_holds_both_holds_their_merge(present: Terms, asked: Terms, other: Terms) -> None:
    if present.is_within(other) and asked.is_within(other):
        assert merged(present, asked).is_within(other)


@given(TERMS, TERMS)
def test_no_difference_means_the_same_terms_and_the_other_way_round(before: Terms, after: Terms) -> None:
    found = difference(before, after)
    is_same = not (found.added or found.removed or found.more or found.less or found.figures)
    assert is_same == (before.is_within(after) and after.is_within(before))
    back = difference(after, before)
    assert (set(back.added), set(back.removed)) == (set(found.removed), set(found.added))
    assert (set(back.more), set(back.less)) == (set(found.less), set(found.more))


@pytest.mark.parametrize(
    "other",
    [{"purpose": "balance_check"}, {"bank": "meridian"}, {"duration_type": DurationType.ONE_TIME}],
)
def test_two_purposes_banks_or_kinds_of_duration_never_become_one_grant(other: dict[str, str]) -> None:
    terms = Terms("chat_banking", (CategoryTerm("balances"),), DurationType.TIME_BOUND, 1, 1, 1, 1, "harbor")
    with pytest.raises(ValueError, match="one grant"):
        merged(terms, replace(terms, **other))  # type: ignore[arg-type]  # parametrised


def test_every_change_is_told_under_its_own_word() -> None:
    before = Terms(
        "chat_banking",
        (
            CategoryTerm("accounts"),
            CategoryTerm("balances"),
            CategoryTerm("transactions", Detail.BASIC),
            CategoryTerm("card_locations", None, Precision.EXACT),
        ),
        DurationType.TIME_BOUND,
        90,
        60,
        4,
        30,
        "harbor",
    )
    after = replace(
        before,
        categories=(
            CategoryTerm("transactions", Detail.DETAIL),
            CategoryTerm("card_locations", None, Precision.TOWN),
            CategoryTerm("balances"),
            CategoryTerm("fraud_alerts"),
        ),
        duration_days=30,
        data_life_days=60,
    )
    found = difference(before, after)
    assert (found.added, found.removed) == (("fraud_alerts",), ("accounts",))
    assert (found.more, found.less) == (("transactions",), ("card_locations",))
    assert found.figures == {"durationDays": (90, 30), "dataLifeDays": (30, 60)}
