"""Taking sharing back in a real browser: two clicks from the home page, by keyboard, on a phone, without scripts."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.actors import Person
from tests.support.platform_client import PlatformClient
from tests.support.windows import PHONE, no_sideways_scroll, sign_in, window

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]


@pytest.fixture
def sharer(info: dict[str, Any]) -> Person:
    """Somebody who shares balances and transactions with the app."""
    person = Person.named(info, "harbor", info["users"][0]["username"])
    person.shares(PlatformClient.of(info), "balances", "transactions")
    return person


def of_the_card(page: Page, name: str) -> Locator:
    return page.locator("main").get_by_role("button", name=name).first


def test_two_clicks_on_a_phone_without_scripts_stop_a_permission(
    chromium: Browser, info: dict[str, Any], sharer: Person
) -> None:
    with window(chromium, PHONE, scripts=False) as page:
        sign_in(page, sharer)
        page.goto(info["issuer"])
        no_sideways_scroll(page)
        of_the_card(page, "Stop").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Stop sharing")
        page.get_by_role("button", name="Yes, stop").click()
        expect(page.get_by_role("status").first).to_contain_text("It holds from now on")


def test_the_keyboard_alone_leads_from_the_home_page_to_a_stop(
    page: Page, info: dict[str, Any], sharer: Person
) -> None:
    sign_in(page, sharer)
    page.goto(info["issuer"])
    for name in ("Stop", "Yes, stop"):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.innerText").startswith(name):
                break
        with page.expect_navigation():
            page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("It holds from now on")


def test_view_and_stop_are_of_one_size_on_every_card(desktop: Page, info: dict[str, Any], sharer: Person) -> None:
    sign_in(desktop, sharer)
    desktop.goto(info["issuer"] + "/my-sharing")
    card = desktop.locator("article.grant > header").first
    view = card.get_by_role("link", name="View").bounding_box()
    stop = card.get_by_role("button", name="Stop").bounding_box()
    assert view is not None
    assert stop is not None
    assert abs(view["height"] - stop["height"]) < 2
    assert abs(view["y"] - stop["y"]) < 2
