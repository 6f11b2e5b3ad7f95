"""What happens while a consent page lies open: each surprise is a page that says what happened and what to do."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from web_world import Browser, Form, World, form_with, path_of, words_of
from werkzeug.test import TestResponse

from broker.banks import facts as bank_facts
from broker.policy.catalogue import BankFacts
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import GrantStatus
from broker.switches.service import Hand
from broker.switches.views import Side, Target


def keeps(world: World, change: Callable[[BankFacts], BankFacts]) -> None:
    bounds, sealer, now = world.services.catalogue.banks["harbor"], world.services.sealer, world.services.clock()
    with world.services.database.write() as session:
        after = bank_facts.newest_version(session, "harbor")
        bank_facts.keep(session, sealer, bounds, change(bounds), after=after, author="Ada", reason="why", now=now)


def opened(world: World, maya: Browser) -> tuple[str, Form]:
    grant_id = world.proposes()
    return grant_id, form_with(maya.get(f"/consent/{grant_id}"), "decision")


def allows(maya: Browser, form: Form, *categories: str) -> TestResponse:
    ticks = [("category", name) for name in categories]
    return maya.submit(form, ("account", form.values("account")[0]), *ticks, ("decision", "approve"))


def test_a_ceiling_that_was_lowered_is_said_and_the_page_comes_again(world: World, maya: Browser) -> None:
    grant_id, form = opened(world, maya)
    keeps(world, lambda facts: replace(facts, maximum_lookback_days=14, maximum_duration_days=30))
    answer = allows(maya, form, "balances")
    assert answer.status_code == 422
    assert "Your bank now allows less than when you opened this page" in words_of(answer)
    again = form_with(answer, "decision")
    assert (again.values("history"), again.values("duration")) == (["1", "7", "14"], ["1", "7", "30"])
    assert (again.chosen("history"), again.chosen("duration")) == ("14", "30")
    assert ("category", "balances") in again.ticked
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION
    assert maya.submit(again, *again.ticked, ("decision", "approve")).status_code == 303
    terms = world.grant(grant_id).terms
    assert (terms.lookback_days, terms.duration_days) == (14, 30)


def test_a_category_that_the_bank_withdrew_is_gone_from_the_page(world: World, maya: Browser) -> None:
    grant_id, form = opened(world, maya)
    keeps(world, lambda facts: replace(facts, categories=facts.categories - {"transactions"}))
    answer = allows(maya, form, "balances", "transactions")
    assert answer.status_code == 422
    again = form_with(answer, "decision")
    assert "transactions" not in again.values("category")
    assert maya.submit(again, *again.ticked, ("decision", "approve")).status_code == 303
    assert world.grant(grant_id).terms.category_names == ("balances",)


def test_a_bank_that_offers_nothing_of_it_any_more_is_a_clear_page(world: World, maya: Browser) -> None:
    grant_id, form = opened(world, maya)
    keeps(world, lambda facts: replace(facts, categories=frozenset()))
    for answer in (maya.get(f"/consent/{grant_id}"), allows(maya, form, "balances")):
        assert (answer.status_code, "no longer offers any of what the app asked for" in words_of(answer)) == (403, True)
    assert maya.submit(form, ("decision", "deny")).status_code == 303


def test_what_was_turned_off_meanwhile_is_said_and_leads_back_to_the_app(world: World, maya: Browser) -> None:
    grant_id, form = opened(world, maya)
    world.services.switches.turn_off(Hand(Side.OPERATOR, "op"), Target("harbor", "", "balances"), "maintenance")
    answer = allows(maya, form, "balances")
    assert answer.status_code == 403
    words = words_of(answer)
    assert "This could not be allowed" in words
    assert "Nothing is shared." in words
    assert 'href="/oauth/authorize/answer' in words
    assert world.grant(grant_id).status is GrantStatus.REJECTED


def test_an_app_that_was_turned_off_meanwhile_gets_nothing(world: World, maya: Browser) -> None:
    grant_id, form = opened(world, maya)
    world.services.switches.turn_off(Hand(Side.OPERATOR, "op"), Target("", "messenger"), "maintenance")
    for answer in (maya.get(f"/consent/{grant_id}"), allows(maya, form, "balances")):
        assert (answer.status_code, "turned this off for now" in words_of(answer)) == (403, True)
    assert world.grant(grant_id).status is not GrantStatus.ACTIVE
    assert maya.submit(form, ("decision", "deny")).status_code == 303


def test_allowing_twice_gives_one_permission_and_the_way_on(world: World, maya: Browser) -> None:
    grant_id, form = opened(world, maya)
    assert allows(maya, form, "balances").status_code == 303
    again = allows(maya, form, "balances", "transactions")
    assert (again.status_code, "Go on to Messenger" in words_of(again)) == (409, True)
    assert f'href="/consent/{grant_id}/receipt"' in again.text
    assert world.grant(grant_id).terms.category_names == ("balances",)


def test_going_back_after_deciding_offers_nothing_to_decide(world: World, maya: Browser) -> None:
    grant_id, form = opened(world, maya)
    allows(maya, form, "balances")
    page = maya.get(f"/consent/{grant_id}")
    assert (page.status_code, "answered already" in page.text, 'name="decision"' in page.text) == (200, True, False)
    assert page.headers["Cache-Control"] == "no-store"
    no = maya.submit(form, ("decision", "deny"))
    assert (no.status_code, "You can look at it, pause it or stop it" in words_of(no)) == (409, True)
    assert world.grant(grant_id).status is GrantStatus.ACTIVE


def test_a_session_that_ended_in_the_middle_grants_nothing_and_says_so(world: World, maya: Browser) -> None:
    grant_id, form = opened(world, maya)
    out = form_with(maya.get("/my-sharing"), "csrf_token")
    maya.submit(replace(out, action="/sign-out"))
    answer = allows(maya, form, "balances")
    assert answer.status_code in {400, 401}
    assert "try again" in words_of(answer)
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION


@pytest.mark.parametrize("pressed", [("decision", "approve"), ("show", "balances")])
def test_a_bank_that_is_down_changes_nothing_and_can_be_tried_again(
    world: World, maya: Browser, pressed: tuple[str, str]
) -> None:
    grant_id, form = opened(world, maya)
    world.connector.is_down = True
    picked = [("account", form.values("account")[0]), ("category", "balances")]
    answer = maya.submit(form, *picked, ("duration", "30"), ("precision", "country"), pressed)
    assert answer.status_code == 503
    assert "We cannot reach Harbor Bank" in words_of(answer)
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION
    again = form_with(answer, "again")
    assert maya.submit(again, *again.ticked, ("again", "yes")).status_code == 503
    world.connector.is_down = False
    back = maya.submit(again, *again.ticked, ("again", "yes"))
    kept = form_with(back, "account")
    assert (back.status_code, sorted(kept.ticked)) == (200, sorted(picked))
    assert (kept.chosen("duration"), kept.chosen("precision")) == ("30", "country")
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION
    assert maya.submit(kept, *kept.ticked, ("decision", "approve")).status_code == 303
    assert world.grant(grant_id).status is GrantStatus.ACTIVE


def test_the_receipt_says_what_was_agreed_to_and_where_its_proof_is(world: World, maya: Browser) -> None:
    grant_id, form = opened(world, maya)
    assert maya.get(f"/consent/{grant_id}/receipt").status_code == 404
    allows(maya, form, "balances", "card_locations")
    page = maya.get(f"/consent/{grant_id}/receipt")
    words, catalogue = words_of(page), world.services.catalogue
    for name in ("balances", "card_locations"):
        assert catalogue.categories[name].title in words
    assert catalogue.categories["transactions"].title not in words
    assert "the latitude" not in words, "the town was agreed to, and nothing finer"
    for text in ("Messenger", "Harbor Bank", "Everyday money ••7803", catalogue.notice_digest, "60 days"):
        assert text in words
    links = [part.split('"')[0] for part in page.text.split('href="')[1:]]
    files = [link for link in links if link.startswith(("/history/receipts/", "/history/disclosures/"))]
    assert [maya.get(link).status_code for link in files] == [200, 200]


def test_every_version_of_a_permission_has_its_receipt(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances", terms=world.terms(CategoryTerm("balances")))
    asked = world.asks_to_change(grant_id, CategoryTerm("accounts"))
    form = form_with(maya.get(f"/consent/{asked}"), "decision")
    answer = maya.submit(form, *form.ticked, ("category", "accounts"), ("decision", "approve"))
    assert path_of(answer) == "/oauth/authorize/answer"
    title = world.services.catalogue.categories["accounts"].title
    pages = [f"/consent/{grant_id}/receipt?version=1", f"/consent/{grant_id}/receipt", f"/consent/{asked}/receipt"]
    assert [title in words_of(maya.get(path)) for path in pages] == [False, True, True]
    assert [maya.get(f"/consent/{grant_id}/receipt?version={v}").status_code for v in ("3", "0", "x")] == [
        404,
        400,
        400,
    ]


def test_a_receipt_of_somebody_else_is_as_unknown_as_none(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    other = world.browser()
    other.signs_in_to_consent(sub="hb-2", name="Noah Becker")
    assert other.get(f"/consent/{grant_id}/receipt").status_code == 404
