"""A bank's staff in a real browser: from the overview to a proof, by links and forms alone; what auditors may not."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.accessibility import axe
from tests.support.actors import Staff
from tests.support.windows import no_sideways_scroll, sign_in

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(120)]
LOG = "Access log"


def opened(page: Page, info: dict[str, Any], role: str, path: str = "") -> Page:
    sign_in(page, Staff(info, "harbor", role))
    page.goto(f"{info['issuer']}/console/harbor{path}")
    return page


def test_staff_go_from_the_overview_to_the_proof_of_an_entry_without_javascript(
    phone_without_scripts: Page, info: dict[str, Any]
) -> None:
    page = opened(phone_without_scripts, info, "auditor")
    page.get_by_label("Count the last").select_option("7")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Count the last")).to_have_value("7")
    page.get_by_role("link", name=LOG, exact=True).click()
    page.get_by_text("More to choose by").click()
    page.get_by_label("Event").select_option("bank.registered")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Number 0").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bank registered")
    expect(page.get_by_text("The broker has just checked it")).to_be_visible()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download the receipt").click()
    assert taken.value.path().read_text().startswith("c2sp.org/tlog-proof@v1")


def test_what_does_not_fit_is_said_and_the_way_back_is_there(desktop: Page, info: dict[str, Any]) -> None:
    page = opened(desktop, info, "auditor", "/log?customer=nobody-of-this-name")
    expect(page.get_by_text("No entry fits this choice.")).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Show everything").click()
    expect(page.get_by_role("table", name=LOG)).to_be_visible()


def test_the_access_log_shows_its_last_column_on_a_narrow_screen(desktop: Page, info: dict[str, Any]) -> None:
    desktop.set_viewport_size({"width": 1100, "height": 800})
    page = opened(desktop, info, "auditor", "/log")
    table = page.get_by_role("region", name=LOG)
    assert table.evaluate("(node) => node.scrollWidth <= node.clientWidth")
    assert page.locator(".in-full").count() <= 25
    desktop.set_viewport_size({"width": 1280, "height": 800})


def test_auditors_find_no_button_that_changes_anything(desktop: Page, info: dict[str, Any]) -> None:
    for path in ("", "/log", "/log-health", "/switches", "/facts"):
        page = opened(desktop, info, "auditor", path)
        changing = page.locator("main form[method=post]")
        expect(changing).to_have_count(0)


def test_facts_that_cannot_be_are_shown_again_with_what_is_wrong(phone: Page, info: dict[str, Any]) -> None:
    page = opened(phone, info, "admin", "/facts")
    page.evaluate("document.querySelectorAll('form').forEach((one) => { one.noValidate = true; })")
    page.get_by_label("Longest permission, in days").fill("0")
    page.get_by_label("Your reason").fill("Our terms changed")
    page.get_by_role("button", name="Look at what would change").click()
    page.get_by_role("link", name="Longest permission, in days: write a whole number from 1.").click()
    expect(page.get_by_label("Longest permission, in days")).to_be_focused()
    expect(page.get_by_label("Your reason")).to_have_value("Our terms changed")
    axe(page)
    no_sideways_scroll(page)
