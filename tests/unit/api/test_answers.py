"""Answers instead of data, from the outside: what is asked, counted and logged, and that nothing else leaves."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.test import TestResponse

from broker.audit.reader import Page, of_user
from broker.banks.connector import BankBalance, CardUse, Channel, Place
from broker.errors import BankUnavailable
from broker.grants.service import Part
from broker.policy.terms import CategoryTerm
from tests.support.core import ANSWERS, ASKED, NOON, House
from tests.support.edge import BASE, Platform, app_of, problem

BALANCE, LOCATION = "/v1/answers/balance", "/v1/answers/location"
ENOUGH = {"accountId": "acc-1", "atLeast": "50", "currency": "GBP"}
IN_LEEDS = {"place": {"country": "GB", "townName": "Leeds"}, "since": "P1D"}
TERMS = replace(ASKED, categories=tuple(map(CategoryTerm, ("balances", *ANSWERS))))


@pytest.fixture
def platform(house: House) -> Platform:
    house.bank.own_balances = [BankBalance("ref-1", Decimal("77.77"), Decimal("66.66"), None, None, "GBP", NOON)]
    place = Place("GB", "West Yorkshire", "Leeds", "LS1 4AP", "High Street", Decimal("53.8"), Decimal("-1.5"))
    house.bank.own_card_uses = [CardUse("ref-1", "c-1", NOON, Channel.IN_STORE, "5411", place, "bank")]
    return a_platform(house)


def a_platform(house: House, *categories: str, **kind: Any) -> Platform:
    granted = house.approved(categories or ANSWERS, terms=TERMS)
    return Platform(house, app_of(house).test_client(), granted, categories=("balances", *ANSWERS), **kind)


def told(response: TestResponse) -> Any:
    assert response.status_code == 200, response.text
    return json.loads(response.text)


@pytest.mark.parametrize(("path", "question"), [(BALANCE, ENOUGH), (LOCATION, IN_LEEDS)])
def test_an_answer_and_its_hour_are_all_that_leaves(platform: Platform, path: str, question: Any) -> None:
    answer = {"answer": "yes", "asOf": "2026-11-22T12:00:00Z"}
    response = platform.post(path, question)
    assert told(response) == {"data": answer, "links": {"self": f"{BASE}{path}"}, "meta": {}}
    assert {"x-broker-receipt", "x-broker-disclosures", "Link"} <= set(response.headers.keys())


def test_a_question_is_announced_before_the_bank_is_asked_and_released_after(platform: Platform) -> None:
    platform.post(BALANCE, ENOUGH)
    platform.post(LOCATION, IN_LEEDS)
    house = platform.house
    assert house.events(4) == ["access.requested", "access.released"] * 2
    with house.database.read() as session:
        placed, _, released, requested = of_user(session, house.sealer, house.alice.user_id, Page(4))
    assert requested.category == released.category == "balance_answers"
    assert requested.details["context"]["question"] == {"atLeast": "50", "currency": "GBP"}
    assert (released.records, released.details["fields"]) == (1, ["answer", "asOf"])
    assert placed.details["context"]["question"] == {"country": "GB", "townName": "Leeds", "since": "P1D"}
    assert house.bank.asked == [("balances", ("ref-1",)), ("card_locations", ("ref-1", "ref-2"))]
    assert all(access.announced is not None for access in house.bank.accesses)
    assert "66.66" not in str(released.details)


def test_the_person_reads_in_the_history_what_was_asked(platform: Platform) -> None:
    platform.post(BALANCE, ENOUGH)
    platform.http.get("/t/enter/harbor/person")
    assert "Can you spend at least 50 GBP?" in platform.http.get("/history").text


def test_the_bank_is_asked_for_no_more_time_than_the_question_is_about(platform: Platform) -> None:
    platform.post(LOCATION, IN_LEEDS)
    midnight = NOON.replace(hour=0, minute=0, second=0, microsecond=0)
    assert platform.house.bank.windows[0].oldest_at == midnight - timedelta(days=1)


@pytest.mark.parametrize(
    ("granted", "path", "question"), [("balances", BALANCE, ENOUGH), ("location_answers", BALANCE, ENOUGH)]
)
def test_no_other_category_opens_answers(house: House, granted: str, path: str, question: Any) -> None:
    assert problem(a_platform(house, granted).post(path, question)) == (403, "category-not-granted")
    assert house.bank.asked == []


def test_answers_open_no_data(platform: Platform) -> None:
    assert problem(platform.get("/v1/accounts/balances")) == (403, "category-not-granted")
    assert problem(platform.get("/v1/card-locations"))[0] == 403


def test_an_account_that_is_not_shared_answers_nothing(platform: Platform) -> None:
    assert problem(platform.post(BALANCE, ENOUGH | {"accountId": "acc-9"})) == (403, "account-not-granted")


def test_an_account_of_which_the_bank_sends_another_is_unknown(platform: Platform) -> None:
    assert told(platform.post(BALANCE, ENOUGH | {"accountId": "acc-2"}))["data"]["answer"] == "unknown"


MISTAKES: dict[str, tuple[str, Any]] = {
    "an amount between two steps": (BALANCE, ENOUGH | {"atLeast": "60"}),
    "a number": (BALANCE, ENOUGH | {"atLeast": 50}),
    "no account": (BALANCE, {"atLeast": "50", "currency": "GBP"}),
    "an account of the wrong type": (BALANCE, ENOUGH | {"accountId": ["acc-1"]}),
    "a currency that is none": (BALANCE, ENOUGH | {"currency": "gbp\n"}),
    "a member too much": (BALANCE, ENOUGH | {"atMost": "100"}),
    "a list": (BALANCE, [ENOUGH]),
    "no JSON": (BALANCE, b"{"),
    "a member twice": (BALANCE, b'{"accountId":"acc-1","accountId":"acc-1","atLeast":"50","currency":"GBP"}'),
    "half a letter": (BALANCE, b'{"accountId":"\\ud800","atLeast":"50","currency":"GBP"}'),
    "nothing": (BALANCE, b""),
    "a place that is a text": (LOCATION, IN_LEEDS | {"place": "Leeds"}),
    "a street": (LOCATION, IN_LEEDS | {"place": {"country": "GB", "streetName": "High Street"}}),
    "a town without a country": (LOCATION, IN_LEEDS | {"place": {"townName": "Leeds"}}),
    "a town without a name": (LOCATION, IN_LEEDS | {"place": {"country": "GB", "townName": "--"}}),
    "a town of another type": (LOCATION, IN_LEEDS | {"place": {"country": "GB", "townName": 7}}),
    "an instant": (LOCATION, IN_LEEDS | {"since": "2026-11-22T11:00:00Z"}),
}


@pytest.mark.parametrize(("path", "question"), MISTAKES.values(), ids=MISTAKES)
def test_a_question_that_is_no_question_is_refused_before_anything_is_asked(
    platform: Platform, path: str, question: Any
) -> None:
    status, code = problem(platform.post(path, question))
    assert (status, code in {"invalid-request", "question-too-fine"}) == (400, True)
    assert platform.house.bank.asked == []


def test_the_steps_are_named_to_whoever_asks_for_another(platform: Platform) -> None:
    response = platform.post(BALANCE, ENOUGH | {"atLeast": "60"})
    assert problem(response) == (400, "question-too-fine")
    assert "10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000" in json.loads(response.text)["detail"]


def test_a_question_stands_in_a_body_of_json_and_nowhere_else(platform: Platform) -> None:
    refused = platform.post(BALANCE, ENOUGH, **{"Content-Type": "application/x-www-form-urlencoded"})
    assert problem(refused) == (415, "content-type-not-supported")
    assert problem(platform.post(BALANCE, ENOUGH, query="?atLeast=50")) == (400, "invalid-request")
    assert problem(platform.get(BALANCE)) == (405, "method-not-allowed")


def test_a_body_that_is_too_large_is_refused(platform: Platform) -> None:
    assert problem(platform.post(BALANCE, b" " * 2_000)) == (413, "body-too-large")


def test_a_person_is_asked_about_a_few_times_a_day_whatever_the_account_or_the_grant(platform: Platform) -> None:
    house, other = platform.house, a_platform(platform.house)
    asked = [(platform, "acc-1"), (platform, "acc-2"), (other, "acc-1"), (other, "acc-2"), (platform, "acc-1")]
    answers = [each.post(BALANCE, ENOUGH | {"accountId": account}) for each, account in asked]
    assert [response.status_code for response in answers] == [200, 200, 200, 429, 429]
    assert problem(answers[-1]) == (429, "frequency-exceeded")
    assert answers[-1].headers["Retry-After"] == "43200"
    assert (house.events()[-1], house.log()[-1].reasons) == ("access.refused", ("frequency-exceeded",))
    assert len(house.bank.asked) == 3
    assert told(platform.post(LOCATION, IN_LEEDS))["data"]["answer"] == "yes"


def test_the_next_day_can_be_asked_about_again_and_no_sooner(platform: Platform) -> None:
    for _ in range(3):
        told(platform.post(BALANCE, ENOUGH))
    platform.house.watch.now = NOON.replace(hour=23, minute=59, second=59, microsecond=999_999)
    fresh = Platform(platform.house, platform.http, platform.grant_id, categories=ANSWERS)
    response = fresh.post(BALANCE, ENOUGH)
    assert (problem(response), response.headers["Retry-After"]) == ((429, "frequency-exceeded"), "1")
    platform.house.watch.passes(microseconds=1)
    told(fresh.post(BALANCE, ENOUGH))


def test_a_question_that_the_bank_did_not_answer_counts_and_a_refused_one_does_not(platform: Platform) -> None:
    for _ in range(3):
        assert platform.post(BALANCE, ENOUGH | {"accountId": "acc-9"}).status_code == 403
    platform.house.bank.error = BankUnavailable()
    assert [platform.post(BALANCE, ENOUGH).status_code for _ in range(3)] == [503] * 3
    platform.house.bank.error = None
    assert platform.post(BALANCE, ENOUGH).status_code == 429


def test_a_stopped_category_answers_nothing_more(platform: Platform) -> None:
    told(platform.post(BALANCE, ENOUGH))
    platform.house.grants.revoke(platform.house.alice, platform.grant_id, Part())
    assert problem(platform.post(BALANCE, ENOUGH)) == (401, "grant-revoked")
