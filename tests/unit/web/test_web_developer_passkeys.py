"""Passkeys of people of platforms: the operator's link lets them in once, their own passkey from then on."""

import re
from datetime import timedelta

import pytest
from soft_authenticator import SoftPasskey
from test_web_developer import invited
from test_web_passkeys import enters, options_of, refused, token_of
from web_world import Browser, World, form_with, path_of, words_of
from werkzeug.test import TestResponse

from broker.platforms import people

PASSKEYS = "/developers/messenger/passkeys"


@pytest.fixture
def dev(world: World) -> tuple[str, Browser]:
    """Somebody of Messenger, and the browser in which they have just signed in by a link."""
    person_id, link = invited(world)
    browser = world.browser()
    browser.submit(form_with(browser.get(link), "link"))
    return person_id, browser


def makes(browser: Browser, passkey: SoftPasskey, path: str = PASSKEYS) -> TestResponse:
    page = browser.get(path)
    return browser.post(path, [token_of(page), ("answer", passkey.makes(options_of(page))), ("name", "My laptop")])


def _removal(page: TestResponse) -> str:
    found = re.search(r'action="([^"]+/remove)"', page.text)
    assert found is not None
    return found[1]


def test_a_passkey_opens_the_pages_of_ones_own_app_again(world: World, dev: tuple[str, Browser]) -> None:
    passkey, later = SoftPasskey(), world.browser()
    assert path_of(makes(dev[1], passkey)) == PASSKEYS
    assert "My laptop" in words_of(dev[1].get(PASSKEYS))
    assert path_of(enters(later, passkey)) == "/developers/messenger/overview"
    assert "Signed in as <strong>Dev Eloper</strong>" in later.get("/developers/messenger/overview").text
    assert later.get("/my-sharing").status_code == 403
    assert "/sign-in/passkey" in world.browser().get("/developers").text


def test_who_was_shut_out_has_a_passkey_that_opens_nothing(world: World, dev: tuple[str, Browser]) -> None:
    passkey = SoftPasskey()
    makes(dev[1], passkey)
    with world.services.database.write() as session:
        people.remove(session, dev[0], world.services.clock())
    late = world.browser()
    assert refused(enters(late, passkey), "passkey-unknown")
    assert late.get("/developers/messenger/overview").status_code == 401


def test_ten_minutes_after_the_link_none_is_made_or_removed(world: World, dev: tuple[str, Browser]) -> None:
    passkey, browser = SoftPasskey(), dev[1]
    makes(browser, passkey)
    page = browser.get(PASSKEYS)
    other, removal = SoftPasskey().makes(options_of(page)), _removal(page)
    world.later = timedelta(minutes=10)
    late = browser.get(PASSKEYS)
    assert 'data-ceremony="create"' not in late.text
    assert "sign in again first" in words_of(late)
    added = browser.post(PASSKEYS, [token_of(page), ("answer", other), ("name", "x")])
    removed = browser.post(removal, [token_of(page)])
    assert (added.status_code, removed.status_code) == (401, 401)
    assert "sign-in-not-fresh" in added.text
    fresh = world.browser()
    enters(fresh, passkey)
    page = fresh.get(PASSKEYS)
    assert fresh.post(removal, [token_of(page)]).status_code == 303
    assert "You have none." in words_of(fresh.get(PASSKEYS))


def test_nobody_removes_the_passkey_of_a_colleague(world: World, dev: tuple[str, Browser]) -> None:
    makes(dev[1], SoftPasskey())
    removal = _removal(dev[1].get(PASSKEYS))
    _, link = invited(world, name="Colleague")
    colleague = world.browser()
    colleague.submit(form_with(colleague.get(link), "link"))
    page = colleague.get(PASSKEYS)
    assert "My laptop" not in words_of(page)
    assert colleague.post(removal, [token_of(page)]).status_code == 404
    assert "My laptop" in words_of(dev[1].get(PASSKEYS))


def test_a_persons_passkey_opens_no_app_and_an_apps_no_sharing(world: World, dev: tuple[str, Browser]) -> None:
    passkey = SoftPasskey()
    makes(dev[1], passkey)
    maya = world.browser()
    maya.signs_in(sub="hb-1", name="Maya")
    assert maya.get(PASSKEYS).status_code == 401
    enters(maya, passkey)  # whoever signs in anew in a browser is who they have just proved to be
    assert maya.get("/my-sharing").status_code == 403
    assert maya.get(PASSKEYS).status_code == 200
