"""The order of every access: log, bank, log, bytes (invariants 1, 2, 3)."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.audit.reader import Page, of_user
from broker.banks.connector import BankAccess
from broker.errors import (
    BankInvalidAnswer,
    BankSignInNeeded,
    BankTimeout,
    BankUnavailable,
    LogUnavailable,
    ProofRefused,
    ReleaseRefused,
    TokenRefused,
)
from broker.grants.service import Part
from broker.release import Call, Missing, Wanted
from broker.storage.single_use import Claim
from tests.support.core import CREDENTIAL, NOON, House, account, as_text, call_of

ACCOUNTS = Wanted("accounts")


@pytest.fixture
def call(house: House) -> Call:
    house.bank.own_accounts = [account("ref-1"), account("ref-2", name="Savings")]
    return call_of(house.approved())


def test_the_request_is_durable_before_the_bank_is_called(house: House, call: Call) -> None:
    seen: list[list[str]] = []
    house.bank.meanwhile = lambda _: seen.append(house.durable_events())
    house.release.read(call, ACCOUNTS, as_text)
    assert [events[-1] for events in seen] == ["access.requested"]


def test_the_release_is_durable_before_the_bytes_are_handed_over(house: House, call: Call) -> None:
    released = house.release.read(call, ACCOUNTS, as_text)
    assert house.durable_events()[-2:] == ["access.requested", "access.released"]
    assert (released.log, released.number) == (house.log()[-1].log, house.log()[-1].number)
    assert house.log()[-1].records == 2
    assert b"Savings" in released.body


def test_without_a_log_the_bank_is_never_called(house: House, call: Call) -> None:
    house.breaks_log_at("access.requested")
    with pytest.raises(LogUnavailable):
        house.release.read(call, ACCOUNTS, as_text)
    assert house.bank.asked == []


def test_without_a_log_nothing_leaves_after_the_bank_has_answered(house: House, call: Call) -> None:
    house.breaks_log_at("access.released")
    with pytest.raises(LogUnavailable):
        house.release.read(call, ACCOUNTS, as_text)
    assert house.bank.asked == [("accounts", ())]
    assert house.durable_events()[-1] == "access.requested"
    assert house.grant(call.grant_id).use_count == 0


def test_a_failure_that_cannot_be_logged_is_told_as_a_missing_log(house: House, call: Call) -> None:
    house.bank.error = BankTimeout()
    house.breaks_log_at("access.failed")
    with pytest.raises(LogUnavailable):
        house.release.read(call, ACCOUNTS, as_text)


@pytest.mark.parametrize(
    ("act", "part", "error", "code"),
    [
        ("revoke", Part(), TokenRefused, "grant-revoked"),
        ("pause", Part(), ReleaseRefused, "grant-paused"),
        ("revoke", Part(category="accounts"), ReleaseRefused, "category-revoked"),
        ("pause", Part(category="accounts"), ReleaseRefused, "category-paused"),
        ("revoke", Part(account_id="acc-2"), ReleaseRefused, "account-not-granted"),
        ("pause", Part(account_id="acc-2"), ReleaseRefused, "account-not-granted"),
    ],
)
def test_what_is_taken_back_while_the_bank_answers_does_not_leave(
    house: House, call: Call, act: str, part: Part, error: type[Exception], code: str
) -> None:
    house.bank.meanwhile = lambda _: getattr(house.grants, act)(house.alice, call.grant_id, part)
    with pytest.raises(error, match=code):
        house.release.read(call, ACCOUNTS, as_text)
    assert house.events()[-1] == "access.refused"
    assert house.log()[-1].reasons[0] == code
    assert house.log()[-1].records is None
    assert house.grant(call.grant_id).use_count == 0


def test_an_account_that_was_not_wanted_may_go_while_the_bank_answers(house: House, call: Call) -> None:
    removed = Part(account_id="acc-2")
    house.bank.meanwhile = lambda _: house.grants.revoke(house.alice, call.grant_id, removed)
    released = house.release.read(call, replace(ACCOUNTS, account_id="acc-1"), as_text)
    assert b"Savings" not in released.body
    assert house.events()[-1] == "access.released"


def test_a_grant_that_expires_while_the_bank_answers_does_not_leave(house: House, call: Call) -> None:
    house.bank.meanwhile = lambda _: house.watch.passes(days=91)
    with pytest.raises(TokenRefused, match="grant-expired"):
        house.release.read(call, ACCOUNTS, as_text)
    assert house.events(last=2) == ["access.refused", "grant.expired"]


@pytest.mark.parametrize(
    "error", [BankUnavailable(), BankTimeout(), BankInvalidAnswer(), BankSignInNeeded()], ids=lambda e: type(e).__name__
)
def test_a_bank_that_fails_is_logged_as_failed(house: House, call: Call, error: BankUnavailable) -> None:
    house.bank.error = error
    with pytest.raises(type(error)):
        house.release.read(call, ACCOUNTS, as_text)
    assert house.events()[-2:] == ["access.requested", "access.failed"]
    assert house.log()[-1].reasons == (error.code,)


def test_a_bank_without_connector_is_unavailable(house: House, call: Call) -> None:
    del house.banks["harbor"]
    with pytest.raises(BankUnavailable):
        house.release.read(call, ACCOUNTS, as_text)
    assert house.events()[-1] == "access.failed"


def test_a_person_whose_credential_was_forgotten_must_sign_in_again(house: House, call: Call) -> None:
    with house.database.write() as session:
        house.users.replace_credential(session, house.alice.user_id, "harbor", old=CREDENTIAL.dump(), new=None)
    with pytest.raises(BankSignInNeeded):
        house.release.read(call, ACCOUNTS, as_text)
    assert house.events()[-1] == "access.failed"
    assert house.bank.asked == []


def test_a_proof_that_was_used_before_stops_the_call_before_the_bank(house: House, call: Call) -> None:
    with_proof = replace(call, claims=(Claim("dpop", "jti-1", NOON + timedelta(minutes=2)),))
    house.release.read(with_proof, ACCOUNTS, as_text)
    with pytest.raises(ProofRefused, match="dpop-proof-replayed"):
        house.release.read(with_proof, ACCOUNTS, as_text)
    assert len(house.bank.asked) == 1
    assert house.events()[-1] == "access.refused"
    assert house.log()[-1].reasons == ("dpop-replayed",)


def test_a_refused_call_uses_its_proof_up_all_the_same(house: House, call: Call) -> None:
    with_proof = replace(call, claims=(Claim("dpop", "jti-2", NOON + timedelta(minutes=2)),))
    house.grants.pause(house.alice, call.grant_id, Part())
    with pytest.raises(ReleaseRefused):
        house.release.read(with_proof, ACCOUNTS, as_text)
    house.grants.resume(house.alice, call.grant_id, Part())
    with pytest.raises(ProofRefused):
        house.release.read(with_proof, ACCOUNTS, as_text)


def test_a_renderer_that_refuses_lets_nothing_leave_and_is_logged(house: House, call: Call) -> None:
    def refuses(_records: list[dict[str, Any]], _missing: Missing) -> Any:
        raise ReleaseRefused(code="account-closed")

    with pytest.raises(ReleaseRefused):
        house.release.read(call, ACCOUNTS, refuses)
    assert house.events()[-2:] == ["access.requested", "access.refused"]
    assert house.log()[-1].reasons == ("account-closed",)
    assert house.log()[-1].decision == "refused"


def test_an_unknown_grant_and_another_platforms_grant_answer_the_same(house: House, call: Call) -> None:
    answers = []
    for strange in (replace(call, grant_id="no-such-grant"), replace(call, platform_id="rival")):
        with pytest.raises(TokenRefused) as refusal:
            house.release.read(strange, ACCOUNTS, as_text)
        answers.append((refusal.value.code, refusal.value.detail))
    assert answers[0] == answers[1]
    assert house.bank.asked == []


def test_a_release_is_counted_as_the_last_use(house: House, call: Call) -> None:
    house.watch.passes(seconds=5)
    house.release.read(call, ACCOUNTS, as_text)
    grant = house.grant(call.grant_id)
    assert (grant.use_count, grant.last_use_at) == (1, house.watch())
    category = grant.category("accounts")
    assert category is not None
    assert (category.use_count, category.last_use_at) == (1, house.watch())


def test_a_renewed_bank_token_is_kept_sealed(house: House, call: Call) -> None:
    def renews(access: BankAccess) -> None:
        access.renew(lambda used: replace(used, access_token="renewed-canary"))

    house.bank.meanwhile = renews
    house.release.read(call, ACCOUNTS, as_text)
    house.bank.meanwhile = lambda _: None
    house.release.read(call, ACCOUNTS, as_text)
    assert house.bank.accesses[-1].credential.access_token == "renewed-canary"
    assert b"renewed-canary" not in house.stored_bytes()


def test_both_entries_of_an_access_carry_the_same_facts_and_the_person_can_read_them(house: House, call: Call) -> None:
    body = house.release.read(call, ACCOUNTS, as_text).body
    with house.database.read() as session:
        released, requested = of_user(session, house.sealer, house.alice.user_id, Page())[:2]
    for entry in (requested, released):
        assert (entry.platform_id, entry.grant_id, entry.category) == ("messenger", call.grant_id, "accounts")
        assert (entry.purpose, entry.interaction_id) == ("chat_banking", call.interaction_id)
        assert (entry.policy_digest, entry.accounts) == (house.catalogue.digest, 2)
        assert entry.details["accounts"] == ["ref-1", "ref-2"]
        assert entry.details["customer"] == "sub-alice"
    assert requested.details["endpoint"] == "GET /v1/thing"
    assert released.details["fields"][:2] == ["accountId", "displayName"]
    assert "responseDigest" not in requested.details
    assert released.details["responseDigest"] == hashlib.sha256(body).hexdigest()
