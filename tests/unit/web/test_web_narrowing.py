"""Narrowing a permission on its page: what can be less is offered, each as it is now, and works at once."""

import re

import pytest
from web_world import Browser, Form, World, form_with, forms_of, words_of

from broker.grants.models import GrantRow
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import GrantStatus, Precision


@pytest.fixture
def grant(world: World, maya: Browser) -> str:
    return world.shares(maya, "transactions", "card_locations")


def _form(browser: Browser, grant: str) -> Form:
    return form_with(browser.get(f"/my-sharing/{grant}/narrow"), "seen")


def _options(page: str, name: str) -> list[str]:
    select = re.search(rf'<select id="{name}".*?</select>', page, re.DOTALL)
    assert select, name
    return re.findall(r'value="([^"]*)"', select.group())


def test_from_the_permission_in_two_clicks_less_is_shared(world: World, maya: Browser, grant: str) -> None:
    assert f'href="/my-sharing/{grant}/narrow"' in maya.get(f"/my-sharing/{grant}").text
    before = world.grant(grant)
    answer = maya.submit(_form(maya, grant), ("precision-card_locations", "country"), ("days", "7"))
    assert answer.location == f"/my-sharing/{grant}?done=narrow"
    after = world.grant(grant)
    assert after.terms.category("card_locations") == CategoryTerm("card_locations", precision=Precision.COUNTRY)
    assert after.terms.category("transactions") == before.terms.category("transactions")
    assert (after.terms.duration_days, after.version, after.status) == (7, 2, GrantStatus.ACTIVE)
    words = words_of(maya.get(answer.location))
    for told in ("Narrowed. From now on Messenger sees less.", "You narrowed what Messenger may see at Harbor Bank"):
        assert told in words
    assert "Version 2" in words


def test_only_what_is_less_is_offered(maya: Browser, grant: str) -> None:
    page = maya.get(f"/my-sharing/{grant}/narrow").text
    steps = _options(page, "precision-card_locations")
    maya.submit(_form(maya, grant), ("precision-card_locations", steps[0]), ("history", "1"))
    page = maya.get(f"/my-sharing/{grant}/narrow").text
    assert len(steps) > 1
    assert 'id="precision-card_locations"' not in page
    assert 'id="history"' not in page


def test_a_forged_form_widens_nothing(world: World, maya: Browser, grant: str) -> None:
    form, before = _form(maya, grant), world.grant(grant)
    for forged in (("precision-card_locations", "exact"), ("history", "3650"), ("days", "3650")):
        answer = maya.submit(form, forged)
        assert (answer.status_code, world.grant(grant)) == (409, before), forged
    for broken in (("precision-card_locations", "street"), ("history", "0"), ("days", "x"), ("seen", "yesterday")):
        assert (maya.submit(form, broken).status_code, world.grant(grant)) == (400, before), broken


def test_an_old_page_and_an_unchanged_form_say_what_is_the_matter(world: World, maya: Browser, grant: str) -> None:
    form = _form(maya, grant)
    unchanged = maya.submit(form)
    assert (unchanged.status_code, "Nothing would be less" in words_of(unchanged)) == (409, True)
    maya.submit(form, ("history", "1"))
    old = maya.submit(form, ("precision-card_locations", "country"))
    assert (old.status_code, "has changed meanwhile" in words_of(old)) == (409, True)
    assert world.grant(grant).version == 2


def test_of_what_has_ended_there_is_nothing_to_narrow(world: World, maya: Browser, grant: str) -> None:
    form = _form(maya, grant)
    with world.services.database.write() as session:
        row = session.get_one(GrantRow, grant)
        row.status, row.status_code = GrantStatus.REVOKED.value, "user-action"
    page = maya.get(f"/my-sharing/{grant}/narrow")
    assert "There is nothing to narrow" in words_of(page)
    assert not [one for one in forms_of(page) if one.action.endswith("/narrow")]
    assert maya.submit(form, ("history", "1")).status_code == 409
    assert f"/my-sharing/{grant}/narrow" not in maya.get(f"/my-sharing/{grant}").text


def test_nobody_narrows_what_is_somebody_elses(world: World, maya: Browser, grant: str) -> None:
    noah, before = world.browser(), world.grant(grant)
    noah.signs_in(sub="hb-2", name="Noah")
    assert noah.get(f"/my-sharing/{grant}/narrow").status_code == 404
    own = [one for one in form_with(noah.get("/account"), "csrf_token").fields if one[0] == "csrf_token"]
    maya_s = [one for one in _form(maya, grant).fields if one[0] != "csrf_token"]
    answer = noah.post(f"/my-sharing/{grant}/narrow", [*own, *maya_s, ("history", "1")])
    assert (answer.status_code, world.grant(grant)) == (404, before)
