"""The resource server from the outside: gate, queries, paging, shapes, refusals."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.test import TestResponse

from broker.banks.connector import (
    BankBalance,
    BankTransaction,
    CardUse,
    Channel,
    Place,
    TransactionStatus,
    TransactionType,
)
from broker.grants.service import Part
from broker.tokens.service import end_token
from tests.support.core import NOON, House, account
from tests.support.edge import BASE, Platform, app_of, problem

TRANSACTIONS = "/v1/accounts/acc-1/transactions"
PAYMENT = BankTransaction(
    account_ref="ref-1",
    ref="t-0",
    type=TransactionType.PAYMENT,
    status=TransactionStatus.POSTED,
    description="CORNER SHOP",
    posted_at=None,
    executed_at=NOON,
    amount=Decimal("-3.20"),
    currency="GBP",
    reference=None,
    merchant_name="Corner Shop",
    merchant_category_code="0742",
)


@pytest.fixture
def platform(house: House) -> Platform:
    house.bank.own_accounts = [account("ref-1"), account("ref-2", name="Savings")]
    house.bank.own_balances = [BankBalance("ref-1", Decimal("1E+2"), Decimal("-0.50"), None, None, "GBP", NOON)]
    house.bank.own_transactions = [
        replace(PAYMENT, ref=f"t-{number}", executed_at=NOON - timedelta(days=number), amount=Decimal(-number))
        for number in range(7)
    ]
    place = Place("GB", None, "Leeds", "LS1 4AP", "High Street", Decimal("53.8"), Decimal("-1.5"))
    house.bank.own_card_uses = [CardUse("ref-1", "c-1", NOON, Channel.IN_STORE, "5411", place, "bank")]
    return Platform(house, app_of(house).test_client(), house.approved())


def records(response: TestResponse, name: str = "transactions") -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = json.loads(response.text)["data"][name]
    return found


def test_an_answer_has_the_envelope_and_names_what_is_there_only(platform: Platform) -> None:
    response = platform.get("/v1/accounts")
    body = json.loads(response.text)
    assert response.content_type == "application/json"
    assert body["links"] == {"self": f"{BASE}/v1/accounts", "first": f"{BASE}/v1/accounts"}
    assert body["meta"] == {"totalRecords": 2}
    assert [one["accountId"] for one in body["data"]["accounts"]] == ["acc-1", "acc-2"]
    assert "nickname" not in body["data"]["accounts"][0]


def test_links_come_from_the_base_url_and_never_from_the_host_header(platform: Platform) -> None:
    assert "evil" not in platform.get("/v1/accounts", Host="evil.example").text


def test_money_is_written_as_decimal_text_and_instants_as_rfc_3339(platform: Platform) -> None:
    balance = json.loads(platform.get("/v1/accounts/acc-1/balance").text)["data"]
    assert (balance["currentBalance"], balance["availableBalance"]) == ("100", "-0.50")
    assert balance["asOf"] == "2026-11-22T12:00:00Z"
    assert records(platform.get(TRANSACTIONS))[0]["executionDateTime"] == "2026-11-22T00:00:00Z"


def test_coordinates_are_numbers_and_exact_places_have_a_time(platform: Platform) -> None:
    use = records(platform.get("/v1/card-locations"), "cardLocations")[0]
    assert (use["lat"], use["lon"], use["precision"]) == (53.8, -1.5, "exact")
    assert use["occurredOn"] == "2026-11-22T12:00:00Z"


def test_each_route_releases_its_own_category(platform: Platform) -> None:
    for path in ("/v1/accounts", "/v1/accounts/acc-1", "/v1/accounts/balances", "/v1/accounts/acc-1/balance"):
        assert platform.get(path).status_code == 200
    categories = [entry.category for entry in platform.house.log() if entry.event == "access.released"]
    assert categories == ["accounts", "accounts", "balances", "balances"]


def test_an_account_that_the_bank_no_longer_lists_is_refused_with_a_reason(platform: Platform) -> None:
    platform.house.bank.own_accounts = []
    assert problem(platform.get("/v1/accounts/acc-1")) == (403, "account-closed")
    assert platform.house.events()[-1] == "access.refused"


def test_a_refusal_names_the_scope_that_is_missing(platform: Platform) -> None:
    platform.house.grants.revoke(platform.house.alice, platform.grant_id, Part(category="balances"))
    response = platform.get("/v1/accounts/acc-1/balance")
    assert problem(response) == (403, "category-revoked")
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith("DPoP ")
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="balances"' in challenge


def test_pages_follow_each_other_to_the_end(platform: Platform) -> None:
    seen, path = [], f"{TRANSACTIONS}?page-size=3"
    while path:
        body = json.loads(platform.get(TRANSACTIONS, path.removeprefix(TRANSACTIONS)).text)
        seen.append([one["amount"] for one in body["data"]["transactions"]])
        assert body["meta"]["totalRecords"] == 7
        path = body["links"].get("next", "").removeprefix(BASE)
    assert seen == [["0", "-1", "-2"], ["-3", "-4", "-5"], ["-6"]]


def cursor(platform: Platform, query: str = "page-size=3") -> str:
    link: str = json.loads(platform.get(TRANSACTIONS, f"?{query}").text)["links"]["next"]
    return link.split("cursor=")[1]


def test_a_cursor_works_for_its_own_question_only(platform: Platform) -> None:
    mine = cursor(platform)
    assert platform.get(TRANSACTIONS, f"?page-size=3&cursor={mine}").status_code == 200
    other = Platform(platform.house, platform.http, platform.house.approved())
    for who, path, query in (
        (other, TRANSACTIONS, "page-size=3"),
        (platform, TRANSACTIONS, "page-size=2"),
        (platform, TRANSACTIONS, "page-size=3&text=x"),
        (platform, "/v1/card-locations", "page-size=3"),
    ):
        assert problem(who.get(path, f"?{query}&cursor={mine}")) == (400, "invalid-request")
    assert platform.house.events().count("access.released") == 2


@pytest.mark.parametrize("forged", ["x", "AAAA", "Aa", "AQ", "é", "A" * 999, "A" * 1_001, "", "%00", "AQ.."])
def test_a_forged_cursor_is_refused(platform: Platform, forged: str) -> None:
    assert problem(platform.get(TRANSACTIONS, f"?cursor={forged}")) == (400, "invalid-request")


def test_a_cursor_whose_record_is_gone_is_refused(platform: Platform) -> None:
    mine = cursor(platform)
    platform.house.bank.own_transactions = platform.house.bank.own_transactions[5:]
    assert problem(platform.get(TRANSACTIONS, f"?page-size=3&cursor={mine}")) == (400, "invalid-request")


def test_a_list_that_grew_meanwhile_repeats_and_loses_nothing(platform: Platform) -> None:
    mine = cursor(platform)
    platform.house.bank.own_transactions.insert(0, replace(PAYMENT, ref="t-new"))
    assert records(platform.get(TRANSACTIONS, f"?page-size=3&cursor={mine}"))[0]["amount"] == "-3"


@pytest.mark.parametrize(
    "query",
    [
        "unknown=1",
        "page_size=3",
        "page-size=3&page-size=3",
        "page-size=0",
        "page-size=1001",
        "page-size=-1",
        "page-size=x",
        "page-size=1.5",
        "page-size=" + "9" * 5_000,
        "min-amount=NaN",
        "min-amount=sNaN",
        "min-amount=Infinity",
        "max-amount=-Infinity",
        "max-amount=1e999999",
        "max-amount=1e99999999999999999999",
        "max-amount=1000000000001",
        "max-amount=",
        "oldest-time=2026-11-01",
        "oldest-time=2026-11-01T00:00:00",
        "oldest-time=0001-01-01T00:00:00Z",
        "newest-time=9999-12-31T23:59:59Z",
        "newest-time=2026-11-01T00:00:00%2B99:99",
        "newest-time=yesterday",
        "text=",
        "text=" + "x" * 101,
        "text=a&text=b",
        "%22%3E%3Cscript%3E=1",
        "=1",
    ],
)
def test_a_query_that_cannot_be_meant_is_refused_before_the_bank_is_asked(platform: Platform, query: str) -> None:
    response = platform.get(TRANSACTIONS, f"?{query}")
    assert problem(response) == (400, "invalid-request")
    assert "script" not in response.text
    assert platform.house.bank.asked == []


def test_a_route_without_parameters_takes_none(platform: Platform) -> None:
    assert problem(platform.get("/v1/accounts/acc-1", "?page-size=1")) == (400, "invalid-request")
    assert problem(platform.get("/v1/accounts", "?text=x")) == (400, "invalid-request")


@pytest.mark.parametrize(
    ("query", "amounts"),
    [
        ("min-amount=-2", ["0", "-1", "-2"]),
        ("max-amount=-5", ["-5", "-6"]),
        ("min-amount=-2&max-amount=-2", ["-2"]),
        ("oldest-time=2026-11-21T18:00:00Z", ["0", "-1"]),
        ("newest-time=2026-11-17T05:00:00Z", ["-5", "-6"]),
        ("text=corner", ["0", "-1", "-2", "-3", "-4", "-5", "-6"]),
        ("text=CORNER%20S", ["0", "-1", "-2", "-3", "-4", "-5", "-6"]),
        ("text=nowhere", []),
    ],
)
def test_filters_narrow_the_answer(platform: Platform, query: str, amounts: list[str]) -> None:
    assert [one["amount"] for one in records(platform.get(TRANSACTIONS, f"?{query}"))] == amounts


def test_a_filter_cannot_find_what_is_masked(platform: Platform) -> None:
    person = replace(PAYMENT, type=TransactionType.TRANSFER_OUTGOING, description="Rent to Mallory")
    platform.house.bank.own_transactions = [person]
    assert records(platform.get(TRANSACTIONS, "?text=mallory")) == []


def test_a_text_is_not_found_where_there_is_none(platform: Platform) -> None:
    platform.house.bank.own_transactions = [replace(PAYMENT, merchant_name=None)]
    assert records(platform.get(TRANSACTIONS, "?text=none")) == []


def test_a_token_works_with_its_key_and_its_scheme_only(platform: Platform) -> None:
    path = "/v1/accounts"
    stranger = Platform(platform.house, platform.http, platform.grant_id)
    cases: list[tuple[dict[str, str], int, str]] = [
        ({"Authorization": f"Bearer {platform.token}"}, 401, "token-unknown"),
        ({"Authorization": "DPoP bkr_at_nobodys"}, 401, "dpop-proof-invalid"),
        ({"Authorization": "DPoP"}, 401, "token-unknown"),
        ({"DPoP": platform.proof(path, key=stranger.key)}, 401, "token-key-mismatch"),
        ({"DPoP": platform.proof("/v1/accounts/balances")}, 401, "dpop-proof-invalid"),
        ({"DPoP": platform.proof(path, method="POST")}, 401, "dpop-proof-invalid"),
        ({"DPoP": platform.proof(path, ath="x")}, 401, "dpop-proof-invalid"),
        ({"DPoP": ""}, 401, "dpop-proof-invalid"),
    ]
    for headers, status, code in cases:
        response = platform.get(path, **headers)
        assert problem(response) == (status, code)
        assert response.headers["WWW-Authenticate"].startswith("DPoP ")
    assert platform.house.bank.asked == []


def test_without_a_token_the_challenge_names_no_error(platform: Platform) -> None:
    response = platform.http.get("/v1/accounts")
    assert problem(response) == (401, "token-missing")
    assert "error=" not in response.headers["WWW-Authenticate"]
    assert "oauth-protected-resource" in response.headers["WWW-Authenticate"]


def test_a_token_in_the_query_is_not_a_token(platform: Platform) -> None:
    response = platform.http.get(f"/v1/accounts?access_token={platform.token}")
    assert problem(response) == (401, "token-missing")


def test_a_proof_is_used_once(platform: Platform) -> None:
    proof = platform.proof("/v1/accounts")
    assert platform.get("/v1/accounts", proof=proof).status_code == 200
    response = platform.get("/v1/accounts", proof=proof)
    assert problem(response) == (401, "dpop-proof-replayed")
    assert 'error="invalid_dpop_proof"' in response.headers["WWW-Authenticate"]


def test_a_revoked_grant_stops_the_very_next_call(platform: Platform) -> None:
    assert platform.get("/v1/accounts").status_code == 200
    platform.house.grants.revoke(platform.house.alice, platform.grant_id, Part())
    assert problem(platform.get("/v1/accounts")) == (401, "grant-revoked")
    assert len(platform.house.bank.asked) == 1


def test_an_expired_or_revoked_token_says_so_and_an_ended_grant_first(platform: Platform) -> None:
    platform.house.watch.passes(minutes=5)
    assert problem(platform.get("/v1/accounts")) == (401, "token-expired")
    fresh = Platform(platform.house, platform.http, platform.grant_id)
    with platform.house.database.write() as session:
        end_token(session, fresh.token, "messenger", platform.house.watch())
    assert problem(fresh.get("/v1/accounts")) == (401, "token-expired")
    platform.house.grants.revoke(platform.house.alice, platform.grant_id, Part())
    assert problem(fresh.get("/v1/accounts")) == (401, "grant-revoked")


@pytest.mark.parametrize("event", ["access.requested", "access.released"])
def test_without_a_log_the_answer_is_503_and_empty(platform: Platform, event: str) -> None:
    platform.house.breaks_log_at(event)
    response = platform.get("/v1/accounts")
    assert problem(response) == (503, "log-unavailable")
    assert "Savings" not in response.text
    assert response.headers["Retry-After"]
