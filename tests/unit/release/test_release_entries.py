"""What an access writes into the log has room: a refusal by every rule at once stays within 1 KB, with long ids too."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.audit.reader import Page, of_user
from broker.banks.connector import BankAccess
from broker.banks.facts import keep
from broker.errors import BrokerError, ReleaseRefused
from broker.release import Wanted
from tests.support.core import House, as_text, call_of, open_house, policies

_LONG = {
    "log": "broker.example/audit/" + "b" * 32 + "/2026",
    "number": 10**9,
    "subjectSeq": 10**6,
    "subjectPrev": "h" * 43,
    "platform": "p" * 32,
    "category": max(policies().categories, key=len),
    "purpose": max(policies().purposes, key=len),
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as found:
        yield found


def test_a_release_that_was_lost_at_the_end_names_no_fields_as_if_they_had_left(house: House) -> None:
    grant_id = house.approved()
    bounds = house.catalogue.banks["harbor"]

    def changes_facts(_access: BankAccess) -> None:
        with house.sequencer.transaction(["harbor"]) as transaction:
            session, now = transaction.session, house.watch()
            keep(session, house.sealer, bounds, bounds, after=0, author="Ada", reason="why", now=now)

    house.bank.meanwhile = changes_facts
    with pytest.raises(ReleaseRefused) as refusal:
        house.release.read(call_of(grant_id), Wanted("transactions"), as_text)
    assert refusal.value.code == "policy-changed"
    with house.database.read() as session:
        entries = of_user(session, house.sealer, house.alice.user_id, Page())
    refused = next(entry for entry in entries if entry.event.value == "access.refused")
    assert "accounts" in refused.details
    assert not {"fields", "responseDigest"} & refused.details.keys()


def test_a_refusal_for_many_reasons_names_the_first_two_openly_and_every_rule_sealed(house: House) -> None:
    grant_id = house.approved(("balances",), ("acc-1",))
    house.runs("UPDATE platforms SET purposes = '[]', scopes = '[]'")
    call = replace(call_of(grant_id), token_categories=frozenset())
    with pytest.raises(BrokerError):
        house.release.read(call, Wanted("transactions", account_id="acc-2"), as_text)
    (row,) = house.store.rows("SELECT leaf FROM audit_entries WHERE event = 'access.refused'")
    leaf = json.loads(bytes(row[0]))
    with house.database.read() as session:
        entries = of_user(session, house.sealer, house.alice.user_id, Page())
    refused = next(entry for entry in entries if entry.event.value == "access.refused")
    assert len(refused.reasons) == 2
    assert len(refused.details["rules"]) == 4
    assert len(json.dumps(leaf | _LONG, separators=(",", ":"))) <= 1_024
