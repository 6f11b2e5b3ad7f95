"""Frequency from the outside: who says that the person is there, what is told when the day is used up, long lists."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from werkzeug.test import TestResponse

from broker.banks.connector import BankTransaction, TransactionStatus, TransactionType
from broker.policy.terms import Terms
from tests.support.core import ASKED, NOON, House
from tests.support.edge import BASE, Platform, app_of, problem

BALANCES, TRANSACTIONS = "/v1/accounts/balances", "/v1/accounts/acc-1/transactions"
ADDRESS, SIGNED_IN_AT = "x-fapi-customer-ip-address", "x-fapi-auth-date"
ONCE: Terms = replace(ASKED, frequency_per_day=1)
PAYMENT = BankTransaction(
    "ref-1", "t-0", TransactionType.PAYMENT, TransactionStatus.POSTED, "SHOP", None, NOON, Decimal(-1), "GBP", None,
    "Shop", "0742",
)  # fmt: skip


@pytest.fixture
def platform(house: House) -> Platform:
    """A platform that may read once a day on its own; the bank has seven transactions."""
    house.bank.own_transactions = [
        replace(PAYMENT, ref=f"t-{number}", executed_at=NOON - timedelta(days=number)) for number in range(7)
    ]
    return Platform(house, app_of(house).test_client(), house.approved(terms=ONCE), presence={})


def attended(platform: Platform) -> list[bool | None]:
    return [entry.attended for entry in platform.house.log() if entry.event == "access.released"]


def test_a_day_that_is_used_up_is_told_with_the_time_until_the_next(platform: Platform) -> None:
    assert platform.get(BALANCES).status_code == 200
    response = platform.get(BALANCES)
    assert problem(response) == (429, "frequency-exceeded")
    assert response.headers["Retry-After"] == str(12 * 3_600)
    assert "WWW-Authenticate" not in response.headers
    platform.house.watch.passes(hours=12)
    assert Platform(platform.house, platform.http, platform.grant_id, presence={}).get(BALANCES).status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:DB8::1893:25c8:1946", "::ffff:192.0.2.1", "127.0.0.1"])
def test_with_the_persons_address_the_person_is_there(platform: Platform, address: str) -> None:
    for _ in range(3):
        assert platform.get(BALANCES, **{ADDRESS: address}).status_code == 200
    assert platform.get(BALANCES).status_code == 200
    assert attended(platform) == [True, True, True, False]


@pytest.mark.parametrize(
    "address",
    ["", "nowhere", "192.0.2", "192.0.2.1, 192.0.2.2", "192.0.2.1:80", "fe80::1%eth0", "[::1]", "0192.0.2.1",
     "1" * 5_000, "\u0661.1.1.1"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_and_counts_nothing(platform: Platform, address: str) -> None:
    response = platform.get(BALANCES, **{ADDRESS: address.encode().decode("latin-1")})
    assert problem(response) == (400, "invalid-request")
    assert not address or address not in response.text
    assert platform.house.events(1) == ["grant.approved"]
    assert platform.get(BALANCES).status_code == 200


@pytest.mark.parametrize(
    ("date", "status"),
    [
        ("Tue, 11 Sep 2012 19:43:31 GMT", 200),
        ("Sun, 10 Sep 2017 19:43:31 UTC", 200),
        ("", 400),
        ("yesterday", 400),
        ("Tue, 99 Sep 2012 19:43:31 GMT", 400),
        ("Tue, 11 Sep 99999999999 19:43:31 GMT", 400),
        ("Tue, 11 Sep 2012 19:43:31 GMT" + " " * 60 + "x", 400),
    ],
)
def test_the_date_of_the_sign_in_is_looked_at_and_does_not_mean_presence(
    platform: Platform, date: str, status: int
) -> None:
    assert platform.get(BALANCES, **{SIGNED_IN_AT: date}).status_code == status
    assert attended(platform) == [False] * (status == 200)


def test_the_persons_address_is_never_kept(platform: Platform, capfd: pytest.CaptureFixture[str]) -> None:
    assert platform.get(BALANCES, **{ADDRESS: "203.0.113.77"}).status_code == 200
    platform.get(BALANCES, **{ADDRESS: "203.0.113.77 or so"})
    written = platform.house.stored_bytes() + "".join(capfd.readouterr()).encode()
    assert b"203.0.113" not in written


def test_history_says_who_was_there(platform: Platform) -> None:
    platform.get(BALANCES, **{ADDRESS: "192.0.2.1"})
    platform.get(BALANCES)
    browser = platform.http
    browser.get("/t/enter/harbor/person")
    page = browser.get("/history").text
    assert "Messenger saw your balances on its own" in page
    assert "while you were using it" in page
    rows = browser.get("/history", headers={"Accept": "application/json"}).get_json()
    assert [row["attended"] for row in rows if row["event"] == "access.released"] == [False, True]


def pages(platform: Platform, query: str = "?page-size=2") -> Iterator[TestResponse]:
    """Follow a list to its end."""
    path = TRANSACTIONS + query
    while path:
        response = platform.get(TRANSACTIONS, path.removeprefix(TRANSACTIONS))
        yield response
        path = json.loads(response.text).get("links", {}).get("next", "").removeprefix(BASE)


def next_of(response: TestResponse) -> str:
    link: str = json.loads(response.text)["links"]["next"]
    return link.removeprefix(BASE + TRANSACTIONS)


def test_a_long_list_is_one_read_whatever_the_number_of_its_pages(platform: Platform) -> None:
    found = [response.status_code for response in pages(platform, "?page-size=1")]
    assert found == [200] * 7
    assert problem(platform.get(TRANSACTIONS, "?page-size=1")) == (429, "frequency-exceeded")


def test_a_page_that_is_asked_for_again_is_another_read(platform: Platform) -> None:
    second = next_of(platform.get(TRANSACTIONS, "?page-size=2"))
    third = next_of(platform.get(TRANSACTIONS, second))
    assert problem(platform.get(TRANSACTIONS, second)) == (429, "frequency-exceeded")
    assert platform.get(TRANSACTIONS, third).status_code == 200
    assert problem(platform.get(TRANSACTIONS, third)) == (429, "frequency-exceeded")


def test_a_page_that_comes_too_late_is_another_read(house: House, platform: Platform) -> None:
    second = next_of(platform.get(TRANSACTIONS, "?page-size=2"))
    house.watch.passes(minutes=10)
    late = Platform(house, platform.http, platform.grant_id, presence={})
    assert problem(late.get(TRANSACTIONS, second)) == (429, "frequency-exceeded")
    response = late.get(TRANSACTIONS, second, **{ADDRESS: "192.0.2.1"})
    assert response.status_code == 200
    assert late.get(TRANSACTIONS, next_of(response)).status_code == 200


def test_pages_of_one_read_open_no_other_grant(house: House, platform: Platform) -> None:
    second = next_of(platform.get(TRANSACTIONS, "?page-size=2"))
    other = Platform(house, platform.http, house.approved(terms=ONCE), presence={})
    assert problem(other.get(TRANSACTIONS, second)) == (400, "invalid-request")
