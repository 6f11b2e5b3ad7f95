"""Receipts for platforms: with every answer, and again at an address of their own."""

import base64
import hashlib
import json
import re

import pytest
from werkzeug.test import TestResponse

from broker.audit.tree import entries_of
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.grants.service import Part
from broker.tlog.disclosure import check, decode
from broker.tlog.receipt import VerifiedReceipt, verify_receipt
from tests.support.core import LOG_KEYS, House, account
from tests.support.edge import Platform, app_of, problem

BASE = "https://broker.example"  # whose logs the house keeps
LOG = "broker.example/audit/harbor/2026"


@pytest.fixture
def platform(house: House) -> Platform:
    house.bank.own_accounts = [account("ref-1"), account("ref-2", name="Savings")]
    return Platform(house, app_of(house, BASE).test_client(), house.approved())


def reads(platform: Platform, path: str, query: str = "", proof: str | None = None) -> TestResponse:
    return platform.get(path, query, proof=proof or platform.proof(path, htu=BASE + path))


def opened(data: bytes) -> VerifiedReceipt:
    return verify_receipt(data, LOG_KEYS.verifiers(LOG), origin=LOG)


def in_header(answer: TestResponse) -> VerifiedReceipt:
    assert answer.status_code == 200, answer.text
    text = answer.headers["x-broker-receipt"]
    return opened(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def linked(answer: TestResponse) -> str:
    found = re.fullmatch(
        rf'<{re.escape(BASE)}(/v1/receipts/harbor/2026/[0-9]+)>; rel="receipt"', answer.headers["Link"]
    )
    assert found is not None, answer.headers["Link"]
    return found[1]


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/accounts/acc-1", "/v1/accounts/balances", "/v1/card-locations"])
def test_every_data_answer_carries_the_receipt_of_its_very_bytes(platform: Platform, path: str) -> None:
    answer = reads(platform, path)
    leaf = json.loads(in_header(answer).leaf)
    assert (leaf["event"], leaf["grant"]) == ("access.released", platform.grant_id)
    assert leaf["interactionId"] == answer.headers["x-fapi-interaction-id"]
    digest = hashlib.sha256(answer.get_data()).hexdigest()
    assert check(leaf, decode(answer.headers["x-broker-disclosures"])) == {"responseDigest": digest}


def test_a_refusal_carries_none(platform: Platform) -> None:
    platform.house.grants.pause(platform.house.alice, platform.grant_id, Part())
    answer = reads(platform, "/v1/accounts")
    assert problem(answer) == (403, "grant-paused")
    assert not {"x-broker-receipt", "x-broker-disclosures", "Link"} & set(answer.headers.keys())


def test_the_receipt_can_be_had_again_against_the_newest_checkpoint(platform: Platform) -> None:
    first = reads(platform, "/v1/accounts")
    reads(platform, "/v1/accounts/balances")
    again = reads(platform, linked(first))
    assert (again.status_code, again.content_type) == (200, "text/plain; charset=utf-8")
    before, now = in_header(first), opened(again.get_data())
    assert (now.leaf, now.index) == (before.leaf, before.index)
    assert now.checkpoint.size > before.checkpoint.size


def test_a_receipt_is_shown_to_the_platform_of_its_grant_alone(platform: Platform) -> None:
    house = platform.house
    own = linked(reads(platform, "/v1/accounts"))
    rival = Platform(house, platform.http, house.approved())
    assert reads(rival, linked(reads(rival, "/v1/accounts"))).status_code == 200
    house.sequencer.append(Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, bank_id="harbor"))
    with house.database.read() as session:
        newest = len(entries_of(session, LOG, 0, 1_000)) - 1
    refusals = [
        reads(rival, path)
        for path in (
            own,  # another grant's
            f"/v1/receipts/harbor/2026/{newest}",  # nobody's
            "/v1/receipts/harbor/2026/100000",
            "/v1/receipts/harbor/1999/0",
            "/v1/receipts/nobody/2026/0",
            "/v1/receipts/operator/2026/0",
            "/v1/receipts/harbor/2026/-1",
            "/v1/receipts/harbor/2026/00",
            "/v1/receipts/harbor/2026/%D9%A1",
            f"/v1/receipts/harbor/2026/{'9' * 40}",
        )
    ]
    assert {problem(answer) for answer in refusals} == {(404, "not-found")}
    assert len({answer.get_json()["detail"] for answer in refusals}) == 1


def test_a_receipt_holds_what_a_platform_may_know(platform: Platform) -> None:
    told = reads(platform, linked(reads(platform, "/v1/accounts"))).text
    leaf = opened(told.encode()).leaf.decode()
    assert not [word for word in ("sub-alice", "ref-1", "Canary", platform.house.alice.user_id) if word in leaf]


def test_a_proof_is_good_for_one_receipt(platform: Platform) -> None:
    path = linked(reads(platform, "/v1/accounts"))
    proof = platform.proof(path, htu=BASE + path)
    assert reads(platform, path, proof=proof).status_code == 200
    assert problem(reads(platform, path, proof=proof)) == (401, "dpop-proof-replayed")


def test_with_the_grant_its_receipts_end_at_this_address(platform: Platform) -> None:
    path = linked(reads(platform, "/v1/accounts"))
    platform.house.grants.revoke(platform.house.alice, platform.grant_id, Part())
    assert problem(reads(platform, path)) == (401, "grant-revoked")


def test_a_receipt_takes_no_parameters(platform: Platform) -> None:
    path = linked(reads(platform, "/v1/accounts"))
    assert problem(reads(platform, path, "?at=1")) == (400, "invalid-request")
