"""Exact card places need the passkey of a person who has one, in the very request that allows them."""

from typing import Any

from soft_authenticator import SoftPasskey
from test_web_passkeys import makes, options_of, refused, token_of
from web_world import Browser, World
from werkzeug.test import TestResponse

from broker.policy.terms import CategoryTerm
from broker.policy.vocabulary import GrantStatus, Precision

_PLACES = "card_locations"


def asked(world: World, browser: Browser) -> str:
    """The id of a request for exact places; looking at it signs the person in for it."""
    terms = world.terms(CategoryTerm(_PLACES, None, Precision.EXACT), purpose="fraud_protection")
    grant_id = world.proposes(terms)
    browser.get(f"/consent/{grant_id}")
    return grant_id


def allows(browser: Browser, grant_id: str, precision: str = "exact", **more: str) -> TestResponse:
    page = browser.get(f"/consent/{grant_id}")
    fields = [token_of(page), ("decision", "approve"), ("category", _PLACES), ("precision", precision)]
    fields += [("account", value) for value in accounts_on(page)]
    return browser.post(f"/consent/{grant_id}", [*fields, ("notice", notice_on(page)), *more.items()])


def accounts_on(page: TestResponse) -> list[str]:
    return values_of(page, "account")


def notice_on(page: TestResponse) -> str:
    return values_of(page, "notice")[0]


def values_of(page: TestResponse, name: str) -> list[str]:
    parts = [part.split('value="', 1)[1].split('"', 1)[0] for part in page.text.split(f'name="{name}"')[1:]]
    assert parts, name
    return parts


def sent_again(page: TestResponse, answer: str) -> list[tuple[str, Any]]:
    """What the page that asks for the passkey sends."""
    names = ("decision", "category", "account", "precision", "notice")
    return [token_of(page), ("answer", answer), *((name, value) for name in names for value in values_of(page, name))]


def test_a_person_with_a_passkey_shares_exact_places_only_with_it(world: World, maya: Browser) -> None:
    passkey, other = SoftPasskey(), SoftPasskey()
    makes(maya, passkey)
    grant_id = asked(world, maya)
    page = allows(maya, grant_id)
    assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION
    options = options_of(page)

    for lie, code in ((other.signs(options), "passkey-unknown"), ("{}", "passkey-refused")):
        assert refused(maya.post(f"/consent/{grant_id}", sent_again(page, lie)), code)
        assert world.grant(grant_id).status is GrantStatus.AWAITING_AUTHORISATION
        page = allows(maya, grant_id)
        options = options_of(page)

    answer = maya.post(f"/consent/{grant_id}", sent_again(page, passkey.signs(options)))
    assert answer.status_code == 303
    assert world.grant(grant_id).terms.categories == (CategoryTerm(_PLACES, None, Precision.EXACT),)


def test_less_exact_places_and_a_person_without_a_passkey_go_on_as_before(world: World, maya: Browser) -> None:
    told = "asked for your passkey"
    assert told not in maya.get(f"/consent/{asked(world, maya)}").text
    assert allows(maya, asked(world, maya)).status_code == 303
    makes(maya, SoftPasskey())
    assert told in maya.get(f"/consent/{asked(world, maya)}").text
    assert allows(maya, asked(world, maya), "town").status_code == 303
