"""Passkeys in a real Chromium with a virtual authenticator: made, signed in with, asked for again."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.actors import Person
from tests.support.windows import sign_in, window

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]


@pytest.fixture
def with_authenticator(chromium: Browser) -> Iterator[Page]:
    with window(chromium) as page:
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield page


def test_a_passkey_is_made_signs_in_again_and_steps_up(info: dict[str, Any], with_authenticator: Page) -> None:
    page = with_authenticator
    sign_in(page, Person.of(info, "harbor", 2))
    page.goto(info["issuer"] + "/account/passkeys/new")
    page.get_by_label("Name of this passkey").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("status")).to_contain_text("Your passkey was added")
    expect(page.locator("main")).to_contain_text("My laptop")

    page.get_by_role("button", name="Sign out", exact=True).first.click()
    page.goto(info["issuer"] + "/sign-in?next=/my-sharing")
    page.get_by_role("link", name="Sign in with a passkey").click()
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_role("heading", name="My sharing", exact=True)).to_be_visible()

    page.goto(info["issuer"] + "/step-up?next=/account")
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()


def test_without_scripts_the_page_says_what_is_missing(info: dict[str, Any], page: Page) -> None:
    page.goto(info["issuer"] + "/sign-in/passkey")
    expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in with your bank instead")).to_be_visible()
    expect(page.get_by_role("button", name="Use my passkey")).to_be_hidden()
