"""Receipts in hand: what a bank and a platform are given to hold against the log, and nothing more than they know."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.audit.reader import Page, of_user
from broker.audit.tree import entries_of
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks.connector import Announced
from broker.errors import BankTimeout, BankUnavailable, ReleaseRefused
from broker.policy import ReleaseContext, decide
from broker.release import Call, OwnAccounts, Wanted
from broker.storage.single_use import Claim
from broker.tlog.checkpoint import Checkpoint, sign_checkpoint
from broker.tlog.disclosure import check, decode
from broker.tlog.receipt import VerifiedReceipt, make_receipt, verify_receipt
from tests.support.core import ASKED, LOG_KEYS, NOON, House, account, as_text, call_of

pytestmark = pytest.mark.any_database
LOG = "broker.example/audit/harbor/2026"
TRANSACTIONS = Wanted("transactions", oldest_at=NOON - timedelta(days=9), newest_at=NOON - timedelta(days=3))


@pytest.fixture
def call(house: House) -> Call:
    house.bank.own_accounts = [account("ref-1"), account("ref-2", name="Savings")]
    return call_of(house.approved())


def opened(text: str) -> VerifiedReceipt:
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return verify_receipt(data, LOG_KEYS.verifiers(LOG), origin=LOG)


def leaves(house: House) -> Iterator[dict[str, Any]]:
    with house.database.read() as session:
        yield from map(json.loads, entries_of(session, LOG, 0, 1_000))


def last(house: House) -> dict[str, Any]:
    return list(leaves(house))[-1]


def announced(house: House) -> Announced:
    given = house.bank.accesses[-1].announced
    assert given is not None
    return given


def test_the_bank_gets_the_receipt_of_the_entry_that_announces_its_request(house: House, call: Call) -> None:
    house.release.read(call, TRANSACTIONS, as_text)
    receipt = opened(announced(house).receipt)
    leaf = json.loads(receipt.leaf)
    assert (leaf["event"], leaf["category"]) == ("access.requested", "transactions")
    assert leaf["interactionId"] == call.interaction_id
    assert receipt.leaf in [json.dumps(one, separators=(",", ":"), sort_keys=True).encode() for one in leaves(house)]


def test_the_bank_is_disclosed_what_it_can_check_and_nothing_else(house: House, call: Call) -> None:
    house.release.read(call, replace(TRANSACTIONS, account_id="acc-2"), as_text)
    given = announced(house)
    assert check(json.loads(opened(given.receipt).leaf), decode(given.disclosures)) == {
        "customer": "sub-alice",
        "accounts": ["ref-2"],
        "endpoint": "GET /v1/thing",
        "window": "2026-11-13T00:00:00Z/2026-11-20T00:00:00Z",
    }
    window = house.bank.windows[-1]
    assert (window.oldest_at, window.newest_at - timedelta(days=7)) == (window.oldest_at, window.oldest_at)


def test_a_category_without_a_window_announces_none(house: House, call: Call) -> None:
    house.release.read(call, Wanted("balances"), as_text)
    assert {one.name for one in decode(announced(house).disclosures)} == {"customer", "accounts", "endpoint"}


def test_the_persons_own_list_is_announced_to_the_bank_too(house: House) -> None:
    house.bank.own_accounts = [account("ref-1")]
    OwnAccounts(house.release).of(house.alice, house.grant(house.proposed()))
    given = announced(house)
    leaf = json.loads(opened(given.receipt).leaf)
    assert (leaf["event"], leaf["category"], leaf["interactionId"]) == (
        "accounts.listed",
        "accounts",
        house.alice.interaction_id,
    )
    assert check(leaf, decode(given.disclosures)) == {"customer": "sub-alice", "endpoint": "GET /consent"}


def test_the_platform_gets_the_receipt_of_the_bytes_it_gets(house: House, call: Call) -> None:
    released = house.release.read(call, Wanted("accounts"), as_text)
    receipt = opened(released.receipt)
    leaf = json.loads(receipt.leaf)
    assert (leaf["event"], leaf["number"], leaf["log"]) == ("access.released", released.number, released.log)
    assert check(leaf, decode(released.disclosures)) == {"responseDigest": hashlib.sha256(released.body).hexdigest()}


def test_an_access_id_joins_the_entries_of_one_access_and_of_no_other(house: House, call: Call) -> None:
    house.release.read(call, Wanted("accounts"), as_text)
    house.release.read(call, Wanted("accounts"), as_text)
    house.bank.error = BankTimeout()
    with pytest.raises(BankTimeout):
        house.release.read(call, Wanted("accounts"), as_text)
    with pytest.raises(ReleaseRefused):
        house.release.read(call, Wanted("accounts", account_id="nobody's"), as_text)
    house.release.record_refusal(call, "token-expired")
    of_access = [(leaf["event"], leaf["access"]) for leaf in leaves(house) if leaf["event"].startswith("access.")]
    ids = list(dict.fromkeys(access for _, access in of_access))
    assert [[event for event, access in of_access if access == one] for one in ids] == [
        ["access.requested", "access.released"],
        ["access.requested", "access.released"],
        ["access.requested", "access.failed"],
        ["access.refused"],
        ["access.refused"],
    ]
    assert all(len(base64.urlsafe_b64decode(f"{one}==")) == 16 for one in ids)


def test_the_failure_of_an_own_list_is_joined_to_it(house: House) -> None:
    house.bank.error = BankTimeout()
    with pytest.raises(BankTimeout):
        OwnAccounts(house.release).of(house.alice, house.grant(house.proposed()))
    listed, failed = list(leaves(house))[-2:]
    assert (listed["event"], failed["event"]) == ("accounts.listed", "access.failed")
    assert listed["access"] == failed["access"]


def test_a_call_with_a_used_proof_never_reaches_the_bank_with_its_receipt(house: House, call: Call) -> None:
    with_proof = replace(call, claims=(Claim("dpop", "jti-1", NOON + timedelta(minutes=2)),))
    house.release.read(with_proof, Wanted("accounts"), as_text)
    with pytest.raises(Exception, match="dpop-proof-replayed"):
        house.release.read(with_proof, Wanted("accounts"), as_text)
    assert len(house.bank.accesses) == 1
    assert last(house)["event"] == "access.refused"


def test_the_context_of_the_decision_is_kept_so_that_it_can_be_judged_again(house: House, call: Call) -> None:
    house.release.read(call, replace(TRANSACTIONS, filtered_fields=frozenset({"amount"})), as_text)
    with house.database.read() as session:
        released, entry = of_user(session, house.sealer, house.alice.user_id, Page(2))
    assert entry.details["context"] == released.details["context"]
    kept = entry.details["context"]
    assert kept["filters"] == ["amount"]
    context = ReleaseContext.from_json(kept, house.catalogue.banks[kept["bank"]])
    assert context.to_json().items() <= kept.items()
    assert (context.category, context.term) == ("transactions", ASKED.category("transactions"))
    assert decide(house.catalogue, context).is_allowed
    assert {"amount", "description"} <= set(released.details["fields"])


def test_more_accounts_than_a_header_holds_fail_before_the_bank_is_called(house: House, call: Call) -> None:
    entry = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor", details={"accounts": ["x" * 128] * 99})
    placed = house.sequencer.append(entry)
    with house.database.read() as session:
        identity = house.users.at_bank(session, house.alice.user_id, "harbor")
    with pytest.raises(BankUnavailable, match="one at a time"):
        house.release.access(identity, call.interaction_id, "accounts", placed)


@pytest.mark.parametrize(("event", "committed"), [("access.requested", 5), ("access.released", 5)])
def test_the_fattest_honest_entry_is_within_1_kb_and_its_receipt_within_4_kb(
    house: House, call: Call, event: str, committed: int
) -> None:
    house.release.read(call, TRANSACTIONS, as_text)
    # The longest ids that a registration takes, in a log of 2**24 entries that was recovered.
    fattest = next(leaf for leaf in reversed(list(leaves(house))) if leaf["event"] == event) | {
        "log": f"{'h' * 40}.example/audit/{'b' * 40}/2026-2",
        "number": 2**24 - 1,
        "subjectSeq": 2**24 - 1,
        "grantVersion": 999,
        "platform": "p" * 64,
        "category": "balance_answers",
        "purpose": "p" * 24,
        "accounts": 999,
    }
    if "records" in fattest:
        fattest["records"] = 20_000
    leaf = json.dumps(fattest, separators=(",", ":")).encode()
    assert (len(fattest["_sd"]), len(leaf) <= 1024) == (committed, True)
    # Two keys sign during a rotation.
    signers = LOG_KEYS.signers(fattest["log"]) * 2
    note = sign_checkpoint(Checkpoint(fattest["log"], 2**24, b"\xff" * 32), signers)
    receipt = make_receipt(leaf, 2**24 - 1, [b"\xff" * 32] * 24, note)
    assert len(receipt) <= 4096
