"""Everything that the logs hold about one person: complete, in order, each with a proof; and nobody else's."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from broker.audit.evidence import Evidence, evidence_of, logs_about
from broker.audit.retention import close_finished_years
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.tlog.disclosure import check
from broker.tlog.receipt import verify_receipt
from tests.support.core import LOG_KEYS, House
from tests.support.sizes import Size

LISTED = Entry(Event.ACCOUNTS_LISTED, Initiator.INDIVIDUAL, "harbor", details={"accounts": ["a", "b"], "customer": "c"})


def write(house: House, entries: Sequence[Entry]) -> None:
    """Write entries of one bank, as a batch would."""
    with house.sequencer.transaction([entries[0].bank_id]) as transaction:
        for entry in entries:
            transaction.append(entry)


def evidence(house: House, user_id: str) -> list[Evidence]:
    with house.database.read() as session:
        return [
            one for head, _ in logs_about(session, user_id) for one in evidence_of(session, house.sealer, user_id, head)
        ]


def test_each_entry_of_the_person_comes_once_in_order_with_a_receipt_that_verifies(house: House, size: Size) -> None:
    alice, count = replace(LISTED, user_id=house.alice.user_id), size.of(test=600, campaign=10_000)
    write(house, [alice if number % 3 else LISTED for number in range(count)])
    found = evidence(house, house.alice.user_id)
    assert [one.number for one in found] == [number for number in range(count) if number % 3]
    assert [one.subject_seq for one in found] == list(range(len(found)))
    verifiers = LOG_KEYS.verifiers(found[0].log)
    for one in found:
        receipt = verify_receipt(one.receipt or b"", verifiers, origin=one.log)
        leaf = json.loads(receipt.leaf)
        assert (leaf["subject"], leaf["event"], leaf["time"]) == (one.subject, one.event, one.time_us)
        assert (receipt.index, receipt.checkpoint.size) == (one.number, count)
        assert check(leaf, one.disclosures) == LISTED.details


def test_a_person_at_two_banks_has_evidence_of_both_logs_and_of_nobody_else(house: House) -> None:
    bob = house.signs_in("sub-bob").user_id
    alice = house.alice.user_id
    write(house, [replace(LISTED, user_id=who) for who in (alice, bob, alice)])
    write(house, [replace(LISTED, user_id=who, bank_id="meridian") for who in (bob, alice)])
    told = [(one.log.split("/")[-2], one.number, one.subject_seq) for one in evidence(house, alice)]
    assert told == [("harbor", 0, 0), ("harbor", 2, 1), ("meridian", 1, 0)]
    with house.database.read() as session:
        counts = {head.origin.split("/")[-2]: count for head, count in logs_about(session, bob)}
    assert counts == {"harbor": 1, "meridian": 1}
    assert evidence(house, "nobody") == []


def test_a_new_year_begins_a_new_chain_and_both_are_evidence(house: House) -> None:
    alice = replace(LISTED, user_id=house.alice.user_id)
    write(house, [alice])
    house.watch.passes(days=60)
    close_finished_years(house.sequencer, house.watch())
    write(house, [alice])
    assert [(one.log.split("/")[-1], one.subject_seq) for one in evidence(house, house.alice.user_id)] == [
        ("2026", 0),
        ("2027", 0),
    ]


@pytest.mark.parametrize("lost", ["audit_entries", "audit_nodes"])
def test_where_the_tree_is_damaged_nothing_is_proved_and_nothing_breaks(house: House, lost: str) -> None:
    write(house, [replace(LISTED, user_id=house.alice.user_id)] * 300)
    house.store.runs(*_unguarded(house, lost))
    found = evidence(house, house.alice.user_id)
    proved = {one.number for one in found if one.receipt is not None}
    first_tile = set(range(256))
    assert proved == (set(range(256, 300)) if lost == "audit_entries" else first_tile)
    assert {one.number for one in found} | {7} == set(range(300))


def _unguarded(house: House, table: str) -> list[str]:
    """Statements of an owner who takes something out of the tree."""
    where = "number = 7" if table == "audit_entries" else "number = 0"
    delete = f"DELETE FROM {table} WHERE {where}"  # noqa: S608 - names of this test
    if house.store.url.startswith("sqlite"):
        return [f"DROP TRIGGER {table}_no_delete", delete]
    return [f"ALTER TABLE {table} DISABLE TRIGGER USER", delete, f"ALTER TABLE {table} ENABLE TRIGGER USER"]
