"""Forgetting a customer: grants end, details go for good, entries and tree stay, and the link to the person is cut."""

import json
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from broker.audit.erasure import Erased
from broker.audit.reader import Page, of_bank, of_user
from broker.audit.receipts import disclosures_of_person, of_log, of_person
from broker.audit.tree import entries_of, head_of, nodes_of, receipt_of
from broker.errors import LogUnavailable, NotFound, StorageUnavailable, TokenRefused
from broker.grants.erasure import Erasure
from broker.grants.fence import Fences
from broker.release import Wanted
from broker.storage.shred import empty_write_ahead_log
from broker.tlog.checkpoint import open_checkpoint
from broker.tlog.merkle import leaf_hash, root_of
from broker.tlog.receipt import verify_receipt
from tests.support.core import LOG_KEYS, House, as_text, call_of

LOG = "broker.example/audit/harbor/2026"


def erase(house: House, *, bank: str = "harbor", fences: Fences | None = None) -> Erased:
    erasure = Erasure(house.sequencer, fences or house.fences, house.watch)
    return erasure.erase(house.alice.user_id, bank)


def leaves(house: House) -> list[Mapping[str, Any]]:
    with house.database.read() as session:
        return [json.loads(leaf) for leaf in entries_of(session, LOG, 0, 1_000)]


def sealed(house: House) -> list[bytes]:
    """Everything sealed that the log keeps of Alice at her bank: her details and her key."""
    queries = ("SELECT sealed FROM audit_details WHERE log LIKE '%/harbor/%'", "SELECT sealed_key FROM audit_subjects")
    return [bytes(row[0]) for query in queries for row in house.store.rows(query)]


def test_erasing_ends_the_grants_then_says_so_as_the_last_leaf_of_the_persons_chain(house: House) -> None:
    grants = [house.approved(), house.approved(), house.approved(is_claimed=False)]
    elsewhere = house.approved(bank="meridian")
    details = house.store.rows("SELECT number FROM audit_details WHERE log LIKE '%/harbor/%'")
    erased = erase(house)
    assert [(house.grant(one).status.value, house.grant(one).status_code) for one in grants] == [
        ("REVOKED", "details-erased")
    ] * 3
    assert house.grant(elsewhere).status.value == "ACTIVE"
    told = leaves(house)
    assert [leaf["event"] for leaf in told[-4:]] == ["grant.revoked"] * 3 + ["details.erased"]
    assert {leaf["initiator"] for leaf in told[-4:]} == {"DATA_ACCESS_PLATFORM"}
    assert (erased.entries, erased.written.number) == (len(details), told[-1]["number"])
    assert [leaf["subjectSeq"] for leaf in told] == list(range(len(told)))


def test_nothing_is_released_after_it(house: House) -> None:
    grant_id = house.approved()
    erase(house)
    with pytest.raises(TokenRefused) as refused:
        house.release.read(call_of(grant_id), Wanted("accounts"), as_text)
    assert refused.value.code == "grant-revoked"


def test_afterwards_the_database_holds_nothing_of_the_persons_details(house: House) -> None:
    house.approved()
    kept = sealed(house)
    before = house.stored_bytes()
    assert len(kept) >= 3
    assert all(one in before for one in kept)
    erase(house)
    assert empty_write_ahead_log(house.database)
    if house.store.url.startswith("postgresql"):
        with psycopg.connect(house.store.url, autocommit=True) as owner:
            owner.execute("VACUUM FULL audit_details")
            owner.execute("VACUUM FULL audit_subjects")
    after = house.stored_bytes()
    assert [one for one in kept if one in after] == []
    assert sealed(house) == []


def test_the_tree_and_every_receipt_stand_as_before(house: House) -> None:
    house.approved()
    with house.database.read() as session:
        old = head_of(session, LOG)
        handed_out = [receipt_of(session, LOG, number) for number in range(old.size)]
    erased = erase(house)
    with house.database.read() as session:
        head = head_of(session, LOG)
        hashes = [leaf_hash(leaf) for leaf in entries_of(session, LOG, 0, 1_000)]
        assert root_of(nodes_of(session, LOG), head.size) == head.root
        assert len(hashes) == head.size == erased.written.number + 1
        assert open_checkpoint(head.note, LOG_KEYS.verifiers(LOG), LOG).root == head.root
        for number, receipt in enumerate(handed_out):
            now = verify_receipt(of_log(session, LOG, number), LOG_KEYS.verifiers(LOG))
            assert verify_receipt(receipt, LOG_KEYS.verifiers(LOG)).leaf == now.leaf


def test_the_person_sees_nothing_of_before_and_begins_a_new_chain(house: House) -> None:
    house.approved()
    old = leaves(house)[0]["subject"]
    erase(house)
    with house.database.read() as session:
        assert of_user(session, house.sealer, house.alice.user_id, Page()) == []
        for take in (of_person, lambda *asked: disclosures_of_person(asked[0], house.sealer, *asked[1:])):
            with pytest.raises(NotFound):
                take(session, house.alice.user_id, LOG, 0)
    number = len(leaves(house))
    house.approved()
    fresh = leaves(house)[number:]
    assert [leaf["subjectSeq"] for leaf in fresh] == list(range(len(fresh)))
    assert "subjectPrev" not in fresh[0]
    assert {leaf["subject"] for leaf in fresh} & {old} == set()
    with house.database.read() as session:
        assert len(of_user(session, house.sealer, house.alice.user_id, Page())) == len(fresh)


def test_the_bank_still_has_the_entries_and_their_receipts_without_details(house: House) -> None:
    house.approved()
    erased = erase(house)
    with house.database.read() as session:
        rows = of_bank(session, house.sealer, "harbor", Page())
        assert len(rows) == erased.written.number + 1
        assert [row.details for row in rows if row.subject] == [{}] * len(rows)
        assert verify_receipt(of_log(session, LOG, 0), LOG_KEYS.verifiers(LOG)).index == 0


def test_it_waits_for_no_bank_but_for_what_is_being_handed_over(house: House) -> None:
    grant_id = house.approved()
    impatient = Fences(house.database, wait_s=0.2)
    house.in_the_end.callback(impatient.close)
    with house.fences.shared(grant_id), pytest.raises(StorageUnavailable):
        erase(house, fences=impatient)
    assert house.grant(grant_id).status.value == "ACTIVE"
    assert sealed(house) != []


@pytest.mark.parametrize("event", ["grant.revoked", "details.erased"])
def test_what_cannot_be_written_down_is_not_done(house: House, event: str) -> None:
    grant_id = house.approved()
    kept = sealed(house)
    house.breaks_log_at(event)
    with pytest.raises(LogUnavailable):
        erase(house)
    house.mends_log()
    assert house.grant(grant_id).status.value == "ACTIVE"
    assert sealed(house) == kept
    erase(house)


def test_whom_the_log_does_not_know_cannot_be_erased_and_nobody_twice(house: House) -> None:
    house.approved()
    erase(house)
    for bank in ("harbor", "meridian", "nobody"):
        with pytest.raises(NotFound):
            erase(house, bank=bank)
    assert house.events(last=1) == ["details.erased"]
