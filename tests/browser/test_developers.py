"""The pages for developers in a real Chromium: the reference with and without scripts, and a platform's own pages."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.accessibility import axe
from tests.support.actors import Person
from tests.support.platform_client import PlatformClient
from tests.support.windows import DESKTOP, PHONE, Watch, no_sideways_scroll, window

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]
TABS = ("overview", "keys", "calls", "deliveries", "passkeys", "try")


def readable_for_everybody(page: Page) -> None:
    for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two words above
        no_sideways_scroll(page)
        axe(page)


def test_somebody_of_a_platform_signs_in_by_a_link_and_reads_every_page(
    desktop: Page, info: dict[str, Any], link: Callable[[], str]
) -> None:
    client, person = PlatformClient.of(info), Person.of(info, "harbor", 2)
    tokens = person.shares(client, "balances")
    assert client.call(info["api"]["card_locations"], tokens.access).status_code == 403
    watch = Watch(desktop)
    desktop.goto(link())
    readable_for_everybody(desktop)
    desktop.get_by_role("button", name="Sign in as Dana Developer").click()
    desktop.wait_for_url("**/overview")
    for tab in TABS:
        desktop.goto(f"{info['issuer']}/developers/{client.client_id}/{tab}")
        readable_for_everybody(desktop)
        assert desktop.get_by_text("Signed in as").is_visible()
    people = desktop.locator("table").inner_text()
    assert all(user["username"] in people and user["password"] not in people for user in info["users"])
    desktop.goto(f"{info['issuer']}/developers/{client.client_id}/calls?decision=refused")
    assert tokens.answer["grant_id"] in desktop.locator("table").inner_text()
    assert "category-not-granted" in desktop.locator("table").inner_text()
    assert (watch.third_party, watch.blocked) == ([], [])


def test_a_passkey_signs_somebody_of_a_platform_in_again(
    with_authenticator: Page, info: dict[str, Any], link: Callable[[], str]
) -> None:
    page = with_authenticator
    page.goto(link())
    page.get_by_role("button", name="Sign in as Dana Developer").click()
    page.get_by_role("link", name="Passkeys").click()
    page.get_by_label("Name of this passkey").fill("My laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("status")).to_contain_text("Your passkey was added")
    readable_for_everybody(page)
    page.get_by_role("button", name="Sign out", exact=True).first.click()
    page.goto(f"{info['issuer']}/developers")
    page.get_by_role("link", name="Sign in with a passkey").click()
    page.get_by_role("button", name="Use my passkey").click()
    page.wait_for_url("**/overview")
    expect(page.get_by_text("Signed in as").first).to_contain_text("Dana Developer")


def test_everything_works_without_scripts(page: Page, info: dict[str, Any], link: Callable[[], str]) -> None:
    page.goto(link())
    page.get_by_role("button", name="Sign in as Dana Developer").click()
    page.get_by_role("link", name="Calls").click()
    page.get_by_label("How it ended").select_option("refused")
    page.get_by_role("button", name="Show").click()
    assert "decision=refused" in page.url
    page.get_by_role("link", name="API reference").click()
    assert page.locator("article.operation").count() > 20
    page.goto(f"{info['issuer']}/developers/reference/explorer")
    assert page.locator("noscript p").is_visible()  # the text engine passes over it


def test_swagger_ui_shows_the_document_under_its_policy_and_asks_nobody_else(
    chromium: Browser, info: dict[str, Any]
) -> None:
    with window(chromium) as page:
        watch = Watch(page)
        page.goto(f"{info['issuer']}/developers/reference/explorer")
        page.locator(".opblock").first.wait_for()
        told = json.loads(page.request.get(f"{info['issuer']}/openapi.json").text())
        operations = sum(len(methods) for methods in told["paths"].values())
        assert page.locator(".opblock").count() == operations
        page.locator(".opblock-summary-control").first.click()
        page.locator(".opblock-body").wait_for()
        assert page.get_by_role("button", name="Try it out").count() == 0
        assert (watch.complaints, watch.third_party) == ([], [])
        assert not [url for url in watch.loaded if "/v1/" in url or "/oauth/" in url]


def test_the_reference_is_readable_for_everybody(desktop: Page, info: dict[str, Any]) -> None:
    for path in ("/developers", "/developers/reference"):
        desktop.goto(info["issuer"] + path)
        readable_for_everybody(desktop)
