"""What an access writes into the log has room: a refusal by every rule at once stays within 1 KB, with long ids too."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.audit.reader import Page, of_user
from broker.errors import BrokerError
from broker.release import Wanted
from tests.support.core import House, as_text, call_of, open_house

_LONG = {
    "log": "broker.example/audit/" + "b" * 40 + "/2026",
    "number": 10**9,
    "subjectSeq": 10**6,
    "subjectPrev": "h" * 43,
    "platform": "p" * 40,
    "category": "c" * 20,
    "purpose": "u" * 24,
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as found:
        yield found


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
