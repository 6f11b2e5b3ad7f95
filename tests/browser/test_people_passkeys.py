"""Passkeys in a real Chromium with a virtual authenticator: made, signed in with, asked for again."""

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.accessibility import axe
from tests.support.actors import Person
from tests.support.platform_client import PlatformClient, details
from tests.support.windows import sign_in

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]


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
    expect(page.get_by_role("heading", name="Your account", exact=True)).to_be_visible()


def _adds_passkey(page: Page, issuer: str, name: str) -> None:
    page.goto(f"{issuer}/account/passkeys/new")
    page.get_by_label("Name of this passkey").fill(name)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("status")).to_contain_text("Your passkey was added")


def _nears_its_end(info: dict[str, Any], grant_id: str) -> None:
    """Let a permission be old, as time does: a story does not wait for months."""
    end = datetime.now(UTC) + timedelta(days=5)
    database = sqlite3.connect(info["database_url"].removeprefix("sqlite:///"), timeout=10)
    with database:
        database.execute(
            "UPDATE grants SET expires_at = ? WHERE id = ?", (end.replace(tzinfo=None).isoformat(" "), grant_id)
        )
    database.close()


def test_exact_places_need_the_passkey_to_begin_and_to_go_on_and_so_does_the_end_of_the_account(
    info: dict[str, Any], with_authenticator: Page
) -> None:
    page, person, client = with_authenticator, Person.named(info, "meridian", "tomas"), PlatformClient.of(info)
    request = details("card_locations")
    request[0]["categories"][0]["precision"] = "exact"
    pushed = client.begin(request)
    consent = person.arrives_at_consent(pushed).url
    sign_in(page, person)
    _adds_passkey(page, info["issuer"], "My phone")

    page.goto(consent)
    for box in page.locator("input[name=category], input[name=account]").all():
        box.check()
    page.get_by_label("How exact").select_option("exact")
    page.get_by_role("button", name="Allow", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is it really you?")
    axe(page)
    with page.expect_request(lambda sent: sent.url.startswith(client.redirect_uri)) as landed:
        page.get_by_role("button", name="Use my passkey and allow").click()
    expect(page).to_have_url(re.compile("^chrome-error:"))  # nobody is there: the browser says so
    client.tokens(pushed, landed.value.url)

    grant_id = str(re.search("[0-9a-f-]{36}", consent)[0])  # type: ignore[index] # it is the address of one
    _nears_its_end(info, grant_id)
    page.goto(f"{info['issuer']}/my-sharing/{grant_id}/renew")
    page.get_by_role("button", name="Continue to").click()
    page.locator("input[name=username]").fill(person.username)
    page.locator("input[name=password]").fill(person.password)
    page.locator("form:has(input[name=password]) button").click()
    page.get_by_role("button", name="Renew", exact=True).click()
    expect(page.locator("main")).to_contain_text("Nothing has been changed yet")
    axe(page)
    page.get_by_role("button", name="Use my passkey and renew").click()
    expect(page.get_by_role("status").first).to_contain_text("Renewed.")

    page.goto(info["issuer"] + "/account/close")
    page.get_by_label("I want to close my account").check()
    page.get_by_role("button", name="Close my account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account is closed")  # the passkey was used just now
    page.goto(info["issuer"] + "/sign-in/passkey")
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.locator("main")).to_contain_text("This passkey is not known here")


def test_without_scripts_the_page_says_what_is_missing(info: dict[str, Any], page: Page) -> None:
    page.goto(info["issuer"] + "/sign-in/passkey")
    expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in with your bank instead")).to_be_visible()
    expect(page.get_by_role("button", name="Use my passkey")).to_be_hidden()
