"""The page of a request to change a permission: what differs is said in words, and nothing is ticked by itself."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from told_bank import account
from web_world import Browser, World, form_with, path_of, words_of
from werkzeug.test import TestResponse

from broker.audit.verification.pack import verify_pack
from broker.grants.acts import Actor
from broker.grants.service import Part
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import Detail, GrantStatus, Precision
from broker.tokens.codes import Code, consume_code, issue_code

BALANCES, BASIC = CategoryTerm("balances"), CategoryTerm("transactions", Detail.BASIC)
DETAIL = CategoryTerm("transactions", Detail.DETAIL)
PLACES = CategoryTerm("card_locations", None, Precision.TOWN)


def shared(world: World, maya: Browser, *terms: CategoryTerm) -> str:
    """Let Maya share these from both accounts, for 45 days of the 90 that are asked for."""
    grant_id = world.proposes(world.terms(*terms))
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    picks = [("account", ref) for ref in form.values("account")]
    ticks = [("category", term.name) for term in terms]
    answer = maya.submit(form, *ticks, *picks, ("duration", "45"), ("detail", "basic"), ("decision", "approve"))
    assert answer.status_code == 303, answer.text
    code = Code(grant_id, "messenger", "http://localhost:4199/cb", "c", None)
    with world.services.database.write() as session:
        assert consume_code(session, issue_code(session, code, world.services.clock()), world.services.clock())
    return grant_id


def marks_of(page: TestResponse) -> dict[str, str]:
    """Return the word that stands beside each category."""
    found = re.findall(r'id="about-(\w+)">\s*<p><span class="tag[^"]*">([^<]+)</span>', page.text)
    return dict(found)


def decide(maya: Browser, page: TestResponse, *more: tuple[str, str], decision: str = "approve") -> TestResponse:
    form = form_with(page, "decision")
    return maya.submit(form, *form.ticked, *more, ("decision", decision))


def test_every_category_says_how_it_stands_to_what_is_shared_now(world: World, maya: Browser) -> None:
    grant_id = shared(world, maya, BALANCES, BASIC)
    page = maya.get(f"/consent/{world.asks_to_change(grant_id, DETAIL, PLACES)}")
    assert marks_of(page) == {"balances": "As now", "transactions": "More than now", "card_locations": "New"}
    words = words_of(page)
    assert "New:</strong> where your cards were used." in words
    assert "More than now:</strong> your transactions." in words
    assert "asks to change what it may see at Harbor Bank" in words
    assert "everything stays as it is" in words
    assert "If you don't allow it, or close this page, everything stays as it is." in words


def test_what_is_shared_is_ticked_and_what_is_new_is_not(world: World, maya: Browser) -> None:
    world.connector.listed = [account("a-1", "Everyday money", "••7803")]
    grant_id = shared(world, maya, BALANCES, BASIC)
    world.connector.listed.append(account("a-3", "Newly opened", "••3333"))
    form = form_with(maya.get(f"/consent/{world.asks_to_change(grant_id, DETAIL, PLACES)}"), "decision")
    present = world.grant(grant_id).accounts[0].account_id
    assert form.ticked == [("category", "balances"), ("category", "transactions"), ("account", present)]
    assert len(form.values("account")) == 2
    assert (form.chosen("duration"), form.chosen("detail")) == ("45", "basic")


def test_an_essential_category_that_is_new_is_not_ticked_either(world: World, maya: Browser) -> None:
    grant_id = world.proposes(world.terms(CategoryTerm("accounts"), purpose="account_overview"))
    form = form_with(maya.get(f"/consent/{grant_id}"), "decision")
    maya.submit(form, ("account", form.values("account")[0]), ("category", "accounts"), ("decision", "approve"))
    asked = world.asks_to_change(grant_id, BALANCES, purpose="account_overview")
    page = maya.get(f"/consent/{asked}")
    assert marks_of(page) == {"accounts": "As now", "balances": "New"}
    assert ("category", "balances") not in form_with(page, "decision").ticked


def test_a_replacement_names_what_would_end(world: World, maya: Browser) -> None:
    grant_id = shared(world, maya, BALANCES, BASIC)
    page = maya.get(f"/consent/{world.asks_to_change(grant_id, BASIC, merges=False)}")
    assert marks_of(page) == {"transactions": "As now"}
    title = world.services.catalogue.categories["balances"].title
    assert f"No longer shared:</strong> {title[0].lower()}{title[1:]}. Messenger did not ask for it again." in words_of(
        page
    )


def test_a_figure_that_changes_is_said(world: World, maya: Browser) -> None:
    grant_id = shared(world, maya, BALANCES)
    page = maya.get(f"/consent/{world.asks_to_change(grant_id, PLACES, frequency_per_day=9)}")
    assert "now 4, from then on 9." in words_of(page)


def test_allowing_makes_the_next_version_of_the_same_grant(world: World, maya: Browser) -> None:
    grant_id = shared(world, maya, BALANCES, BASIC)
    page = maya.get(f"/consent/{world.asks_to_change(grant_id, DETAIL, PLACES)}")
    answer = decide(maya, page, ("category", "card_locations"), ("detail", "detail"))
    assert (answer.status_code, path_of(answer)) == (303, "/oauth/authorize/answer")
    grant = world.grant(grant_id)
    assert (grant.version, grant.terms.categories) == (2, (BALANCES, DETAIL, PLACES))
    card = next(row for row in maya.json("/my-sharing") if row["grant_id"] == grant_id)
    assert (card["status"], card["reason"]) == ("ACTIVE", "amended")
    assert "Version 2" in words_of(maya.get(f"/my-sharing/{grant_id}"))
    assert "You changed what Messenger may see at Harbor Bank" in words_of(maya.get("/history"))


def test_pressing_allow_without_a_further_tick_adds_nothing(world: World, maya: Browser) -> None:
    grant_id = shared(world, maya, BALANCES, BASIC)
    decide(maya, maya.get(f"/consent/{world.asks_to_change(grant_id, DETAIL, PLACES)}"))
    assert world.grant(grant_id).terms.categories == (BALANCES, BASIC)
    assert world.grant(grant_id).terms.duration_days == 45


def test_saying_no_leaves_everything_as_it_is(world: World, maya: Browser) -> None:
    grant_id = shared(world, maya, BALANCES)
    before, asked = world.grant(grant_id), world.asks_to_change(grant_id, PLACES)
    answer = decide(maya, maya.get(f"/consent/{asked}"), decision="deny")
    assert (answer.status_code, path_of(answer)) == (303, "/oauth/authorize/answer")
    assert world.grant(grant_id) == before
    page = words_of(maya.get(f"/consent/{asked}"))
    assert "Everything stays as it was." in page
    assert "Nothing is shared." not in page


def test_a_page_of_before_another_change_is_shown_again_with_what_stands_now(world: World, maya: Browser) -> None:
    grant_id = shared(world, maya, BALANCES, BASIC)
    page = maya.get(f"/consent/{world.asks_to_change(grant_id, DETAIL, PLACES)}")
    actor = Actor(world.user_id(), "0" * 8)
    world.services.grants.revoke(actor, grant_id, Part(category="balances"))
    answer = decide(maya, page)
    assert answer.status_code == 422
    assert marks_of(answer) == {"transactions": "More than now", "card_locations": "New"}
    assert form_with(answer, "decision").ticked[0] == ("category", "transactions")
    assert decide(maya, answer).status_code == 303
    assert world.grant(grant_id).terms.categories == (BASIC,)


@pytest.mark.parametrize("seen", ["", "yesterday", "2026-11-22T12:00:00", "2020-01-01T00:00:00Z"])
def test_a_form_that_does_not_say_which_state_it_showed_changes_nothing(world: World, maya: Browser, seen: str) -> None:
    grant_id = shared(world, maya, BALANCES)
    before, page = world.grant(grant_id), maya.get(f"/consent/{world.asks_to_change(grant_id, PLACES)}")
    form = form_with(page, "decision")
    form.fields = [(name, seen if name == "seen" else value) for name, value in form.fields]
    assert maya.submit(form, *form.ticked, ("decision", "approve")).status_code in {400, 422}
    assert world.grant(grant_id) == before


def test_a_pause_is_named_before_it_is_lifted(world: World, maya: Browser) -> None:
    grant_id = shared(world, maya, BALANCES, BASIC)
    actor = Actor(world.user_id(), "0" * 8)
    world.services.grants.pause(actor, grant_id, Part(category="transactions"))
    world.services.grants.pause(actor, grant_id, Part(account_id=world.grant(grant_id).accounts[0].account_id))
    world.services.grants.pause(actor, grant_id, Part())
    page = maya.get(f"/consent/{world.asks_to_change(grant_id, PLACES)}")
    assert "This permission is paused.</strong> If you allow the change, sharing starts again." in words_of(page)
    assert "It stays paused." in words_of(page)
    assert words_of(page).count("Stays paused") == 1
    decide(maya, page)
    assert world.grant(grant_id).live_categories == ("balances",)
    assert len(world.grant(grant_id).live_accounts) == 1


def test_a_request_that_came_too_late_says_so(world: World, maya: Browser) -> None:
    grant_id = shared(world, maya, BALANCES)
    first, second = world.asks_to_change(grant_id, PLACES), world.asks_to_change(grant_id, BASIC)
    third = world.asks_to_change(grant_id, BASIC)
    page = maya.get(f"/consent/{second}")
    world.later = timedelta(minutes=9)
    decide(maya, maya.get(f"/consent/{first}"), ("category", "card_locations"))
    assert "This request is out of date" in words_of(maya.get(f"/consent/{second}"))
    assert decide(maya, page).status_code == 409
    answer = decide(maya, page, decision="deny")
    assert (answer.status_code, path_of(answer)) == (303, "/oauth/authorize/answer"), (
        "a no always leads back to the app"
    )
    assert "You have answered already" in words_of(maya.get(f"/consent/{first}"))
    assert world.grant(grant_id).version == 2
    world.later = timedelta(minutes=11)
    assert "This request is out of date" in words_of(maya.get(f"/consent/{third}"))


def test_a_permission_that_was_stopped_while_the_page_was_open_is_said_with_a_way_back(
    world: World, maya: Browser
) -> None:
    grant_id = shared(world, maya, BALANCES)
    page = maya.get(f"/consent/{world.asks_to_change(grant_id, PLACES)}")
    world.services.grants.revoke(Actor(world.user_id(), "0" * 8), grant_id, Part())
    answer = decide(maya, page)
    assert answer.status_code == 409
    assert "was stopped or has ended since it asked" in words_of(answer)
    back = maya.submit(form_with(answer, "decision"), ("decision", "deny"))
    assert (back.status_code, path_of(back)) == (303, "/oauth/authorize/answer")


def test_an_expired_request_to_change_says_that_nothing_was_changed(world: World, maya: Browser) -> None:
    asked = world.asks_to_change(shared(world, maya, BALANCES), PLACES)
    world.later = timedelta(minutes=11)
    assert "Nothing was changed." in words_of(maya.get(f"/consent/{asked}"))


def test_the_page_of_an_answered_request_names_its_own_decision_and_no_other(world: World, maya: Browser) -> None:
    grant_id = shared(world, maya, BALANCES)
    refused, late = world.asks_to_change(grant_id, PLACES), world.asks_to_change(grant_id, BASIC)
    decide(maya, maya.get(f"/consent/{refused}"), decision="deny")
    world.later = timedelta(minutes=9)
    decide(maya, maya.get(f"/consent/{world.asks_to_change(grant_id, PLACES)}"))
    pages = {request: words_of(maya.get(f"/consent/{request}")) for request in (grant_id, refused, late)}
    decisions = {"Permission given", "Permission not given", "Permission changed"}
    assert [{words for words in decisions if words in page} for page in pages.values()] == [
        {"Permission given"},
        {"Permission not given"},
        set(),
    ]


def test_somebody_elses_request_to_change_is_not_found(world: World, maya: Browser) -> None:
    asked = world.asks_to_change(shared(world, maya, BALANCES), PLACES)
    page = maya.get(f"/consent/{asked}")
    other = world.browser()
    other.signs_in_to_consent(sub="hb-2", name="Noah Becker")
    unknown = other.get("/consent/018f3c1e-0000-7000-8000-000000000000")
    assert other.get(f"/consent/{asked}").status_code == unknown.status_code == 404
    form = form_with(page, "decision")
    form.fields = [f for f in form.fields if f[0] != "csrf_token"]
    assert other.submit(form, *form.ticked, ("decision", "approve")).status_code in {400, 404}
    assert world.grant(asked_grant(world, asked)).status is GrantStatus.ACTIVE


def asked_grant(world: World, amendment_id: str) -> str:
    with world.services.database.read() as session:
        found = world.services.grant_reader.find_amendment(session, amendment_id, world.services.clock())
    assert found is not None
    assert found.status is GrantStatus.AWAITING_AUTHORISATION
    return found.grant.id


def test_every_version_of_a_permission_is_in_the_proof_pack_and_proved(
    world: World, maya: Browser, tmp_path: Path
) -> None:
    grant_id = shared(world, maya, BALANCES)
    decide(maya, maya.get(f"/consent/{world.asks_to_change(grant_id, PLACES)}"), ("category", "card_locations"))
    path = tmp_path / "pack.zip"
    path.write_bytes(maya.get("/history/proof-pack").data)
    found = verify_pack(path, None)
    assert (found.grants, found.unproved_grants) == (2, ())
