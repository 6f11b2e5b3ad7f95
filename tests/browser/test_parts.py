"""Parts of pages that htmx brings: the same as the whole page, under the same strict policy, and nothing is kept."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.arrivals import SHARER, Cast, Visit
from tests.support.accessibility import axe
from tests.support.actors import Staff
from tests.support.windows import Watch, no_sideways_scroll, sign_in

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(120)]
MARK = "() => { window.isTheSamePage = true; }"
IS_SAME = "() => window.isTheSamePage === true"
KEPT = "() => [localStorage, sessionStorage].flatMap((one) => Object.entries(one)).join()"


@pytest.fixture
def sharer(desktop: Page, info: dict[str, Any]) -> Visit:
    """Somebody who shares something, before their history."""
    visit = Visit(Cast(info), desktop, SHARER, 200)
    sign_in(desktop, visit.person)
    visit.shares("balances", "transactions", "card_locations")
    visit.opens("/history")
    desktop.evaluate(MARK)
    return visit


def chooses_refused(page: Page) -> None:
    page.get_by_text("Choose what to see").click()
    page.get_by_label("Outcome").select_option("refused")
    page.get_by_role("button", name="Show", exact=True).press("Enter")
    page.wait_for_url("**/history?*decision=refused*")


def test_a_choice_brings_the_part_keeps_the_focus_and_is_announced(sharer: Visit) -> None:
    page, watch = sharer.page, Watch(sharer.page)
    chooses_refused(page)
    expect(page.get_by_role("status")).to_have_text("The page now shows what you chose.")
    assert page.evaluate(IS_SAME), "the whole page was loaded"
    expect(page.locator("#show")).to_be_focused()
    axe(page)
    no_sideways_scroll(page)
    brought = page.locator("#found").inner_text()
    page.reload()
    assert page.locator("#found").inner_text() == brought
    assert (watch.blocked, watch.third_party) == ([], [])


def test_the_way_back_shows_what_was_there_before_and_the_browser_keeps_no_page(sharer: Visit) -> None:
    page = sharer.page
    chooses_refused(page)
    assert "Meridian" not in page.evaluate(KEPT)
    assert "htmx-history-cache" not in page.evaluate(KEPT)
    page.go_back()
    page.wait_for_url("**/history")
    expect(page.locator(".timeline").first).to_be_visible()


def test_whoever_is_signed_out_meanwhile_gets_the_whole_sign_in_page(sharer: Visit) -> None:
    sharer.page.context.clear_cookies()
    sharer.page.get_by_text("Choose what to see").click()
    sharer.page.get_by_role("button", name="Show", exact=True).click()
    expect(sharer.page.get_by_role("heading", level=1)).to_have_text("Sign in with your bank")
    assert not sharer.page.evaluate(IS_SAME)


def test_staff_filter_their_log_and_a_mistake_is_told_by_a_whole_page(desktop: Page, info: dict[str, Any]) -> None:
    sign_in(desktop, Staff(info, "harbor"))
    desktop.goto(f"{info['issuer']}/console/harbor/log")
    desktop.evaluate(MARK)
    desktop.get_by_label("Decision").select_option("refused")
    desktop.get_by_role("button", name="Show", exact=True).click()
    desktop.wait_for_url("**/log?*decision=refused*")
    expect(desktop.get_by_role("link", name="Show everything")).to_be_visible()
    assert desktop.evaluate(IS_SAME)
    desktop.get_by_text("More to choose by").click()
    desktop.get_by_label("Permission (id)").fill("x" * 40)
    desktop.get_by_role("button", name="Show", exact=True).click()
    expect(desktop.locator("#filter-grant-error")).to_be_visible()
    assert not desktop.evaluate(IS_SAME)
