"""What the consent page says about time, and what it does when the rules have changed or a form was forged."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from web_world import Browser, World, form_with, words_of

from broker.edge.services import install
from broker.grants.consents import PROPOSAL_LIFE
from broker.grants.contents import ONE_TIME_LIFE
from broker.policy import Catalogue
from broker.policy.catalogue import Category
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import DurationType, GrantStatus

Change = Callable[[Catalogue], Catalogue]


def _without_purpose(catalogue: Catalogue) -> Catalogue:
    return replace(catalogue, purposes={})


def _without_category(catalogue: Catalogue) -> Catalogue:
    kept = {name: category for name, category in catalogue.categories.items() if name != "balances"}
    return replace(catalogue, categories=kept)


def _without_need(catalogue: Catalogue) -> Catalogue:
    changed = {code: replace(purpose, needs={}) for code, purpose in catalogue.purposes.items()}
    return replace(catalogue, purposes=changed)


def _without_bank(catalogue: Catalogue) -> Catalogue:
    return replace(catalogue, banks={})


def _of(name: str, change: Callable[[Category], Category]) -> Change:
    return lambda catalogue: replace(
        catalogue, categories={**catalogue.categories, name: change(catalogue.categories[name])}
    )


OUTDATING = {
    "purpose": _without_purpose,
    "category": _without_category,
    "need": _without_need,
    "bank": _without_bank,
    "detail": _of("transactions", lambda category: replace(category, details={})),
    "precision": _of("card_locations", lambda category: replace(category, precisions={})),
}


@pytest.mark.parametrize("change", OUTDATING.values(), ids=OUTDATING)
def test_rules_that_changed_since_the_app_asked_are_a_clear_page(world: World, maya: Browser, change: Change) -> None:
    grant_id = world.proposes()
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    asked = world.connector.asked
    install(world.app, replace(world.services, catalogue=change(world.services.catalogue)))
    ticks = [("category", "balances"), ("account", form.values("account")[0]), ("decision", "approve")]
    for answer in (maya.get(f"/consent/{grant_id}"), maya.submit(form, *ticks)):
        assert (answer.status_code, "policy-refused" in answer.text) == (403, True)
        assert "start again" in answer.text
    assert world.connector.asked == asked
    assert maya.submit(form, ("decision", "deny")).status_code == 303
    assert world.grant(grant_id).status is GrantStatus.REJECTED


@pytest.mark.parametrize("change", OUTDATING.values(), ids=OUTDATING)
def test_my_sharing_and_history_outlive_changed_rules(world: World, maya: Browser, change: Change) -> None:
    world.shares(maya, "balances", "transactions", "card_locations")
    install(world.app, replace(world.services, catalogue=change(world.services.catalogue)))
    for path in ("/my-sharing", "/history", "/about/data"):
        assert maya.get(path).status_code == 200
    assert len(maya.json("/my-sharing")) == 1


def test_steps_that_a_category_leaves_out_are_not_offered(world: World, maya: Browser) -> None:
    def coarser(category: Category) -> Category:
        return replace(category, precisions=dict(list(category.precisions.items())[1:]))

    grant_id = world.proposes()
    catalogue = _of("card_locations", coarser)(world.services.catalogue)
    install(world.app, replace(world.services, catalogue=catalogue))
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    assert form.values("precision") == [step.value for step in catalogue.categories["card_locations"].precisions]


def test_once_says_for_how_long(world: World, maya: Browser) -> None:
    grant_id = world.proposes(world.terms(duration_type=DurationType.ONE_TIME))
    words = words_of(maya.get(f"/consent/{grant_id}"))
    assert f"within {ONE_TIME_LIFE // timedelta(minutes=1)} minutes after you allow it" in words
    assert "single time" not in words


def test_how_often_the_app_may_look_is_said_before_and_after(world: World, maya: Browser) -> None:
    grant_id = world.proposes()
    words = words_of(maya.get(f"/consent/{grant_id}"))
    assert "up to 4 times a day on its own, and up to 200 times a day while you are using it" in words
    words = words_of(maya.get(f"/my-sharing/{world.shares(maya, 'balances')}"))
    assert "up to 4 times a day for each kind of data" in words
    assert "up to 200 times a day for each kind of data (the app tells us that you are using it)" in words


def test_an_app_that_only_asks_questions_is_told_with_their_number(world: World, maya: Browser) -> None:
    terms = world.terms(CategoryTerm("balance_answers"), purpose="affordability_check")
    words = words_of(maya.get(f"/consent/{world.proposes(terms)}"))
    assert "up to 3 times a day on its own, and up to 3 times a day while you are using it" in words
    assert "at most 3 questions a day in all" in words
    words = words_of(maya.get(f"/my-sharing/{world.shares(maya, 'balance_answers', terms=terms)}"))
    assert "at most 3 questions a day in all" in words
    assert "up to 4 times" not in words


def test_a_request_that_has_expired_says_how_long_it_waited(world: World, maya: Browser) -> None:
    grant_id = world.proposes()
    world.later = PROPOSAL_LIFE
    words = words_of(maya.get(f"/consent/{grant_id}"))
    assert f"waits for {PROPOSAL_LIFE // timedelta(minutes=1)} minutes only" in words


def test_a_forged_choice_leaves_a_line_for_the_operator_without_its_values(world: World, maya: Browser) -> None:
    form = form_with(maya.get(f"/consent/{world.proposes()}"), "decision")
    ticks = [("category", "balances"), ("account", "somebody-elses"), ("decision", "approve")]
    with capture_logs() as lines:
        assert maya.submit(form, *ticks).status_code == 422
    (line,) = [line for line in lines if line["event"] == "consent.refused"]
    assert line["code"] == "consent-too-wide"
    assert "somebody-elses" not in str(line)
