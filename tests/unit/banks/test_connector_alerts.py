"""What the connectors make of a bank's fraud alerts, honest and hostile: alike in every standard."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from fake_bank import FakeBank, access

from broker.banks.connector import AlertKind, BankAlert
from broker.errors import BankInvalidAnswer

PATH = "/api/accounts/acc-1/fraud-alerts/fa-1"
ALERT = {
    "alertId": "fa-1",
    "accountId": "acc-1",
    "kind": "card_payment",
    "occurredAt": "2026-11-20T11:30:00Z",
    "amount": "84.2",
    "currency": "GBP",
    "merchantName": "Corner\u202e Shop",
    "merchantCategoryCode": "0742",
    "country": "TR",
}
STANDARDS = pytest.mark.parametrize("standard", ["fdx", "obie"])


def read(bank: FakeBank, answer: Any, standard: str = "fdx") -> BankAlert | None:
    if answer is not None:
        bank.answers[PATH] = answer
    return bank.connector(standard).fraud_alert(access(category="fraud_alerts"), "acc-1", "fa-1")


@STANDARDS
def test_an_alert_is_read_whole(bank: FakeBank, standard: str) -> None:
    happened = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
    assert read(bank, ALERT, standard) == BankAlert(
        "acc-1", "fa-1", AlertKind.CARD_PAYMENT, happened, Decimal("84.20"), "GBP", "Corner Shop", "0742", "TR"
    )
    assert bank.data_paths == [PATH]
    assert bank.headers[-1]["x-broker-category"] == "fraud_alerts"


def test_what_an_alert_does_not_say_is_none(bank: FakeBank) -> None:
    least = {name: ALERT[name] for name in ("alertId", "accountId", "kind", "occurredAt")}
    found = read(bank, least)
    assert found is not None
    assert (found.amount, found.currency, found.merchant_name, found.country) == (None,) * 4


@STANDARDS
def test_an_alert_that_is_gone_is_none(bank: FakeBank, standard: str) -> None:
    assert read(bank, None, standard) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"alertId": "fa-2"},
        {"accountId": "acc-2"},
        {"kind": "advertisement"},
        {"kind": None},
        {"occurredAt": "yesterday"},
        {"amount": -1},
        {"amount": "1e9"},
        {"amount": None},
        {"currency": "£"},
        {"merchantName": "x" * 501},
        {"merchantName": ["x"]},
        {"merchantCategoryCode": "12"},
        {"country": "Turkey"},
    ],
    ids=str,
)
def test_an_alert_that_is_another_or_malformed_is_refused_whole(bank: FakeBank, changes: dict[str, Any]) -> None:
    with pytest.raises(BankInvalidAnswer):
        read(bank, {**ALERT, **changes})


def test_an_id_that_is_a_path_stays_one_part_of_the_address(bank: FakeBank) -> None:
    connector = bank.connector("fdx")
    assert connector.fraud_alert(access(category="fraud_alerts"), "acc-1", "../../accounts") is None
    assert bank.data_paths == ["/api/accounts/acc-1/fraud-alerts/..%2F..%2Faccounts"]
