"""How the receipt of an announced request travels to the bank, and what becomes of one that the bank refuses."""

from dataclasses import replace

import pytest
from fake_bank import ANNOUNCED, WINDOW, FakeBank, Renewals, access

from broker.banks.connector import Announced, Connector
from broker.banks.connectors import BankEndpoint, build
from broker.errors import BankInvalidAnswer, BankRefusedReceipt, BankUnavailable
from broker.outbound import OutboundClient
from tests.support.core import NOON

RECEIPT_HEADERS = ("x-broker-receipt", "x-broker-disclosures")


@pytest.fixture(autouse=True)
def _an_empty_bank(bank: FakeBank) -> None:
    bank.answers = {"/api/customers/current": {"customerId": "hb-1"}, "/api/accounts": {"accounts": []}}


def connector_without_facts_for_receipts(bank: FakeBank) -> Connector:
    endpoint = BankEndpoint("harbor", bank.origin, f"{bank.origin}/api", "broker", receipts_required=False)
    http = OutboundClient(frozenset({bank.origin.removeprefix("http://")}), 2.0)
    return build("fdx", endpoint, http, lambda audience: audience, lambda: NOON)


def sent_to(bank: FakeBank, path: str) -> list[tuple[str | None, ...]]:
    """The receipts and disclosures that came with requests to addresses that begin so."""
    pairs = zip(bank.asked, bank.headers, strict=True)
    return [tuple(map(headers.get, RECEIPT_HEADERS)) for asked, headers in pairs if asked.startswith(path)]


def test_every_request_of_one_access_carries_the_same_receipt(bank: FakeBank) -> None:
    page = {"page": {"nextOffset": "2"}, "transactions": []}
    for ref in ("a", "b"):
        bank.answers |= {
            f"/api/accounts/{ref}": {"accountId": ref, "currency": {"currencyCode": "GBP"}},
            f"/api/accounts/{ref}/transactions": {"transactions": []},
        }
    first = "startTime=2026-10-21T12%3A00%3A00Z&endTime=2026-11-20T12%3A00%3A00Z&limit=500"
    bank.answers[f"/api/accounts/a/transactions?{first}"] = page
    bank.connector("fdx").transactions(access(category="transactions"), ["a", "b"], WINDOW)
    assert len(bank.data_paths) == 5
    assert set(sent_to(bank, "/api/")) == {(ANNOUNCED.receipt, ANNOUNCED.disclosures)}


def test_the_token_endpoint_and_the_metadata_see_no_receipt(bank: FakeBank) -> None:
    bank.connector("fdx").accounts(access(Renewals(), expires_in_s=1))
    assert set(sent_to(bank, "/token")) == set(sent_to(bank, "/.well-known")) == {(None, None)}


def test_after_a_renewal_the_same_receipt_is_sent_again(bank: FakeBank) -> None:
    bank.live_tokens.clear()
    bank.connector("fdx").accounts(access(Renewals()))
    assert set(sent_to(bank, "/api/")) == {(ANNOUNCED.receipt, ANNOUNCED.disclosures)}


def test_a_bank_whose_facts_demand_receipts_is_asked_for_nothing_without_one(bank: FakeBank) -> None:
    unannounced = replace(access(), announced=None)
    connector = bank.connector("fdx")
    for ask in (
        lambda: connector.accounts(unannounced),
        lambda: connector.balances(unannounced, ["a"]),
        lambda: connector.transactions(unannounced, ["a"], WINDOW),
        lambda: connector.card_uses(unannounced, ["a"], WINDOW),
    ):
        with pytest.raises(BankUnavailable, match="without a receipt"):
            ask()
    assert bank.asked == []


def test_a_bank_whose_facts_demand_none_is_asked_all_the_same(bank: FakeBank) -> None:
    connector = connector_without_facts_for_receipts(bank)
    assert connector.accounts(replace(access(), announced=None)) == []
    assert set(sent_to(bank, "/api/")) == {(None, None)}
    assert connector.accounts(replace(access(), announced=Announced("r", "d"))) == []
    assert sent_to(bank, "/api/")[-1] == ("r", "d")


@pytest.mark.parametrize(
    ("told", "detail"),
    [
        ("receipt-too-old", "It says: receipt-too-old."),
        ("receipt-<script>", "log."),
        ("anything else", "log."),
        ("receipt-" + "a" * 60, "log."),
    ],
)
def test_a_refused_receipt_is_told_as_that_and_in_no_words_but_known_ones(
    bank: FakeBank, told: str, detail: str
) -> None:
    bank.status["/api/customers/current"] = 403
    bank.told["/api/customers/current"] = {"x-broker-receipt-error": told}
    with pytest.raises(BankRefusedReceipt) as refusal:
        bank.connector("fdx").accounts(access())
    assert refusal.value.code == "bank-refused-receipt"
    assert refusal.value.detail.endswith(detail)
    assert ("<" in refusal.value.detail, "else" in refusal.value.detail) == (False, False)


def test_another_refusal_of_the_bank_is_no_matter_of_the_receipt(bank: FakeBank) -> None:
    bank.status["/api/customers/current"] = 403
    with pytest.raises(BankInvalidAnswer):
        bank.connector("fdx").accounts(access())
