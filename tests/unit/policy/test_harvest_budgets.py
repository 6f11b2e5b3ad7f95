"""What a read counts against, which budget it breaks, and which mistakes in `harvest.yaml` are refused."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import ConfigurationInvalid
from broker.policy.budgets import budgets
from broker.policy.files import read_yaml
from broker.policy.harvest import LENGTH_S, Budget, Budgets, Counter, Known, Span, Tally, breached, counted, nearest
from broker.settings import default_policies_dir
from tests.support.core import policies

DAY = 86_400
NOON = 20_000 * DAY + DAY // 2
SHIPPED = policies().harvest
EVERY = [{"counts": c.value, "within": s.value, "base": 5, "of_10000": 5} for c in Counter for s in Span]


@pytest.mark.parametrize(
    ("silence_days", "found"),
    [
        (0, (Counter.READS,)),
        (6.9, (Counter.READS,)),
        (7, (Counter.READS, Counter.AFTER_A_WEEK)),
        (27.9, (Counter.READS, Counter.AFTER_A_WEEK)),
        (28, (Counter.READS, Counter.AFTER_A_WEEK, Counter.AFTER_A_MONTH)),
        (83.9, (Counter.READS, Counter.AFTER_A_WEEK, Counter.AFTER_A_MONTH)),
        (84, (Counter.READS, Counter.AFTER_A_WEEK, Counter.AFTER_A_MONTH, Counter.AFTER_A_SEASON)),
        (4_000, (Counter.READS, Counter.AFTER_A_WEEK, Counter.AFTER_A_MONTH, Counter.AFTER_A_SEASON)),
    ],
)
def test_a_person_counts_by_how_long_nothing_was_read(silence_days: float, found: tuple[Counter, ...]) -> None:
    last = NOON - round(silence_days * DAY)
    assert counted(Known(agreed_s=last - DAY, read_s=last), NOON) == found
    assert counted(Known(agreed_s=last), NOON) == found


def test_who_has_just_agreed_is_there_whatever_was_read_before() -> None:
    known = Known(agreed_s=NOON - 60, read_s=NOON - 400 * DAY, reached_s=NOON - 400 * DAY)
    assert counted(known, NOON, NOON - 900 * DAY) == (Counter.READS,)


@pytest.mark.parametrize(
    ("reached_days", "oldest_days", "is_further"),
    [(60, 60, False), (60, 87, False), (60, 88, True), (60, 365, True), (365, 365, False), (None, 1, True)],
)
def test_reading_further_back_than_ever_counts(reached_days: int | None, oldest_days: int, *, is_further: bool) -> None:
    reached = None if reached_days is None else NOON - reached_days * DAY
    known = Known(NOON - 2 * DAY, NOON - DAY, reached)
    assert (Counter.FURTHER_BACK in counted(known, NOON, NOON - oldest_days * DAY)) is is_further
    assert Counter.FURTHER_BACK not in counted(known, NOON)


def test_history_that_moves_on_with_the_days_is_not_further_back() -> None:
    known = Known(NOON - 400 * DAY, NOON - 300 * DAY, NOON - 360 * DAY)
    assert Counter.FURTHER_BACK not in counted(known, NOON, NOON - 365 * DAY)


def test_a_read_is_known_of_the_person_from_then_on() -> None:
    known = Known(NOON - 9 * DAY).after(NOON, NOON - 30 * DAY)
    assert known == Known(NOON - 9 * DAY, NOON, NOON - 30 * DAY)
    assert known.after(NOON - 5, NOON - 3 * DAY) == known
    assert known.after(NOON + 5, None) == Known(NOON - 9 * DAY, NOON + 5, NOON - 30 * DAY)


def test_counters_begin_anew_with_their_span_and_never_for_a_clock_that_steps_back() -> None:
    tally = Tally()
    tally.begin(NOON)
    tally.add(Known(NOON - 2 * DAY), (Counter.READS,))
    for later_s, left in ((NOON + 3_599, 3), (NOON + 3_600, 2), (NOON - DAY, 2), (NOON + DAY, 1), (NOON + 28 * DAY, 0)):
        tally.begin(later_s)
        assert sum(counts[Counter.READS] for counts in tally.counts.values()) == left


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 90 * DAY), st.integers(0, 5), st.booleans()), max_size=40))
def test_people_are_counted_once_in_each_span_and_counters_survive_storage(reads: list[tuple[int, int, bool]]) -> None:
    tally, people = Tally(), {number: Known(NOON - 200 * DAY) for number in range(6)}
    seen: dict[Span, set[int]] = {span: set() for span in Span}
    for offset, person, _ in sorted(reads):
        at_s = NOON + offset
        before = dict(tally.since_s)
        tally.begin(at_s)
        for span in Span:
            if tally.since_s[span] != before[span]:
                seen[span] = set()
            seen[span].add(person)
        tally.add(people[person], counted(people[person], at_s))
        people[person] = people[person].after(at_s, None)
        assert {span: tally.counts[span][Counter.PEOPLE] for span in Span} == {s: len(p) for s, p in seen.items()}
        assert Tally.from_json(tally.to_json()) == tally
        assert all(tally.since_s[span] % LENGTH_S[span] == 0 for span in Span)


def test_a_sum_takes_in_what_other_banks_count_in_the_same_spans_alone() -> None:
    here, there, old = Tally(), Tally(), Tally()
    for tally, at_s in ((here, NOON), (there, NOON), (old, NOON - 40 * DAY)):
        tally.begin(at_s)
        tally.add(Known(NOON), (Counter.READS,))
    assert here.plus([there, old]).counts[Span.HOUR][Counter.READS] == 2
    assert here.counts[Span.HOUR][Counter.READS] == 1


def test_a_budget_has_room_until_its_ceiling_and_the_nearest_is_told() -> None:
    small, large = Budget(Counter.READS, Span.DAY, 2, 1), Budget(Counter.PEOPLE, Span.DAY, 50, 10_000)
    both, tally = Budgets((large, small)), Tally()
    tally.begin(NOON)
    assert (small.ceiling(0), small.ceiling(9_999), small.ceiling(30_000)) == (2, 2, 5)
    for left in (2, 1, 0):
        rooms = both.touched(tally, 0, Known(NOON, NOON - 2 * DAY), (Counter.READS,))
        room = nearest(rooms, volume=True)
        assert room is not None
        assert room.ceiling - room.count == left
        broken = breached(rooms)
        assert (broken is not None and broken.budget) == (left == 0 and small)
        tally.add(Known(NOON, NOON), (Counter.READS,))
    assert nearest([], volume=True) is None


def test_the_shipped_budgets_are_read() -> None:
    shipped = yaml.safe_load((default_policies_dir() / "harvest.yaml").read_text())
    assert len(SHIPPED.all) == len(shipped["budgets"])
    assert {budget.counter for budget in SHIPPED.all} == set(Counter)


MISTAKES: list[tuple[Any, str]] = [
    ({"version": 2, "budgets": EVERY}, "version"),
    ({"version": 1, "budgets": EVERY, "off": True}, "off"),
    ({"version": 1, "budgets": []}, "budgets"),
    ({"version": 1, "budgets": EVERY[:-3]}, "further_back within a hour"),
    ({"version": 1, "budgets": [*EVERY, EVERY[0]]}, "twice"),
    ({"version": 1, "budgets": [*EVERY[1:], EVERY[0] | {"counts": "thoughts"}]}, "counts"),
    ({"version": 1, "budgets": [*EVERY[1:], EVERY[0] | {"within": "year"}]}, "within"),
    ({"version": 1, "budgets": [*EVERY[1:], EVERY[0] | {"base": 0}]}, "base"),
    ({"version": 1, "budgets": [*EVERY[1:], EVERY[0] | {"of_10000": 1.5}]}, "of_10000"),
    ({"version": 1, "budgets": [*EVERY[1:], EVERY[0] | {"of_10000": True}]}, "of_10000"),
    ({"version": 1, "budgets": [*EVERY[1:], EVERY[0] | {"ceilling": 5}]}, "ceilling"),
    ({"version": 1, "budgets": [*EVERY[1:], {"within": "day", "base": 5, "of_10000": 5}]}, "counts"),
]


@pytest.mark.parametrize(("value", "named"), MISTAKES)
def test_a_mistake_among_the_budgets_is_refused_with_its_place(value: Any, named: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        budgets(read_yaml({"harvest.yaml": yaml.safe_dump(value).encode()}, "harvest.yaml"))
    assert refused.value.detail.startswith("harvest.yaml")
    assert named in refused.value.detail
