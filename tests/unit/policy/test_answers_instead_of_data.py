"""Answers instead of data: yes and no only where it is certain, and nothing finer than the steps of the policies."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import InvalidRequest
from broker.policy.answers import AmountQuestion, PlaceQuestion, Questions, plain_name
from broker.policy.minimise import Limits, Record, minimise
from broker.policy.terms import CategoryTerm
from tests.support.core import NOON, policies

HOUR = NOON.replace(microsecond=0)
BALANCE = {"accountId": "acc-1", "currentBalance": Decimal(900), "availableBalance": Decimal(60), "currency": "GBP"}
LEEDS = {"country": "GB", "region": "West Yorkshire", "townName": "Leeds", "postCode": "LS1 4AP"}
LONG_AGO = NOON - timedelta(days=60)


def rules_of(category: str) -> Questions:
    rules = policies().categories[category].questions
    assert rules is not None
    return rules


def asks_amount(at_least: str = "50", currency: str = "GBP") -> AmountQuestion:
    return AmountQuestion.of(rules_of("balance_answers"), at_least=at_least, currency=currency, now=NOON)


def asks_place(country: str = "GB", town: str | None = "Leeds", since: str = "P1D") -> PlaceQuestion:
    return PlaceQuestion.of(rules_of("location_answers"), country=country, town=town, since=since, now=NOON)


def answers(question: AmountQuestion | PlaceQuestion, *records: Record, oldest_at: datetime = LONG_AGO) -> Record:
    """Answer through the function that everything passes that leaves."""
    name = "balance_answers" if isinstance(question, AmountQuestion) else "location_answers"
    limits = Limits(policies().categories[name], CategoryTerm(name), frozenset({"acc-1"}), oldest_at, question)
    (told,) = minimise(limits, records)
    return told


def use(hours_ago: float = 1, channel: str = "in_store", **place: Any) -> Record:
    record = {"accountId": "acc-1", "occurredOn": NOON - timedelta(hours=hours_ago), "channel": channel}
    return record | ({"address": place} if place else {})


@pytest.mark.parametrize(
    ("available", "told"), [("50", "yes"), ("50.01", "yes"), ("49.99", "no"), ("-0.01", "no"), ("0", "no")]
)
def test_the_balance_that_can_be_spent_decides_and_not_the_booked_one(available: str, told: str) -> None:
    found = answers(asks_amount(), BALANCE | {"availableBalance": Decimal(available), "asOf": NOON})
    assert found == {"answer": told, "asOf": HOUR}


UNCERTAIN: dict[str, dict[str, Any]] = {
    "another currency": {"currency": "EUR"},
    "no available balance": {"availableBalance": None},
    "an old balance": {"asOf": NOON - timedelta(hours=24, microseconds=1)},
    "another account": {"accountId": "acc-2"},
}


@pytest.mark.parametrize("change", UNCERTAIN.values(), ids=UNCERTAIN)
def test_an_uncertain_balance_is_told_as_unknown(change: dict[str, Any]) -> None:
    assert answers(asks_amount(), BALANCE | {"asOf": NOON} | change)["answer"] == "unknown"


def test_a_balance_is_young_enough_for_just_a_day() -> None:
    assert answers(asks_amount(), BALANCE | {"asOf": NOON - timedelta(hours=24)})["answer"] == "yes"


def test_without_a_balance_or_with_two_the_answer_is_unknown() -> None:
    assert answers(asks_amount())["answer"] == "unknown"
    assert answers(asks_amount(), *[BALANCE | {"asOf": NOON}] * 2)["answer"] == "unknown"


def test_the_hour_of_a_balance_is_told_and_never_one_to_come() -> None:
    late, early = NOON + timedelta(hours=5), NOON - timedelta(hours=2, minutes=1)
    assert answers(asks_amount(), BALANCE | {"asOf": late})["asOf"] == HOUR
    assert answers(asks_amount(), BALANCE | {"asOf": early})["asOf"] == HOUR - timedelta(hours=3)


@pytest.mark.parametrize(
    "at_least", ["0", "1", "49", "51", "50.5", "50.00", "-50", "5e1", "\u0665\u0660", "", "NaN", "20000"]
)
def test_only_the_amounts_of_the_policies_can_be_asked_for(at_least: str) -> None:
    with pytest.raises(InvalidRequest, match="one of 10, 20, 50, ") as refused:
        asks_amount(at_least)
    assert refused.value.code == "question-too-fine"


@pytest.mark.parametrize("since", ["PT1H", "PT5H", "PT24H", "P2D", "P1Y", "2026-11-22T11:00:00Z", "", "p1d"])
def test_only_the_spans_of_the_policies_can_be_asked_for(since: str) -> None:
    with pytest.raises(InvalidRequest, match="one of PT6H, P1D, P3D, P7D, P30D"):
        asks_place(since=since)


PLACES: dict[str, tuple[list[Record], str]] = {
    "nothing": ([], "no"),
    "there": ([use(**LEEDS)], "yes"),
    "there, spelt otherwise": ([use(country="GB", townName=" LÉEDS. ")], "yes"),
    "another town": ([use(country="GB", townName="York")], "no"),
    "the same name in another country": ([use(country="US", townName="Leeds")], "no"),
    "a town that only begins like it": ([use(country="GB", townName="Leeds Bradford")], "no"),
    "there and elsewhere": ([use(country="FR"), use(**LEEDS)], "yes"),
    "before the time asked about": ([use(25.1, **LEEDS)], "no"),
    "the country without the town": ([use(country="GB")], "unknown"),
    "another country without the town": ([use(country="FR")], "no"),
    "a town of dots": ([use(country="GB", townName="...")], "unknown"),
    "in a shop that the bank does not place": ([use()], "unknown"),
    "online only": ([use(channel="online")], "unknown"),
    "online with the shop's seat": ([use(channel="online", **LEEDS)], "unknown"),
    "online, and elsewhere": ([use(channel="online"), use(country="FR")], "no"),
    "online long ago": ([use(30, channel="online")], "no"),
    "at a cash machine there": ([use(channel="atm", **LEEDS)], "yes"),
    "of another account": ([use(**LEEDS) | {"accountId": "acc-2"}], "no"),
}


@pytest.mark.parametrize(("records", "told"), PLACES.values(), ids=PLACES)
def test_a_place_is_told_only_where_it_is_certain(records: list[Record], told: str) -> None:
    assert answers(asks_place(), *records) == {"answer": told, "asOf": HOUR}


@pytest.mark.parametrize(("records", "told"), [([use(country="GB")], "yes"), ([use(country="FR")], "no")])
def test_a_country_alone_can_be_asked_for(records: list[Record], told: str) -> None:
    assert answers(asks_place(town=None), *records)["answer"] == told


def test_a_span_begins_on_the_hour() -> None:
    assert asks_place(since="PT6H").oldest_at == HOUR - timedelta(hours=6)


def test_a_question_about_longer_than_the_history_is_answered_with_yes_or_unknown() -> None:
    oldest_at = NOON - timedelta(hours=12)
    assert answers(asks_place(), use(**LEEDS), oldest_at=oldest_at)["answer"] == "yes"
    assert answers(asks_place(), use(20, **LEEDS), oldest_at=oldest_at)["answer"] == "unknown"
    assert answers(asks_place(), oldest_at=oldest_at)["answer"] == "unknown"


@pytest.mark.parametrize("town", ["...", "", " ", "\u0301"])
def test_a_town_without_a_name_cannot_be_asked_for(town: str) -> None:
    with pytest.raises(InvalidRequest, match="townName"):
        asks_place(town=town)


@pytest.mark.parametrize(
    ("one", "other"),
    [("São Paulo", "SAO PAULO"), ("St. Ives", "st ives"), ("Straße", "STRASSE"), ("L'Aquila", "L Aquila")],
)
def test_spellings_of_one_town_are_one_name(one: str, other: str) -> None:
    assert plain_name(one) == plain_name(other)


def test_names_that_differ_in_a_vowel_sign_stay_two() -> None:
    assert plain_name("กา") != plain_name("กิ")
    assert plain_name("दिल्ली") != plain_name("दल्ल")


TEXTS = st.none() | st.text(max_size=6) | st.sampled_from(["Leeds", "GB", "LEEDS ", "FR"])
USES = st.lists(
    st.builds(
        lambda hours, channel, country, town: use(hours, channel, country=country, townName=town),
        st.floats(0, 40),
        st.sampled_from(["in_store", "online", "atm"]),
        TEXTS,
        TEXTS,
    ),
    max_size=5,
)


@given(USES)
def test_whatever_the_records_nothing_but_answer_and_hour_comes_out(records: list[Record]) -> None:
    found = answers(asks_place(), *records)
    assert found == {"answer": found["answer"], "asOf": HOUR}
    assert found["answer"] in {"yes", "no", "unknown"}


@given(USES, USES)
def test_more_records_never_take_back_a_yes(some: list[Record], more: list[Record]) -> None:
    if answers(asks_place(), *some)["answer"] == "yes":
        assert answers(asks_place(), *some, *more)["answer"] == "yes"


@given(st.sampled_from(["balance_answers", "location_answers"]), USES)
def test_without_a_question_nothing_comes_out_of_a_category_of_answers(name: str, records: list[Record]) -> None:
    limits = Limits(policies().categories[name], CategoryTerm(name), frozenset({"acc-1"}), LONG_AGO)
    assert minimise(limits, records) == []


def test_a_question_never_opens_a_category_of_data() -> None:
    limits = Limits(
        policies().categories["balances"], CategoryTerm("balances"), frozenset({"acc-1"}), LONG_AGO, asks_amount()
    )
    assert minimise(limits, [BALANCE | {"asOf": NOON}]) == []


@pytest.mark.parametrize("name", ["balance_answers", "location_answers"])
def test_people_are_told_how_often_they_can_be_asked_about(name: str) -> None:
    category, rules = policies().categories[name], rules_of(name)
    assert f"up to {rules.most_per_day} times a day" in category.summary
    assert f"up to {rules.most_per_day} times a day" in category.notice
