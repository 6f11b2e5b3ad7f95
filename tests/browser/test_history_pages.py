"""The history in a real browser: map and check of an entry without scripts, and the same check by the browser."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.accessibility import axe
from tests.support.actors import Person
from tests.support.platform_client import PlatformClient
from tests.support.windows import DESKTOP, PHONE, no_sideways_scroll, sign_in, window

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def maya(info: dict[str, Any]) -> Person:
    """Somebody whose card places an app has read."""
    person, client = Person.of(info, "harbor", 0), PlatformClient.of(info)
    tokens = person.shares(client, "card_locations")
    answer = client.call(info["api"]["card_locations"], tokens.access)
    assert answer.status_code == 200, answer.text
    return person


def readable(page: Page) -> None:
    for size, scheme in ((DESKTOP, "light"), (PHONE, "dark")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
        no_sideways_scroll(page)
        axe(page)


def test_without_scripts_a_person_sees_the_map_and_the_check(page: Page, info: dict[str, Any], maya: Person) -> None:
    sign_in(page, maya)
    page.goto(info["pages"]["history"])
    page.get_by_role("link", name="Map of card places").click()
    page.get_by_role("button", name="Ask my bank and show the map").first.click()
    expect(page.get_by_role("img", name="Map of where your cards were used")).to_be_visible()
    assert page.locator(".map .place").count() == page.locator("tbody tr").count() > 0
    page.get_by_role("link", name="Access history").click()
    page.locator(".own-views summary", has_text="Your own views").first.click()
    shown = page.locator(".own-views .timeline details", has_text="We showed you where your cards were used").first
    shown.locator("summary").click()
    shown.get_by_role("link", name="Check the receipt").click()
    expect(page.get_by_role("status")).to_contain_text("Verified")


def test_the_browser_checks_the_same_receipt_from_the_address_and_from_pasted_text(
    chromium: Browser, info: dict[str, Any], maya: Person
) -> None:
    with window(chromium) as page:
        sign_in(page, maya)
        page.goto(f"{info['pages']['history']}?decision=allowed&category=card_locations")
        page.locator(".timeline summary").first.click()
        page.get_by_role("link", name="Check the receipt").first.click()
        readable(page)
        page.get_by_role("link", name="Check it in my browser").click()
        expect(page.get_by_role("status")).to_contain_text("Verified")
        line = page.evaluate("location.hash.slice(1)")
        page.goto(f"{info['issuer']}/receipts/verify")
        page.get_by_text("Paste it instead").click()
        field = page.get_by_label("The receipt as text")
        field.fill(line)
        expect(page.get_by_role("status")).to_contain_text("Verified")
        field.fill(line[:-40])
        expect(page.get_by_role("status")).to_contain_text("Not verified")
        readable(page)


def test_map_and_charts_are_readable_for_everybody(chromium: Browser, info: dict[str, Any], maya: Person) -> None:
    with window(chromium) as page:
        sign_in(page, maya)
        page.goto(f"{info['pages']['history']}/charts")
        expect(page.locator(".stack")).not_to_have_count(0)
        page.locator("details summary").first.click()
        readable(page)
        page.goto(f"{info['pages']['history']}/map")
        readable(page)
        page.set_viewport_size(DESKTOP)
        page.get_by_role("button", name="Ask my bank and show the map").first.click()
        expect(page.locator(".map")).to_be_visible()
        readable(page)
