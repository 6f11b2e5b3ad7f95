"""What the hand-written writer makes of bank data is what the schemas and the OpenAPI document say of an answer."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from broker.api.paging import Pager
from broker.api.rendering import ListShape, list_renderer
from broker.banks.connector import BankAccess, BankAccount, BankBalance, BankTransaction, Credential, Window
from broker.crypto.pairwise import PairwiseIds
from broker.crypto.sealing import Sealer
from broker.policy.minimise import Limits, minimise
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import Detail
from broker.reference.shapes import records as shapes
from broker.release.records import Naming, fetch
from tests.support.core import KEY, FakeBank, policies
from tests.support.formats import answers
from tests.support.json_schema import faults

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=30), NOW)
NAMING = Naming(PairwiseIds(KEY), "messenger", "harbor", {"acc-1": "own-id"})
TERMS = {name: CategoryTerm(name) for name in ("accounts", "balances")} | {
    "transactions": CategoryTerm("transactions", Detail.DETAIL)
}
MONEY = st.decimals(-(10**12), 10**12, places=2).map(lambda drawn: drawn + 0)
TEXTS = st.text(max_size=30)
INSTANTS = st.datetimes(WINDOW.oldest_at.replace(tzinfo=None), NOW.replace(tzinfo=None), timezones=st.just(UTC))
CURRENCIES = st.sampled_from(["USD", "GBP"])
BANKS = {
    "accounts": st.lists(
        st.builds(
            BankAccount,
            ref=st.just("acc-1"),
            display_name=TEXTS,
            masked_number=st.just("••1234"),
            product_category=st.sampled_from(["TRANS_AND_SAVINGS_ACCOUNTS", "CRED_AND_CHRG_CARDS"]),
            currency=CURRENCIES,
        ),
        max_size=1,
    ).map(lambda drawn: FakeBank(own_accounts=drawn)),
    "balances": st.builds(
        BankBalance,
        account_ref=st.just("acc-1"),
        current=MONEY,
        available=st.none() | MONEY,
        credit_limit=st.none() | MONEY,
        amortised_limit=st.none(),
        currency=CURRENCIES,
        as_of=INSTANTS,
    ).map(lambda drawn: FakeBank(own_balances=[drawn])),
    "transactions": st.lists(
        st.builds(
            BankTransaction,
            account_ref=st.just("acc-1"),
            ref=st.sampled_from(["t-1", "t-2"]),
            posted_at=st.none() | INSTANTS,
            executed_at=INSTANTS,
            amount=MONEY,
            currency=CURRENCIES,
            description=TEXTS,
            merchant_category_code=st.sampled_from([None, "0742"]),
        ),
        max_size=3,
    ).map(lambda drawn: FakeBank(own_transactions=drawn)),
}


def written(bank: FakeBank, category: str) -> list[dict[str, Any]]:
    """Return the records of an answer as an app reads them."""
    access = BankAccess("hb-1", Credential("a", None, NOW), "id", category, lambda _: pytest.fail("no renewal"), None)
    limits = Limits(policies().categories[category], TERMS[category], frozenset({"own-id"}), WINDOW.oldest_at)
    pager = Pager.of(Sealer(KEY), "scope", "accountId", 100, cursor=None, now=NOW)
    render = list_renderer(ListShape("records", "https://broker.example/v1/x", {}), pager, lambda found: found)
    body = render(minimise(limits, fetch(bank, access, NAMING, WINDOW)), {}).body
    found: list[dict[str, Any]] = json.loads(body)["data"]["records"]
    return found


@pytest.mark.parametrize("category", BANKS)
def test_what_is_written_fits_the_schema_and_the_document(category: str) -> None:
    document = {"components": {"schemas": shapes(policies())}}

    @settings(max_examples=100, deadline=None)
    @given(BANKS[category])
    def fits(bank: FakeBank) -> None:
        for record in written(bank, category):
            assert answers.BY_CATEGORY[category]().load(record) == record
            assert list(faults(document, document["components"]["schemas"][category], record)) == []

    fits()


@settings(max_examples=60, deadline=None)
@given(BANKS["transactions"])
def test_amounts_arrive_as_the_bank_told_them(bank: FakeBank) -> None:
    told = sorted(str(one.amount) for one in bank.own_transactions)
    assert sorted(record["amount"] for record in written(bank, "transactions")) == told


@pytest.mark.parametrize("category", BANKS)
def test_schema_document_and_catalogue_name_the_same_fields(category: str) -> None:
    named = set(answers.BY_CATEGORY[category]().fields)
    assert named == {field.name for field in policies().categories[category].fields}
    assert named == set(shapes(policies())[category]["properties"])


@pytest.mark.parametrize(
    "spoilt", [{"amount": "-0.00"}, {"amount": 1.5}, {"executionDateTime": "2026-11-20T10:00:00Z"}, {"payee": "Bob"}]
)
def test_what_a_writer_with_a_fault_would_write_is_found(spoilt: dict[str, Any]) -> None:
    good = {
        "accountId": "own-id",
        "transactionId": "id",
        "type": "OTHER",
        "status": "PENDING",
        "currency": "GBP",
        "executionDateTime": "2026-11-20T00:00:00Z",
        "amount": str(Decimal("1.50")),
        "description": "",
    }
    answers.Transaction().load(good)
    with pytest.raises(ValidationError):
        answers.Transaction().load(good | spoilt)
