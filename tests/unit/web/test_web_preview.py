"""Show me: the page again with the choices made, and the person's own data as the app would get it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from web_world import Browser, World, form_with, words_of
from werkzeug.test import TestResponse

from broker.banks.connector import BankBalance, CardUse, Channel, Place
from broker.errors import BankInvalidAnswer, BankUnavailable
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import GrantStatus
from broker.switches.service import Hand
from broker.switches.views import Side, Target


def asks_to_see(world: World, maya: Browser, category: str, *more: tuple[str, str]) -> tuple[str, TestResponse]:
    """Let Maya press Show me below a category, with her first account picked."""
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    return grant_id, maya.submit(form, ("account", form.values("account")[0]), *more, ("show", category))


def has_a_balance(world: World, currency: str = "USD") -> None:
    at = world.services.clock()
    world.connector.own_balances = [
        BankBalance("a-1", Decimal("812.40"), Decimal("790.00"), None, None, currency, at),
        BankBalance("a-2", Decimal("5000.00"), Decimal("5000.00"), None, None, currency, at),
    ]


def test_a_person_sees_what_a_box_would_release_and_nothing_is_granted(world: World, maya: Browser) -> None:
    has_a_balance(world)
    grant_id, page = asks_to_see(world, maya, "balances", ("category", "accounts"), ("duration", "7"))
    assert page.status_code == 200
    words = words_of(page)
    assert "the current balance</dt><dd>US$812.40</dd>" in words
    assert '"currentBalance": "812.40"' in words
    assert "5000.00" not in words, "of the picked account alone"
    form = form_with(page, "decision")
    assert [value for name, value in form.ticked if name == "category"] == ["accounts"], "the choices are kept"
    assert form.chosen("duration") == "7"
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION


def test_the_place_is_shown_as_exact_as_chosen(world: World, maya: Browser) -> None:
    place = Place("US", "Oregon", "Portland", "97201", "12 Main Street", Decimal("45.52"), Decimal("-122.68"))
    at = world.services.clock() - timedelta(days=1)
    world.connector.own_card_uses = [CardUse("a-1", "u-1", at, Channel.IN_STORE, "5411", place, "terminal")]
    pages = {
        step: words_of(asks_to_see(world, maya, "card_locations", ("precision", step))[1])
        for step in ("country", "town", "exact")
    }
    assert [("Portland" in page, "12 Main Street" in page) for page in pages.values()] == [
        (False, False),
        (True, False),
        (True, True),
    ]


def test_it_stands_in_the_history_in_plain_words(world: World, maya: Browser) -> None:
    has_a_balance(world)
    asks_to_see(world, maya, "balances")
    told = "We showed you your balances at Harbor Bank, as Messenger would get it; Messenger got nothing"
    assert told in words_of(maya.get("/history"))


def test_without_an_account_it_says_what_to_do(world: World, maya: Browser) -> None:
    form = form_with(maya.get(f"/consent/{world.proposes()}"), "decision")
    assert "Pick at least one account above" in words_of(maya.submit(form, ("show", "balances")))


@pytest.mark.parametrize("error", [BankUnavailable(), BankInvalidAnswer()])
def test_a_bank_that_is_down_or_lies_is_said_and_allow_works_still(
    world: World, maya: Browser, error: BankUnavailable
) -> None:
    world.connector.error = error
    grant_id, page = asks_to_see(world, maya, "balances")
    assert (page.status_code, "Your bank could not show this just now" in words_of(page)) == (200, True)
    form = form_with(page, "decision")
    assert maya.submit(form, *form.ticked, ("category", "balances"), ("decision", "approve")).status_code == 303
    assert world.grant(grant_id).status is GrantStatus.ACTIVE


def test_what_is_turned_off_is_not_shown(world: World, maya: Browser) -> None:
    has_a_balance(world)
    form = form_with(maya.get(f"/consent/{world.proposes()}"), "decision")
    world.services.switches.turn_off(Hand(Side.OPERATOR, "op"), Target("harbor", "", "balances"), "maintenance")
    page = maya.submit(form, ("account", form.values("account")[0]), ("show", "balances"))
    assert "812.40" not in page.text
    assert "You asked to see your balances at Harbor Bank in advance, and it was not shown" in words_of(
        maya.get("/history")
    )


def test_what_a_bank_sends_is_text_and_nothing_else(world: World, maya: Browser) -> None:
    has_a_balance(world, currency="<script>\N{RIGHT-TO-LEFT OVERRIDE}")
    _, page = asks_to_see(world, maya, "balances")
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "\\u202e" in page.text, "nothing in the JSON turns its neighbours around"


@pytest.mark.parametrize(
    ("pressed", "status"),
    [
        ([("show", "payments")], 400),
        ([("show", "x" * 41)], 400),
        ([("show", "balances"), ("show", "accounts")], 400),
        ([("show", "balances"), ("decision", "approve")], 400),
        ([("show", "balances"), ("decision", "deny")], 400),
        ([], 400),
        ([("show", "balances"), ("precision", "house")], 400),
    ],
)
def test_a_forged_button_shows_and_decides_nothing(
    world: World, maya: Browser, pressed: list[tuple[str, str]], status: int
) -> None:
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    picked = [("account", form.values("account")[0]), ("category", "balances")]
    assert maya.submit(form, *picked, *pressed).status_code == status
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION


def test_a_request_that_waits_no_longer_shows_nothing(world: World, maya: Browser) -> None:
    has_a_balance(world)
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    picked = ("account", form.values("account")[0])
    asked = world.connector.asked
    world.later = timedelta(minutes=11)
    late = maya.submit(form, picked, ("show", "balances"))
    assert (late.status_code, "has expired" in words_of(late), world.connector.asked) == (409, True, asked)


def test_another_person_sees_nothing_of_it(world: World, maya: Browser) -> None:
    has_a_balance(world)
    grant_id, _ = asks_to_see(world, maya, "balances")
    other = world.browser()
    other.signs_in_to_consent(sub="hb-2", name="Noah Becker")
    mine = form_with(other.get(f"/consent/{world.proposes()}"), "decision")
    answer = other.submit(replace(mine, action=f"/consent/{grant_id}"), ("show", "balances"))
    assert (answer.status_code, "812.40" in answer.text) == (404, False)


def test_of_what_the_bank_speaks_first_an_example_is_shown_and_the_bank_is_not_asked(
    world: World, maya: Browser
) -> None:
    terms = world.terms(CategoryTerm("balances"), CategoryTerm("fraud_alerts"))
    form = form_with(maya.get(f"/consent/{world.proposes(terms)}"), "decision")
    before = world.connector.asked
    words = words_of(maya.submit(form, ("account", form.values("account")[0]), ("show", "fraud_alerts")))
    assert "An example of what Messenger would get" in words
    assert "Harbor Bank was not asked" in words
    for said in ("Example Shop", "a card payment", "€84.20", "Spain", "Euro (EUR)"):
        assert f"<dd>{said}</dd>" in words, said
    assert world.connector.asked == before + 1, "for the list of accounts alone"
    assert "it can read each one at most 3 times" in words
