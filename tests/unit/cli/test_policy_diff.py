"""What `broker policy diff` finds when the decisions of the log are put to two folders of policies."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.banks import facts as bank_facts
from broker.clock import day_of
from broker.errors import ConfigurationInvalid, NotFound
from broker.grants.consents import Answer
from broker.grants.erasure import Erasure
from broker.grants.proposals import AmendAction
from broker.grants.reads import Read
from broker.policy.loading import load_catalogue
from broker.settings import default_policies_dir
from broker.storage.single_use import Claim
from tests.support.core import ASKED, ASKER, House
from tests.support.decided import changed, interaction, operated, reads, run

SHIPPED = str(default_policies_dir())
HARBOR = "banks/harbor.yaml"


@pytest.fixture
def asked(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house with four accesses: two of balances, one of accounts, and one that the person never allowed."""
    operated(house, monkeypatch)
    grant_id = house.approved(["accounts", "balances"])
    for number, category in enumerate(["balances", "balances", "accounts", "transactions"], start=1):
        reads(house, grant_id, number, category)
    return house


def found(old: object, new: object = SHIPPED, *options: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run("diff", str(old), str(new), "--days", "3660", "--json", *options).stdout)
    return told


def flips(told: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(flip["now"], flip["rule"]): flip["decisions"] for flip in told["flips"]}


def without_balances(text: str) -> str:
    return text.replace("[accounts, balances,", "[accounts,")


def test_the_same_policies_decide_everything_as_before(asked: House) -> None:
    told = found(SHIPPED)
    # The grant was asked for and given; three accesses were judged twice, one was refused at once.
    assert (told["decisions"], told["compared"], told["same"], told["flips"]) == (9, 9, 9, [])
    assert (told["notReplayable"], told["doesNotReplay"]["decisions"]) == ([], 0)
    words = run("diff", SHIPPED, "--days", "3660", "--fail-on-flip")
    assert (words.exit_code, "Nothing comes out otherwise." in words.stdout) == (0, True)
    assert asked.events().count("access.released") == 3


def test_a_category_that_a_bank_drops_flips_what_was_allowed_and_back(asked: House, tmp_path: Path) -> None:
    narrow = changed(tmp_path / "narrow", HARBOR, without_balances)
    told = found(SHIPPED, narrow)
    # Both moments of two accesses, and the request that named the category with its approval.
    assert flips(told) == {("refused", "bank.categories"): 6}
    (flip,) = told["flips"]
    assert interaction(1) in flip["interactions"]
    assert flip["text"] == "The bank does not offer balances at the moment."
    back = found(narrow)
    assert flips(back) == {("allowed", "bank.categories"): 6}
    assert back["doesNotReplay"]["decisions"] == 0
    assert asked.log()[-1].interaction_id == interaction(4)  # looking changes nothing
    plain = run("diff", SHIPPED, str(narrow), "--days", "3660", "--fail-on-flip")
    assert (plain.exit_code, "allowed → refused" in plain.stdout) == (1, True)
    assert run("diff", SHIPPED, str(narrow), "--days", "3660").exit_code == 0


def test_a_rule_that_is_taken_away_flips_what_it_refused(asked: House, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="ceiling-exceeded"):
        asked.proposed(replace(ASKED, lookback_days=366))
    wide = changed(tmp_path / "wide", "20-banks.cedar", lambda text: text.replace("context.lookbackDays >", "9999 <"))
    more = wide / "30-limits.cedar"
    more.write_text(more.read_text().replace("context.lookbackDays > context.purpose.maximumLookbackDays", "false"))
    assert flips(found(SHIPPED, wide)) == {("allowed", "bank.history"): 1}
    only_one = changed(
        tmp_path / "one", "20-banks.cedar", lambda text: text.replace("context.lookbackDays >", "9999 <")
    )
    told = found(SHIPPED, only_one)
    assert flips(told) == {}
    assert [(one["before"], one["rule"]) for one in told["refusedByAnotherRule"]] == [("bank.history", "limit.history")]


def test_a_lower_ceiling_of_reads_refuses_the_reads_beyond_it(asked: House, tmp_path: Path) -> None:
    lower = changed(
        tmp_path / "lower", HARBOR, lambda text: text.replace("frequency_per_day: 24", "frequency_per_day: 1")
    )
    # The second read of balances, both moments; and the request, whose four reads a day are above the ceiling.
    assert flips(found(SHIPPED, lower)) == {("refused", "limit.reads-unattended"): 2, ("refused", "bank.frequency"): 2}
    assert len(asked.bank.asked) == 3


def test_facts_that_a_bank_had_changed_count_as_they_were(asked: House, tmp_path: Path) -> None:
    bounds = asked.catalogue.banks["harbor"]
    grant_id = asked.approved()
    asked.watch.passes(minutes=1)
    with asked.sequencer.transaction(["harbor"]) as transaction:
        wished, now = replace(bounds, categories=bounds.categories - {"balances"}), asked.watch()
        session, sealer = transaction.session, asked.sealer
        bank_facts.keep(session, sealer, bounds, wished, after=0, author="Ada", reason="tidy", now=now)
    asked.watch.passes(minutes=1)
    reads(asked, grant_id, 5)
    told = found(SHIPPED)
    assert (told["flips"], told["doesNotReplay"]["decisions"], told["underOtherPolicies"]["decisions"]) == ([], 0, 0)
    # A file that says the same with one more bank beside it: the fact that the bank turned balances off goes on.
    other = changed(tmp_path / "other", "banks/meridian.yaml", lambda text: text + "\n# another digest\n")
    assert flips(found(SHIPPED, other)) == {}
    assert found(other)["doesNotReplay"]["decisions"] == 0


def test_what_no_policy_decided_is_named_and_not_replayed(asked: House) -> None:
    grant_id = asked.approved()
    wanted = Claim("dpop", "jti", asked.watch() + timedelta(minutes=2))
    for number in (5, 6):
        reads(asked, grant_id, number, claims=(wanted,))
    reads(asked, asked.approved(["balances"]), 7, filtered=frozenset({"secret"}))
    reads(asked, grant_id, 8, claims=(Read(grant_id, "x", day_of(asked.watch()), is_attended=False, ceiling=0),))
    told = {one["why"]: one["interactions"] for one in found(SHIPPED)["notReplayable"]}
    assert told == {
        "decided outside the policies: dpop-replayed": [interaction(6)],
        "decided outside the policies: release.filters": [interaction(7)],
        "decided outside the policies: release.reads": [interaction(8)],
    }
    assert (
        "Not replayable: 1, decided outside the policies: release.filters"
        in run("diff", SHIPPED, "--days", "3660").stdout
    )


def test_a_decision_that_its_own_policies_would_not_have_made_is_told(asked: House) -> None:
    lying = replace(
        load_catalogue(changed(asked.folder / "lying", HARBOR, without_balances)), digest=asked.catalogue.digest
    )
    reads(asked, asked.approved(), 5, catalogue=lying)
    told = found(SHIPPED)
    assert told["doesNotReplay"] == {"decisions": 1, "interactions": [interaction(5)]}
    assert told["decisions"] == told["compared"] + 1
    assert "DOES NOT REPLAY: 1" in run("diff", SHIPPED, "--days", "3660").stdout


def test_decisions_of_other_policies_are_compared_and_counted(asked: House, tmp_path: Path) -> None:
    narrow = changed(tmp_path / "narrow", HARBOR, without_balances)
    reads(asked, asked.approved(), 5, catalogue=load_catalogue(narrow))
    told = found(SHIPPED)
    assert told["underOtherPolicies"] == {"decisions": 1, "otherOutcome": 1}
    assert told["doesNotReplay"]["decisions"] == 0


def test_a_proposed_change_of_a_grant_is_replayed_by_its_own_policies(asked: House) -> None:
    answer, wider = Answer("key", "/oauth/answer", "https://messenger.example"), replace(ASKED, bank="harbor")
    grant_id = asked.log()[1].grant_id or ""
    asked.amendments.propose(asked.alice, ASKER, grant_id, AmendAction.REPLACE, wider, answer=answer)
    told = found(SHIPPED)
    assert (told["compared"], told["underOtherPolicies"]["decisions"]) == (10, 0)


def test_only_the_days_and_the_bank_that_are_asked_for_are_looked_at(asked: House) -> None:
    asked.approved(bank="meridian")
    assert found(SHIPPED)["decisions"] == 11
    assert found(SHIPPED, SHIPPED, "--bank", "meridian")["decisions"] == 2
    with pytest.raises(NotFound):
        run("diff", SHIPPED, "--bank", "nowhere")


def test_erased_details_are_counted(asked: House) -> None:
    Erasure(asked.sequencer, asked.fences, asked.watch).erase(asked.alice.user_id, "harbor")
    told = found(SHIPPED)
    assert [(one["why"], one["decisions"]) for one in told["notReplayable"]] == [("details erased", 9)]
    assert told["compared"] == 0


def test_a_folder_that_cannot_be_read_is_named(asked: House, tmp_path: Path) -> None:
    broken = changed(tmp_path / "broken", HARBOR, lambda text: text.replace("[accounts,", "[thoughts,"))
    with pytest.raises(ConfigurationInvalid, match=f"{broken}: banks/harbor.yaml:3"):
        run("diff", SHIPPED, str(broken))
    assert asked.log()


def test_what_no_decision_shows_is_said(asked: House, tmp_path: Path) -> None:
    other = changed(tmp_path / "other", "harvest.yaml", lambda text: text.replace("base: ", "base: 1", 1))
    assert any("harvest.yaml" in line for line in found(SHIPPED, other)["notCompared"])
    assert asked.log()
