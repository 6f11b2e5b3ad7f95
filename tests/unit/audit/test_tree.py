"""The log is a tree: each entry comes with a proof, the state row is its signed head, people's entries form chains."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from broker.audit.reader import Page, of_user
from broker.audit.tree import entries_of, hashes_of, head_of, heads, listed, nodes_of, receipt_of
from broker.audit.vocabulary import Appended, Entry, Event, Initiator
from broker.crypto.digests import base64url, canonical_json
from broker.errors import LogUnavailable, NotFound
from broker.tlog.checkpoint import open_checkpoint
from broker.tlog.disclosure import check
from broker.tlog.merkle import consistency_proof, leaf_hash, root_of, verify_consistency
from broker.tlog.receipt import VerifiedReceipt, verify_receipt
from tests.support.core import LOG_KEYS, House

LOG = "broker.example/audit/harbor/2026"
ENTRY = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor")


def verified(placed: Appended) -> VerifiedReceipt:
    return verify_receipt(placed.receipt, LOG_KEYS.verifiers(placed.log), origin=placed.log)


def fields(leaf: bytes) -> dict[str, object]:
    found: dict[str, object] = json.loads(leaf)
    return found


def appended(house: House, count: int, entry: Entry = ENTRY) -> Sequence[Appended]:
    return [house.sequencer.append(entry) for _ in range(count)]


def test_every_entry_comes_with_a_receipt_that_verifies_offline(house: House) -> None:
    for number, placed in enumerate(appended(house, 20)):
        receipt = verified(placed)
        assert receipt.index == placed.number == number
        assert receipt.checkpoint.size == number + 1
        assert fields(receipt.leaf)["number"] == number


def test_receipts_are_honest_against_any_later_head(house: House) -> None:
    appended(house, 300)
    with house.database.read() as session:
        for number in (0, 1, 128, 255, 256, 299):
            receipt = verify_receipt(receipt_of(session, LOG, number), LOG_KEYS.verifiers(LOG), origin=LOG)
            assert (receipt.index, receipt.checkpoint.size) == (number, 300)
        with pytest.raises(NotFound):
            receipt_of(session, LOG, 300)
        with pytest.raises(NotFound):
            receipt_of(session, "broker.example/audit/nobody/2026", 0)


def test_the_head_is_signed_and_is_the_root_over_the_stored_entries(house: House) -> None:
    appended(house, 270)
    with house.database.read() as session:
        head = head_of(session, LOG)
        checkpoint = open_checkpoint(head.note, LOG_KEYS.verifiers(LOG), LOG)
        leaves = entries_of(session, LOG, 0, 1000)
        assert hashes_of(session, LOG, 0, 0, 1000) == [leaf_hash(leaf) for leaf in leaves]
        assert len(hashes_of(session, LOG, 8, 0, 10)) == 1
        assert root_of(nodes_of(session, LOG), 270) == checkpoint.root == head.root
    assert checkpoint.size == head.size == 270


def test_each_head_is_consistent_with_those_before(house: House) -> None:
    seen = [verified(placed).checkpoint for placed in appended(house, 40)]
    with house.database.read() as session:
        for old in seen:
            proof = consistency_proof(nodes_of(session, LOG), old.size, 40)
            verify_consistency(old_size=old.size, old_root=old.root, new_size=40, new_root=seen[-1].root, proof=proof)


def test_a_persons_entries_form_a_chain_in_each_log(house: House) -> None:
    alice = replace(ENTRY, user_id=house.alice.user_id)
    placed = [house.sequencer.append(one) for one in (alice, ENTRY, alice, alice)]
    placed.append(house.sequencer.append(replace(alice, bank_id="meridian")))
    leaves = [verified(one).leaf for one in placed]
    said = [fields(leaf) for leaf in leaves]
    assert [one.get("subjectSeq") for one in said] == [0, None, 1, 2, 0]
    assert [one.get("subjectPrev") for one in said] == [
        None, None, base64url(leaf_hash(leaves[0])), base64url(leaf_hash(leaves[2])), None,
    ]  # fmt: skip
    assert "subject" not in said[1]


def test_what_two_platforms_hold_shows_no_shared_customer(house: House) -> None:
    about = replace(ENTRY, user_id=house.alice.user_id, platform_id="messenger")
    platforms = ("messenger", "rival", "messenger", None)
    placed = [house.sequencer.append(replace(about, platform_id=platform)) for platform in platforms]
    said = [fields(verified(one).leaf) for one in placed]
    first, second, again, nobodys = (one["subject"] for one in said)
    assert first == again
    assert len({first, second, nobodys}) == 3
    # Nor does a number tell one platform how much happens at another.
    assert [one["subjectSeq"] for one in said] == [0, 0, 1, 0]
    with house.database.read() as session:
        assert len(of_user(session, house.sealer, house.alice.user_id, Page())) == 4


def test_details_stand_in_the_entry_as_salted_digests_and_open_only_with_their_disclosures(house: House) -> None:
    details = {"customer": "c-1", "accounts": ["a-1", "a-2"], "endpoint": "GET /v1/x"}
    first, second = appended(house, 2, replace(ENTRY, user_id=house.alice.user_id, details=details))
    said, again = fields(verified(first).leaf), fields(verified(second).leaf)
    assert check(said, first.disclosures) == details
    assert not set(said["_sd"]) & set(again["_sd"]), "the same details gave the same digests"  # type: ignore[arg-type]
    assert [one.name for one in first.disclosed(["customer", "endpoint"])] == ["customer", "endpoint"]
    with house.database.read() as session:
        read = of_user(session, house.sealer, house.alice.user_id, Page(1))
    assert read[0].details == details


def test_an_entry_is_canonical_json_of_at_most_a_kilobyte(house: House) -> None:
    fat = replace(
        ENTRY,
        user_id=house.alice.user_id,
        platform_id="m" * 64,
        grant_id="0" * 36,
        grant_version=12,
        category="card_locations",
        purpose="transaction_monitoring",
        interaction_id="1" * 36,
        policy_digest="d" * 43,
        reasons=("account-not-granted",),
        records=1000,
        accounts=12,
        access_id="a" * 22,
        details=dict.fromkeys(("customer", "accounts", "endpoint", "window", "fields", "context", "x"), "é€\u2028"),
    )
    for _ in range(2):
        leaf = verified(house.sequencer.append(fat)).leaf
        assert leaf == canonical_json(json.loads(leaf))
        assert len(leaf) <= 1024


def test_a_log_that_was_changed_behind_its_back_takes_no_further_entry(house: House) -> None:
    appended(house, 3)
    house.runs("UPDATE audit_logs SET size = 2")
    with pytest.raises(LogUnavailable, match="log-unavailable"):
        house.sequencer.append(ENTRY)
    with house.database.read() as session:
        assert len(entries_of(session, LOG, 0, 10)) == 3


def test_heads_are_listed_of_all_logs_or_of_one_owner(house: House) -> None:
    for bank in ("harbor", "meridian", None):
        house.sequencer.append(replace(ENTRY, bank_id=bank))
    with house.database.read() as session:
        assert [head.origin.split("/")[2] for head in heads(session)] == ["harbor", "meridian", "operator"]
        assert [head.origin for head in listed(session, "harbor")] == [LOG]
