"""Passkeys over HTTP with an authenticator in software: who gets in, and every lie that does not."""

import html
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from identity_provider import running_provider
from soft_authenticator import SoftPasskey
from web_world import Browser, World, build_world
from werkzeug.test import TestResponse

from tests.support.stores import NewStore


@pytest.fixture(scope="module")
def one_world(tmp_path_factory: pytest.TempPathFactory, new_store: NewStore) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("passkeys")
    with running_provider() as provider, new_store(folder) as store:
        built = build_world(folder, store, provider)
        yield built
        built.services.close()


@pytest.fixture
def world(one_world: World) -> World:
    """People of their own for each test, so one world does."""
    return one_world


_people = iter(range(100, 1000))


@pytest.fixture
def maya(world: World) -> Browser:
    browser = world.browser()
    browser.signs_in(sub=f"hb-{next(_people)}", name="Maya")
    return browser


def options_of(page: TestResponse) -> dict[str, Any]:
    assert page.status_code == 200, page.text
    found = re.search(r'data-options="([^"]*)"', page.text)
    assert found is not None
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options


def token_of(page: TestResponse) -> tuple[str, str]:
    found = re.search(r'name="csrf_token" value="([^"]*)"', page.text)
    assert found is not None
    return "csrf_token", found[1]


def makes(browser: Browser, passkey: SoftPasskey, name: str = "My phone") -> TestResponse:
    page = browser.get("/account/passkeys/new")
    answer = passkey.makes(options_of(page))
    return browser.post("/account/passkeys", [token_of(page), ("answer", answer), ("name", name)])


def enters(browser: Browser, passkey: SoftPasskey) -> TestResponse:
    page = browser.get("/sign-in/passkey")
    return browser.post("/sign-in/passkey", [token_of(page), ("answer", passkey.signs(options_of(page)))])


def steps_up(browser: Browser, passkey: SoftPasskey) -> TestResponse:
    page = browser.get("/step-up?next=/account")
    fields = [token_of(page), ("next", "/account"), ("answer", passkey.signs(options_of(page)))]
    return browser.post("/step-up", fields)


def refused(answer: TestResponse, code: str) -> bool:
    return answer.status_code in {401, 403} and f"<code>{code}</code>" in answer.text


def test_a_passkey_is_made_and_opens_the_same_persons_pages_in_another_browser(world: World, maya: Browser) -> None:
    passkey = SoftPasskey()
    assert makes(maya, passkey).location == "/account"
    assert "My phone" in maya.get("/account").text
    elsewhere = world.browser()
    assert enters(elsewhere, passkey).location == "/my-sharing"
    assert "My phone" in elsewhere.get("/account").text


def test_an_answer_counts_once(maya: Browser) -> None:
    passkey = SoftPasskey()
    makes(maya, passkey)
    page = maya.get("/step-up?next=/account")
    fields = [token_of(page), ("next", "/account"), ("answer", passkey.signs(options_of(page)))]
    assert maya.post("/step-up", fields).status_code == 303
    assert refused(maya.post("/step-up", fields), "passkey-challenge-used")


def test_a_challenge_of_another_session_is_refused(world: World, maya: Browser) -> None:
    passkey = SoftPasskey()
    makes(maya, passkey)
    stolen = passkey.signs(options_of(maya.get("/sign-in/passkey")))
    thief = world.browser()
    page = thief.get("/sign-in/passkey")
    assert refused(thief.post("/sign-in/passkey", [token_of(page), ("answer", stolen)]), "passkey-challenge-unknown")


def test_a_challenge_for_one_thing_serves_no_other(maya: Browser) -> None:
    passkey = SoftPasskey()
    makes(maya, passkey)
    answer = passkey.signs(options_of(maya.get("/sign-in/passkey")))
    page = maya.get("/step-up?next=/account")
    sent = maya.post("/step-up", [token_of(page), ("next", "/account"), ("answer", answer)])
    assert refused(sent, "passkey-challenge-unknown")


def test_a_challenge_lives_five_minutes(world: World, maya: Browser) -> None:
    passkey = SoftPasskey()
    makes(maya, passkey)
    page = maya.get("/step-up?next=/account")
    fields = [token_of(page), ("next", "/account"), ("answer", passkey.signs(options_of(page)))]
    world.later += timedelta(minutes=5)
    assert refused(maya.post("/step-up", fields), "passkey-challenge-unknown")


def test_another_persons_passkey_is_no_step_up_and_looks_like_one_that_nobody_has(world: World, maya: Browser) -> None:
    makes(maya, SoftPasskey())
    other, foreign = world.browser(), SoftPasskey()
    other.signs_in(sub=f"hb-{next(_people)}", name="Oscar")
    makes(other, foreign)
    assert refused(steps_up(maya, foreign), "passkey-unknown")
    assert refused(steps_up(maya, SoftPasskey()), "passkey-unknown")


def test_another_site_a_forged_signature_and_an_unverified_user_are_refused(world: World, maya: Browser) -> None:
    passkey = SoftPasskey()
    makes(maya, passkey)
    bent = {name: getattr(passkey, name) for name in ("credential_id", "handle", "key", "count")}
    thief = world.browser()
    assert refused(enters(thief, SoftPasskey(**bent, origin="https://evil.example")), "passkey-wrong-origin")
    assert refused(enters(thief, SoftPasskey(**bent, rp_id="evil.example")), "passkey-refused")
    assert refused(enters(thief, SoftPasskey(**bent, flags=0x19)), "passkey-refused")
    assert refused(enters(thief, SoftPasskey(**bent, flags=0x05)), "passkey-refused")  # cannot be backed up after all
    assert refused(enters(thief, SoftPasskey(**{**bent, "key": SoftPasskey().key})), "passkey-refused")
    assert thief.get("/account").status_code == 303


def test_a_copied_passkey_is_found_by_its_counter(world: World, maya: Browser) -> None:
    passkey = SoftPasskey()
    makes(maya, passkey)
    copy = SoftPasskey(credential_id=passkey.credential_id, handle=passkey.handle, key=passkey.key)
    assert enters(world.browser(), passkey).status_code == 303
    assert refused(enters(world.browser(), copy), "passkey-counter")


@pytest.mark.parametrize(
    "answer", ["", "x", "[]", "{}", '{"id": 1}', "[" * 9000, '{"id":"a","rawId":"a","type":"public-key","response":{}}']
)
def test_nonsense_is_refused_and_nothing_breaks(world: World, answer: str) -> None:
    browser = world.browser()
    page = browser.get("/sign-in/passkey")
    assert browser.post("/sign-in/passkey", [token_of(page), ("answer", answer)]).status_code in {400, 403}


def test_a_new_passkey_needs_a_fresh_sign_in_with_the_bank(world: World, maya: Browser) -> None:
    page = maya.get("/account/passkeys/new")
    answer = SoftPasskey().makes(options_of(page))
    world.later += timedelta(minutes=10)
    assert maya.get("/account/passkeys/new").location == "/sign-in?next=/account/passkeys/new"
    sent = maya.post("/account/passkeys", [token_of(page), ("answer", answer)])
    assert refused(sent, "sign-in-not-fresh")


def test_a_removed_passkey_opens_nothing_and_nobody_removes_anothers(world: World, maya: Browser) -> None:
    passkey = SoftPasskey()
    makes(maya, passkey)
    page = maya.get("/account")
    found = re.search(r'action="(/account/passkeys/[^"]*/remove)"', page.text)
    assert found is not None
    other = world.browser()
    other.signs_in(sub=f"hb-{next(_people)}", name="Oscar")
    assert other.post(found[1], [token_of(other.get("/account"))]).status_code == 404
    assert maya.post(found[1], [token_of(page)]).status_code == 303
    assert refused(enters(world.browser(), passkey), "passkey-unknown")


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/account", "/account/../x", "/sign-out", ""])
def test_a_step_up_leads_only_to_our_pages(maya: Browser, wanted: str) -> None:
    assert maya.get(f"/step-up?next={wanted}").status_code == (400 if wanted else 200)


def removes(browser: Browser, page: TestResponse, *more: tuple[str, str]) -> TestResponse:
    found = re.search(r'action="(/account/passkeys/[^"]*/remove)"', page.text)
    assert found is not None
    return browser.post(found[1], [token_of(page), *more])


def test_a_passkey_is_removed_with_a_passkey_once_the_sign_in_with_the_bank_is_long_ago(
    world: World, maya: Browser
) -> None:
    lost, other = SoftPasskey(), SoftPasskey()
    for passkey, name in ((lost, "My phone"), (other, "My laptop")):
        makes(maya, passkey, name)
    world.later += timedelta(minutes=11)
    page = removes(maya, maya.get("/account"))
    assert "Lost your device?" in html.unescape(page.text)
    for lie, code in ((SoftPasskey().signs(options_of(page)), "passkey-unknown"), ("{}", "passkey-refused")):
        assert refused(removes(maya, page, ("answer", lie)), code)
    assert "My phone" in maya.get("/account").text
    page = removes(maya, maya.get("/account"))
    assert removes(maya, page, ("answer", other.signs(options_of(page)))).status_code == 303
    assert "My phone" not in maya.get("/account").text


def test_who_has_lost_their_only_passkey_removes_it_after_a_sign_in_with_the_bank(world: World) -> None:
    browser, person = world.browser(), {"sub": f"hb-{next(_people)}", "name": "Maya"}
    browser.signs_in(**person)
    makes(browser, SoftPasskey())
    world.later += timedelta(minutes=11)
    page = removes(browser, browser.get("/account"))
    assert 'href="/sign-in?next=/account"' in page.text
    browser.signs_in("/sign-in?next=/account", **person)
    assert removes(browser, browser.get("/account")).status_code == 303
    assert "You have none." in browser.get("/account").text
