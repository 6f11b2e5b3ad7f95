"""What a bank lowers or withdraws while a request waits: the person is offered what is left, and never gets more."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.banks import facts as bank_facts
from broker.errors import ConsentRefused, PolicyRefused
from broker.grants.consents import Answer
from broker.grants.proposals import AmendAction
from broker.policy.catalogue import BankFacts
from broker.policy.terms import CategoryTerm, Choice
from tests.support.core import ASKED, ASKER, OFFERED, House, open_house, policies

BOUNDS = policies().banks["harbor"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as found:
        yield found


def keeps(house: House, wished: BankFacts) -> None:
    with house.sequencer.transaction([wished.bank]) as transaction:
        seen = bank_facts.newest_version(transaction.session, wished.bank)
        bank_facts.keep(
            transaction.session, house.sealer, BOUNDS, wished, after=seen, author="Ada", reason="why", now=house.watch()
        )


def test_an_approval_gets_no_more_than_the_bank_allows_at_its_moment(house: House) -> None:
    grant_id = house.proposed()
    keeps(house, replace(BOUNDS, maximum_lookback_days=30, maximum_frequency_per_day=1))
    as_the_page_had_it = Choice(("balances",), ("acc-1",), duration_days=90, lookback_days=60)
    with pytest.raises(ConsentRefused) as refusal:
        house.consents.approve(house.alice, grant_id, ASKER, as_the_page_had_it, OFFERED)
    assert refusal.value.code == "offer-changed"
    assert house.events(1) == ["grant.proposed"], "it can still be answered"
    forged = replace(as_the_page_had_it, lookback_days=61)
    with pytest.raises(ConsentRefused) as refusal:
        house.consents.approve(house.alice, grant_id, ASKER, forged, OFFERED)
    assert refusal.value.code == "consent-too-wide"
    house.consents.approve(house.alice, grant_id, ASKER, replace(as_the_page_had_it, lookback_days=30), OFFERED)
    terms = house.grant(grant_id).terms
    assert (terms.lookback_days, terms.frequency_per_day, terms.duration_days) == (30, 1, 90)


def test_a_category_that_the_bank_withdrew_meanwhile_is_not_granted(house: House) -> None:
    grant_id = house.proposed()
    keeps(house, replace(BOUNDS, categories=BOUNDS.categories - {"transactions"}))
    both = Choice(("balances", "transactions"), ("acc-1",))
    with pytest.raises(ConsentRefused) as refusal:
        house.consents.approve(house.alice, grant_id, ASKER, both, OFFERED)
    assert refusal.value.code == "offer-changed"
    house.consents.approve(house.alice, grant_id, ASKER, replace(both, categories=("balances",)), OFFERED)
    assert house.grant(grant_id).terms.category_names == ("balances",)


def test_a_merge_into_what_is_above_a_lowered_ceiling_gets_what_is_left(house: House) -> None:
    grant_id = house.approved(("balances", "transactions"))
    asked = replace(ASKED, categories=(CategoryTerm("accounts"),), lookback_days=7, bank="harbor")
    keeps(house, replace(BOUNDS, maximum_lookback_days=30, maximum_frequency_per_day=4))
    answer = Answer("key-merge", "/oauth/answer", "https://messenger.example")
    amendment = house.amendments.propose(house.alice, ASKER, grant_id, AmendAction.MERGE, asked, answer=answer)
    seen_at = house.grant(grant_id).updated_at
    choice = Choice(("accounts", "balances", "transactions"), ("acc-1",), duration_days=90, lookback_days=60)
    with pytest.raises(ConsentRefused) as refusal:
        house.amendments.approve(house.alice, amendment, ASKER, choice, OFFERED, seen_at=seen_at)
    assert refusal.value.code == "offer-changed"
    narrower = replace(choice, lookback_days=30)
    house.amendments.approve(house.alice, amendment, ASKER, narrower, OFFERED, seen_at=seen_at)
    assert house.grant(grant_id).terms.lookback_days == 30


def test_a_merge_that_itself_asks_for_more_than_the_bank_allows_is_refused(house: House) -> None:
    grant_id = house.approved(("balances",))
    keeps(house, replace(BOUNDS, maximum_lookback_days=30))
    asked = replace(ASKED, categories=(CategoryTerm("accounts"),), lookback_days=31, bank="harbor")
    answer = Answer("key-merge", "/oauth/answer", "https://messenger.example")
    with pytest.raises(PolicyRefused):
        house.amendments.propose(house.alice, ASKER, grant_id, AmendAction.MERGE, asked, answer=answer)
    assert house.events(1) == ["grant.rejected"]
