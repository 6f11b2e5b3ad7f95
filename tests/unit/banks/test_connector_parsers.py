"""Whatever a bank sends, reading it ends in typed values or in `BankInvalidAnswer`, and in nothing else."""

import contextlib
import copy
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from test_connector_fdx import CARD as FDX_CARD
from test_connector_fdx import PURCHASE as FDX_PURCHASE
from test_connector_obie import AVAILABLE, BOOKED, CURRENT, LINE
from test_connector_obie import PURCHASE as OBIE_PURCHASE

from broker.banks.connectors import values
from broker.banks.connectors.fdx import accounts as fdx_accounts
from broker.banks.connectors.fdx import transactions as fdx_transactions
from broker.banks.connectors.fields import Fields
from broker.banks.connectors.obie import accounts as obie_accounts
from broker.banks.connectors.obie import transactions as obie_transactions
from broker.errors import BankInvalidAnswer
from broker.outbound import Answer

FDX_BALANCE = FDX_CARD | {
    "currentBalance": Decimal(1),
    "availableCredit": Decimal(1),
    "creditLine": Decimal(1),
    "balanceAsOf": "2026-11-20T09:00:00Z",
}
OBIE_BALANCE = {"Data": {"Balance": [AVAILABLE | {"CreditLine": [LINE]}, BOOKED]}}
READERS: list[tuple[Any, Callable[[Any], Any]]] = [
    ({"customerId": "c"}, fdx_accounts.customer_id),
    ({"page": {"nextOffset": "1"}}, fdx_accounts.next_offset),
    (FDX_CARD, lambda value: fdx_accounts.accounts([Fields(value, "a")])),
    (FDX_BALANCE, lambda value: fdx_accounts.balance(value, "card-1")),
    (FDX_PURCHASE | {"amount": 1}, lambda value: fdx_transactions.transaction(Fields(value, "t"), "acc-1", "USD")),
    (FDX_PURCHASE, lambda value: fdx_transactions.card_use(Fields(value, "t"), "acc-1")),
    ({"Data": {"Party": {"PartyId": "p"}}}, obie_accounts.party_id),
    ({"Links": {"Next": "x"}}, obie_accounts.next_link),
    (CURRENT, lambda value: obie_accounts.accounts([Fields(value, "a")])),
    (OBIE_BALANCE, lambda value: obie_accounts.balance(value, "acc-1")),
    (OBIE_PURCHASE, lambda value: obie_transactions.transaction(Fields(value, "t"), "acc-1")),
    (OBIE_PURCHASE, lambda value: obie_transactions.card_use(Fields(value, "t"), "acc-1")),
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["Credit", "online", "..", "9999-12-31T23:59:59-14:00", "1" * 600, "\ud800", "\0", "٣"])
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_every_example_reads_before_it_is_spoilt() -> None:
    for example, read in READERS:
        read(example)


@settings(max_examples=150, deadline=None)
@given(json_values)
def test_arbitrary_json_is_read_or_refused(value: Any) -> None:
    for _, read in READERS:
        with contextlib.suppress(BankInvalidAnswer):
            read(value)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_an_example_spoilt_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    example, read = data.draw(st.sampled_from(READERS))
    spoilt = copy.deepcopy(example)
    place: Any = spoilt
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(json_values)
    with contextlib.suppress(BankInvalidAnswer):
        read(spoilt)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value, default=str).encode("utf-8", "replace"))
)
def test_arbitrary_bytes_are_parsed_or_refused(body: bytes) -> None:
    with contextlib.suppress(BankInvalidAnswer):
        Answer(200, {"content-type": "application/json"}, body).json()


@given(st.text(st.characters(), max_size=values.MAX_TEXT))
def test_text_that_is_let_in_can_be_shown_and_written_anywhere(text: str) -> None:
    read = values.text(text)
    assert read.isprintable()
    assert read.encode("utf-8").decode("utf-8") == read


@given(st.text(st.characters(), max_size=60))
def test_a_masked_number_never_shows_more_than_four_characters(number: str) -> None:
    with contextlib.suppress(ValueError):
        assert len(values.masked_number(number)) == len("••1234")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_money_keeps_its_value_and_shows_two_decimals(amount: Decimal) -> None:
    read = values.number_amount(amount)
    assert read == amount
    assert str(read) == f"{amount + 0:.2f}"
