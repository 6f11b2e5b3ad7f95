"""What `broker policy explain` tells of one interaction: what was decided, by which rules, judged by what."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.banks import facts as bank_facts
from broker.grants.erasure import Erasure
from broker.storage.single_use import Claim
from tests.support.core import ASKED, House
from tests.support.decided import interaction, operated, reads, run


@pytest.fixture
def asked(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    return operated(house, monkeypatch)


def told(number: int) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(run("explain", interaction(number), "--json").stdout)["entries"]
    return entries


def test_an_access_is_told_with_both_its_decisions_and_what_they_looked_at(asked: House) -> None:
    reads(asked, asked.approved(), 1)
    requested, released = told(1)
    assert (requested["event"], released["event"]) == ("access.requested", "access.released")
    assert (released["bank"], released["platform"], released["category"]) == ("harbor", "messenger", "balances")
    assert (released["decision"], released["rules"], released["policyInForce"]) == ("allowed", [], True)
    assert released["context"]["reads"]["unattendedCeiling"] == 4
    words = run("explain", interaction(1).upper()).stdout
    assert "No rule refused it." in words
    assert "those in force now" in words
    assert "0 of 4 times without" in words
    assert "Canary" not in words


def test_a_refusal_is_told_with_the_rule_and_its_words(asked: House) -> None:
    grant_id = asked.approved(["accounts"])
    reads(asked, grant_id, 1)
    (refused,) = told(1)
    assert [rule["rule"] for rule in refused["rules"]] == ["grant.categories"]
    words = run("explain", interaction(1)).stdout
    assert f"- {refused['rules'][0]['text']} [grant.categories]" in words
    assert "The permission did not name the category balances." in words


def test_a_rejected_request_is_told_with_its_terms(asked: House) -> None:
    asked.alice = replace(asked.alice, interaction_id=interaction(1))
    with pytest.raises(Exception, match="ceiling-exceeded"):
        asked.proposed(replace(ASKED, duration_days=9_999))
    (rejected,) = told(1)
    assert rejected["event"] == "grant.rejected"
    assert {"limit.duration", "bank.duration"} <= {rule["rule"] for rule in rejected["rules"]}
    assert "for 9999 days, with 60 days of history" in run("explain", interaction(1)).stdout


def test_what_the_rules_did_not_refuse_is_told_apart(asked: House) -> None:
    grant_id = asked.approved()
    wanted = Claim("dpop", "jti", asked.watch() + timedelta(minutes=2))
    reads(asked, grant_id, 1, claims=(wanted,))
    reads(asked, grant_id, 2, claims=(wanted,))
    (refused,) = told(2)
    assert (refused["decision"], refused["rules"], refused["reasons"]) == ("refused", [], ["dpop-replayed"])
    assert "No rule refused it, but it did not come about: dpop-replayed" in run("explain", interaction(2)).stdout


def test_an_interaction_that_no_log_names_is_an_error_with_a_code(asked: House) -> None:
    asked.approved()
    for name in ("no-such-one", "\x1b[2J", interaction(9)):
        plain, as_json = run("explain", name), run("explain", name, "--json")
        assert (plain.exit_code, as_json.exit_code) == (1, 1)
        assert "(interaction-unknown)" in plain.stderr
        assert "\x1b" not in plain.output
        assert json.loads(as_json.stdout)["error"] == "interaction-unknown"


def test_erased_details_are_said_to_be_erased(asked: House) -> None:
    grant_id = asked.approved(["accounts"])
    reads(asked, grant_id, 1)
    Erasure(asked.sequencer, asked.fences, asked.watch).erase(asked.alice.user_id, "harbor")
    (refused,) = told(1)
    assert (refused["details"], refused["context"], refused["rules"]) == ("erased", None, [])
    assert refused["reasons"] == ["category-not-granted"]
    assert "Its details were erased" in run("explain", interaction(1)).stdout


def test_policies_that_are_no_longer_in_force_are_told_with_the_facts_of_then(asked: House) -> None:
    grant_id = asked.approved()
    reads(asked, grant_id, 1)
    bounds = asked.catalogue.banks["harbor"]
    with asked.sequencer.transaction(["harbor"]) as transaction:
        narrow, now = replace(bounds, maximum_lookback_days=7), asked.watch()
        session, sealer = transaction.session, asked.sealer
        bank_facts.keep(session, sealer, bounds, narrow, after=0, author="Ada", reason="tidy", now=now)
    assert {(one["policyInForce"], one["factsVersion"]) for one in told(1)} == {(False, 0)}
    assert "the files of now, with version 0 of the bank's facts" in run("explain", interaction(1)).stdout
    others = replace(asked.catalogue, digest="0" * 64)
    reads(asked, grant_id, 2, catalogue=others)
    assert {(one["policyInForce"], one["factsVersion"]) for one in told(2)} == {(False, None)}
    assert "not those of now" in run("explain", interaction(2)).stdout
