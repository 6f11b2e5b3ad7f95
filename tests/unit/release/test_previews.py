"""A preview: logged first, cut as a release is, shown to the person alone, and counted against nobody else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from broker.banks.connector import BankBalance, CardUse, Channel, Place
from broker.errors import (
    BankInvalidAnswer,
    BankUnavailable,
    ConsentRefused,
    FrequencyExceeded,
    LogUnavailable,
    PolicyRefused,
)
from broker.grants.consents import Asker
from broker.policy.terms import CategoryTerm, Choice
from broker.policy.vocabulary import Precision
from broker.release import Preview, Previews, Wanted
from broker.release.previews import MOST_SHOWN
from tests.support.core import ASKED, ASKER, NOON, OFFERED, House, as_text, call_of

BOTH = ("acc-1", "acc-2")


def choice(*accounts: str, **steps: Any) -> Choice:
    return Choice((), accounts or BOTH, **steps)


def previewed(
    house: House,
    category: str,
    chosen: Choice | None = None,
    *,
    proposal: str | None = None,
    asker: Asker = ASKER,
    most_a_day: int = 40,
) -> Preview:
    grant = house.grant(proposal or house.proposed())
    previews = Previews(house.release, most_a_day)
    return previews.of(house.alice, asker, grant, category, chosen or choice(), offered=OFFERED)


def balance(ref: str, available: str = "120.50") -> BankBalance:
    return BankBalance(ref, Decimal("100.00"), Decimal(available), None, None, "USD", NOON)


def use(ref: str, days_ago: int, account_ref: str = "ref-1") -> CardUse:
    place = Place("US", "Oregon", "Portland", "97201", "12 Main Street", Decimal("45.52"), Decimal("-122.68"))
    return CardUse(account_ref, ref, NOON - timedelta(days=days_ago), Channel.IN_STORE, "5411", place, "terminal")


def test_it_is_in_the_log_before_the_bank_is_asked(house: House) -> None:
    seen: list[Sequence[str]] = []
    house.bank.meanwhile = lambda _: seen.append(house.durable_events())
    house.bank.own_balances = [balance("ref-1")]
    previewed(house, "balances")
    assert seen[0][-1] == "access.previewed"
    (entry,) = house.log()[-1:]
    assert (entry.category, entry.initiator.value, entry.accounts, entry.records) == ("balances", "INDIVIDUAL", 2, None)


def test_without_a_log_the_bank_is_not_asked(house: House) -> None:
    proposal = house.proposed()
    house.breaks_log_at("access.previewed")
    with pytest.raises(LogUnavailable):
        previewed(house, "balances", proposal=proposal)
    assert house.bank.asked == []


def test_it_shows_what_a_release_of_the_same_choice_gives(house: House) -> None:
    house.bank.own_card_uses = [use("u-1", 1), use("u-2", 3), use("u-3", 50), use("u-4", 2, "ref-2")]
    steps = {"precisions": {"card_locations": Precision.TOWN}, "lookback_days": 30}
    shown = previewed(house, "card_locations", choice("acc-1", **steps))
    grant_id = house.proposed()
    chosen = Choice(("card_locations",), ("acc-1",), **steps)
    house.consents.approve(house.alice, grant_id, ASKER, chosen, OFFERED)
    told: list[Any] = []
    released = house.release.read(
        call_of(grant_id), Wanted("card_locations"), lambda r, m: told.append(r) or as_text(r, m)
    )
    released.held.drop()
    assert [set(record) for record in shown.records] == [set(record) for record in told[0]]
    assert [one["cardTransactionId"] for one in shown.records] == [one["cardTransactionId"] for one in told[0]]
    assert shown.total == len(told[0]) == 2
    assert "streetName" not in str(shown.records)


def test_it_shows_the_newest_few_and_tells_how_many_there_are(house: House) -> None:
    house.bank.own_card_uses = [use(f"u-{number}", number) for number in range(1, 9)]
    shown = previewed(house, "card_locations")
    assert (len(shown.records), shown.total) == (MOST_SHOWN, 8)


def test_the_bank_is_asked_for_the_chosen_accounts_and_days_only(house: House) -> None:
    previewed(house, "card_locations", choice("acc-2", lookback_days=7))
    assert house.bank.asked == [("card_locations", ("ref-2",))]
    assert house.bank.windows[0].oldest_at.date() == (NOON - timedelta(days=7)).date()


@pytest.mark.parametrize(
    ("category", "chosen"),
    [
        ("payments", choice()),
        ("balances", Choice((), ())),
        ("balances", choice("acc-3")),
        ("card_locations", choice(lookback_days=61)),
    ],
)
def test_what_could_not_be_allowed_is_not_shown(house: House, category: str, chosen: Choice) -> None:
    proposal = house.proposed()
    before = house.events()
    with pytest.raises(ConsentRefused, match="consent-"):
        previewed(house, category, chosen, proposal=proposal)
    assert (house.bank.asked, house.events()) == ([], before)


def test_a_finer_place_than_asked_is_not_shown(house: House) -> None:
    coarse = replace(ASKED, categories=(CategoryTerm("card_locations", precision=Precision.TOWN),))
    chosen = choice(precisions={"card_locations": Precision.EXACT})
    with pytest.raises(ConsentRefused, match="consent-too-wide"):
        previewed(house, "card_locations", chosen, proposal=house.proposed(coarse))
    assert house.bank.asked == []


def test_what_the_policies_refuse_is_not_shown_and_that_is_logged(house: House) -> None:
    poorer = replace(ASKER, categories=frozenset({"accounts"}))
    with pytest.raises(PolicyRefused):
        previewed(house, "balances", asker=poorer)
    assert (house.events(1), house.bank.asked) == (["access.refused"], [])


def test_a_request_that_was_answered_shows_nothing(house: House) -> None:
    proposal = house.proposed()
    house.consents.refuse(house.alice, proposal)
    with pytest.raises(ConsentRefused, match="consent-decided"):
        previewed(house, "balances", proposal=proposal)
    assert house.bank.asked == []


@pytest.mark.parametrize("error", [BankUnavailable(), BankInvalidAnswer()])
def test_a_bank_that_fails_is_logged_as_failed(house: House, error: BankUnavailable) -> None:
    house.bank.error = error
    with pytest.raises(BankUnavailable):
        previewed(house, "balances")
    assert house.events(2) == ["access.previewed", "access.failed"]


def test_a_person_gets_so_many_a_day_and_more_the_next(house: House) -> None:
    for _ in range(2):
        previewed(house, "balances", most_a_day=2)
    with pytest.raises(FrequencyExceeded, match="preview-limit"):
        previewed(house, "balances", most_a_day=2)
    assert house.events(1) == ["access.refused"]
    assert len(house.bank.asked) == 2
    house.watch.passes(days=1)
    previewed(house, "balances", most_a_day=2)


def test_it_counts_for_nothing_against_the_platform(house: House) -> None:
    grant_id = house.approved()
    for _ in range(6):
        previewed(house, "balances")
    assert house.store.rows("SELECT COUNT(*) FROM grant_reads") == [(0,)]
    assert house.grant(grant_id).use_count == 0


def test_nothing_of_it_is_kept(house: House) -> None:
    house.bank.own_card_uses = [use("u-canary", 1)]
    assert "Main Street" in str(
        previewed(house, "card_locations", choice(precisions={"card_locations": Precision.EXACT})).records
    )
    stored = house.stored_bytes()
    assert b"Main Street" not in stored
    assert b"u-canary" not in stored


def test_an_answer_is_shown_with_a_question_as_an_app_might_put_it(house: House) -> None:
    proposal = house.proposed(replace(ASKED, categories=(CategoryTerm("balance_answers"),)))
    house.bank.own_balances = [balance("ref-1", "1000.00"), balance("ref-2")]
    shown = previewed(house, "balance_answers", proposal=proposal)
    assert [record["answer"] for record in shown.records] == ["yes"]
    assert "1000.00" not in str(shown.records)
    house.bank.own_balances = []
    assert previewed(house, "balance_answers", proposal=proposal).records == ()


def test_a_question_about_a_place_is_about_one_where_a_card_was_used(house: House) -> None:
    proposal = house.proposed(replace(ASKED, categories=(CategoryTerm("location_answers"),)))
    house.bank.own_card_uses = [use("u-1", 1)]
    shown = previewed(house, "location_answers", proposal=proposal)
    assert [record["answer"] for record in shown.records] == ["yes"]
    assert shown.question is not None
    assert shown.question.to_json() == {"country": "US", "since": "P30D"}
    short = previewed(house, "location_answers", choice(lookback_days=1), proposal=proposal).question
    assert short is not None
    assert short.to_json()["since"] == "P1D"
    house.bank.own_card_uses = []
    assert previewed(house, "location_answers", proposal=proposal).question is None
