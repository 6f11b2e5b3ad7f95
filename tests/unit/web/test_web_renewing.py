"""Renewing from My sharing: warned in time, signed in for it, told what changes, and nothing changes before the yes."""

from datetime import timedelta

import pytest
from soft_authenticator import SoftPasskey
from test_web_exact_places import allows, values_of
from test_web_passkeys import makes, options_of, refused, token_of
from web_world import Browser, World, form_with, forms_of, words_of
from werkzeug.test import TestResponse

from broker.grants.models import GrantRow
from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import GrantStatus, Precision


def _ages(world: World, grant_id: str, days_left: float) -> None:
    """Let the end of a grant come nearer, as time does."""
    now = world.services.clock()
    with world.services.database.write() as session:
        row = session.get_one(GrantRow, grant_id)
        row.claimed_at, row.expires_at = row.authorised_at, now + timedelta(days=days_left)


def _signs_in_to_renew(browser: Browser, grant_id: str, **person: str) -> None:
    page = browser.get(f"/my-sharing/{grant_id}/renew")
    form = next(form for form in forms_of(page) if form.action.endswith("/renew/sign-in"))
    answer = browser.submit(form)
    assert answer.status_code == 303
    back = browser.get(browser.provider.agrees(answer.location, **(person or {"sub": "hb-1", "name": "Maya"})))
    assert back.location == f"/my-sharing/{grant_id}/renew"


@pytest.mark.parametrize(
    ("days_left", "words", "is_urgent"),
    [(31, None, False), (29.5, "Ends in 30 days.", False), (6.5, "Ends in 7 days.", True), (0.2, "within a day", True)],
)
def test_the_end_is_announced_30_and_7_days_before(
    world: World, maya: Browser, days_left: float, words: str | None, *, is_urgent: bool
) -> None:
    grant_id = world.shares(maya, "balances")
    _ages(world, grant_id, days_left)
    for path in ("/", "/my-sharing", f"/my-sharing/{grant_id}"):
        page = words_of(maya.get(path))
        assert (words or "After that Messenger sees nothing more") in page if words else "After that" not in page
        assert ('class="notice urgent"' in page) is is_urgent
    assert (f"grant-{grant_id}" in maya.get("/my-sharing?state=soon").text) is (words is not None)


def test_a_renewal_asks_for_a_sign_in_and_then_moves_the_end(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    _ages(world, grant_id, 5)
    before = world.grant(grant_id)
    assert "Only the end" in words_of(maya.get(f"/my-sharing/{grant_id}/renew"))
    _signs_in_to_renew(maya, grant_id)
    assert world.grant(grant_id) == before
    form = form_with(maya.get(f"/my-sharing/{grant_id}/renew"), "days")
    answer = maya.submit(form)
    assert answer.location == f"/my-sharing/{grant_id}?done=renew"
    after = world.grant(grant_id)
    assert (after.status, after.version) == (GrantStatus.ACTIVE, 2)
    agreed = timedelta(days=before.terms.duration_days or 0)
    assert abs(after.expires_at - world.services.clock() - agreed) < timedelta(minutes=5)
    words = words_of(maya.get(answer.location))
    for told in ("Renewed. Messenger can go on", "You renewed what Messenger may see at Harbor Bank", "Version 2"):
        assert told in words
    assert maya.submit(form).status_code == 409  # the sign-in was for that one renewal


def test_without_a_sign_in_for_it_nothing_is_renewed(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    _ages(world, grant_id, 5)
    before = world.grant(grant_id)
    token = forms_of(maya.get(f"/my-sharing/{grant_id}/renew"))[0].fields[0]
    seen = before.updated_at.isoformat()
    answer = maya.post(f"/my-sharing/{grant_id}/renew", [token, ("days", "30"), ("seen", seen)])
    assert (answer.status_code, world.grant(grant_id)) == (409, before)


def test_who_signs_in_as_somebody_else_renews_nothing(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    _ages(world, grant_id, 5)
    _signs_in_to_renew(maya, grant_id, sub="hb-2", name="Noah")
    assert maya.get(f"/my-sharing/{grant_id}/renew").status_code == 404


@pytest.mark.parametrize("changed", [{"days": "366"}, {"days": "1"}, {"days": "x"}, {"seen": "x"}, {"days": "9999"}])
def test_a_forged_form_renews_nothing(world: World, maya: Browser, changed: dict[str, str]) -> None:
    grant_id = world.shares(maya, "balances")
    _ages(world, grant_id, 5)
    _signs_in_to_renew(maya, grant_id)
    before = world.grant(grant_id)
    form = form_with(maya.get(f"/my-sharing/{grant_id}/renew"), "days")
    fields = {**dict(form.fields), "days": "30", **changed}
    assert maya.post(form.action, [*fields.items()]).status_code in {400, 409}
    assert world.grant(grant_id) == before


def test_a_bank_that_is_down_renews_nothing_and_it_is_said(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    _ages(world, grant_id, 5)
    _signs_in_to_renew(maya, grant_id)
    before = world.grant(grant_id)
    world.connector.is_down = True
    answer = maya.submit(form_with(maya.get(f"/my-sharing/{grant_id}/renew"), "days"))
    assert (answer.status_code, world.grant(grant_id)) == (503, before)
    assert "Nothing was shared and nothing was changed" in answer.text


def test_what_cannot_be_renewed_says_why_and_what_to_do(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    assert "as long as you agreed" in maya.get(f"/my-sharing/{grant_id}/renew").text
    with world.services.database.write() as session:
        session.get_one(GrantRow, grant_id).expires_at = world.services.clock() - timedelta(days=1)
    words = words_of(maya.get(f"/my-sharing/{grant_id}/renew"))
    assert "This permission has ended." in words
    assert "open Messenger and connect Harbor Bank there" in words


def _shares_places(world: World, browser: Browser, precision: Precision) -> str:
    terms = world.terms(CategoryTerm("card_locations", None, precision), purpose="fraud_protection")
    grant_id = world.proposes(terms)
    assert allows(browser, grant_id, precision.value).status_code == 303
    _ages(world, grant_id, 5)
    return grant_id


def _renews(browser: Browser, grant_id: str) -> TestResponse:
    return browser.submit(form_with(browser.get(f"/my-sharing/{grant_id}/renew"), "days"))


def test_exact_places_go_on_only_with_the_passkey_of_who_has_one(world: World, maya: Browser) -> None:
    grant_id, passkey = _shares_places(world, maya, Precision.EXACT), SoftPasskey()
    makes(maya, passkey)
    before = world.grant(grant_id)
    _signs_in_to_renew(maya, grant_id)
    page = _renews(maya, grant_id)
    assert "exactly where your cards were used" in words_of(page)
    assert world.grant(grant_id) == before
    sent = [(name, value) for name in ("days", "seen") for value in values_of(page, name)]
    lie = [*sent, token_of(page), ("answer", SoftPasskey().signs(options_of(page)))]
    assert refused(maya.post(f"/my-sharing/{grant_id}/renew", lie), "passkey-unknown")
    page = _renews(maya, grant_id)
    answer = maya.post(
        f"/my-sharing/{grant_id}/renew", [*sent, token_of(page), ("answer", passkey.signs(options_of(page)))]
    )
    assert answer.status_code == 303
    assert world.grant(grant_id).version == 2


def test_less_exact_places_go_on_without_it_and_so_does_who_has_none(world: World, maya: Browser) -> None:
    exact = _shares_places(world, maya, Precision.EXACT)
    _signs_in_to_renew(maya, exact)
    assert _renews(maya, exact).status_code == 303
    town = _shares_places(world, maya, Precision.TOWN)
    makes(maya, SoftPasskey())
    _signs_in_to_renew(maya, town)
    assert _renews(maya, town).status_code == 303
