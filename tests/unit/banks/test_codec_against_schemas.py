"""The hand-written readers of bank payloads read what the schemas say, and refuse what the schemas refuse.

The schemas (`tests/support/formats`) state each format a second time, by other means. Payloads are drawn from them.
"""

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from marshmallow import Schema, ValidationError

from broker.banks.connectors import alerts
from broker.banks.connectors.fdx import accounts as fdx_accounts
from broker.banks.connectors.fdx import transactions as fdx_transactions
from broker.banks.connectors.fields import Fields
from broker.banks.connectors.obie import accounts as obie_accounts
from broker.banks.connectors.obie import transactions as obie_transactions
from broker.errors import BankInvalidAnswer
from broker.outbound import Answer
from tests.support.formats import fdx, obie
from tests.support.formats.alerts import Alert
from tests.support.formats.drawing import each_spoilt, names, payloads, usual, variants, written

_REFUSED = "refused"
_LABEL = {"content-type": "application/json"}


@dataclass(frozen=True)
class Reading:
    """One kind of payload: its schema, and the reader that is checked."""

    schema: Schema
    read: Callable[[Any], Any]

    def differs(self, payload: Any) -> str | None:
        """Return what schema and reader say where they disagree; values and how they are written both count."""
        told, read = self.told(payload), self.read_by_hand(payload)
        return None if told == read and repr(told) == repr(read) else f"{told!r} != {read!r}"

    def told(self, payload: Any) -> Any:
        try:
            return self.schema.load(payload)
        except ValidationError:
            return _REFUSED

    def read_by_hand(self, payload: Any) -> Any:
        """Read the payload as it comes: bytes, parsed as any answer of a bank."""
        try:
            return self.read(Answer(200, _LABEL, written(payload)).json())
        except BankInvalidAnswer:
            return _REFUSED


READINGS = {
    "fdx customer": Reading(fdx.Customer(), fdx_accounts.customer_id),
    "fdx page": Reading(fdx.Paging(), fdx_accounts.next_offset),
    "fdx refusal": Reading(fdx.Refusal(), fdx_accounts.error_code),
    "fdx account": Reading(fdx.Listed(), lambda row: fdx_accounts.accounts([Fields(row, "account")])),
    "fdx currency": Reading(fdx.Currencies(), lambda answer: fdx_accounts.currency(answer, "acc-1")),
    "fdx balance": Reading(fdx.Balance(), lambda answer: fdx_accounts.balance(answer, "acc-1")),
    "fdx transaction": Reading(
        fdx.Transaction(), lambda row: fdx_transactions.transaction(Fields(row, "transaction"), "acc-1", "USD")
    ),
    "fdx card use": Reading(fdx.Use(), lambda row: fdx_transactions.card_use(Fields(row, "transaction"), "acc-1")),
    "obie party": Reading(obie.Party(), obie_accounts.party_id),
    "obie refusal": Reading(obie.Refusal(), obie_accounts.error_codes),
    "obie account": Reading(obie.Listed(), lambda row: obie_accounts.accounts([Fields(row, "account")])),
    "obie balance": Reading(obie.Balance(), lambda answer: obie_accounts.balance(answer, "acc-1")),
    "obie transaction": Reading(
        obie.Transaction(), lambda row: obie_transactions.transaction(Fields(row, "transaction"), "acc-1")
    ),
    "obie card use": Reading(obie.Use(), lambda row: obie_transactions.card_use(Fields(row, "transaction"), "acc-1")),
    "alert": Reading(Alert(), lambda answer: alerts.alert(answer, "acc-1", "alert-1")),
}
_quickly = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", READINGS)
def test_the_reader_reads_what_the_schema_reads_and_refuses_what_it_refuses(name: str) -> None:
    reading, seen = READINGS[name], Counter[bool]()

    @_quickly
    @given(payloads(reading.schema))
    def agrees(payload: Any) -> None:
        assert reading.differs(payload) is None
        seen[reading.told(payload) == _REFUSED] += 1

    agrees()
    # Else they would agree in refusing everything.
    assert seen[False] >= 5


@pytest.mark.parametrize("name", READINGS)
def test_schema_and_reader_agree_on_every_known_way_to_spoil_a_payload(name: str) -> None:
    reading, seen = READINGS[name], Counter[bool]()
    for payload in each_spoilt(reading.schema):
        assert reading.differs(payload) is None, payload
        seen[reading.told(payload) == _REFUSED] += 1
    assert seen[True] > 10


class Watched(dict[str, Any]):
    """An object that remembers which members were looked for."""

    asked: ClassVar[set[str]] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


def watched(value: Any) -> Any:
    if isinstance(value, dict):
        return Watched({name: watched(one) for name, one in value.items()})
    return [watched(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", READINGS)
def test_the_reader_looks_at_no_member_that_the_schema_does_not_have(name: str) -> None:
    reading = READINGS[name]
    Watched.asked.clear()
    for payload in variants(reading.schema):
        with contextlib.suppress(BankInvalidAnswer):
            reading.read(watched(payload))
    assert Watched.asked == names(reading.schema)


@pytest.mark.parametrize("name", READINGS)
def test_a_payload_of_ordinary_values_is_read_and_further_members_change_nothing(name: str) -> None:
    reading = READINGS[name]
    read = reading.read_by_hand(usual(reading.schema))
    assert read != _REFUSED
    assert reading.read_by_hand({"extra": {"deep": [1e300, None]}} | usual(reading.schema)) == read


@pytest.mark.parametrize("name", ["fdx transaction", "obie transaction"])
def test_a_reader_with_a_fault_is_found(name: str) -> None:
    """The negative controls: one reads money one cent short, one takes what it should refuse."""
    honest = READINGS[name]
    short = Reading(honest.schema, lambda row: replace(read := honest.read(row), amount=read.amount - Decimal("0.01")))
    lax = Reading(honest.schema, lambda row: honest.read(usual(honest.schema) | row))
    assert any(short.differs(payload) for payload in each_spoilt(honest.schema))
    assert any(lax.differs(payload) for payload in each_spoilt(honest.schema))
