"""The consent page on a phone, in the dark, without scripts: look at one's own data, allow, keep the receipt."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.arrivals import Cast, Visit
from tests.support.accessibility import axe
from tests.support.windows import PHONE, no_sideways_scroll, window

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(120)]


def test_a_person_looks_at_their_own_data_then_allows_and_keeps_the_receipt(
    chromium: Browser, info: dict[str, Any]
) -> None:
    with window(chromium, PHONE, "dark") as page:
        visit = Visit(Cast(info), page, "harbor/daniel", 200)
        visit.is_asked("balances", "card_locations")
        address = page.url
        page.get_by_role("button", name="Show me what Messenger would get: Where your cards were used").click()
        assert "Pick at least one account above" in page.locator(".preview").inner_text()
        for account in page.locator("input[name=account]").all():
            account.check()
        page.get_by_label("How exact").select_option("country")
        page.get_by_label("Where your cards were used", exact=True).check()
        page.get_by_role("button", name="Show me what Messenger would get: Where your cards were used").click()
        shown = page.locator("#preview-card_locations")
        assert "how exact the place is" in shown.inner_text()
        assert "townName" not in shown.inner_html(), "the country was chosen, and nothing finer"
        assert page.get_by_label("How exact").input_value() == "country"
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        no_sideways_scroll(page)
        axe(page)
        page.route("**/callback*", lambda route: route.abort())
        page.get_by_role("button", name="Allow", exact=True).click()
        page.wait_for_url(lambda url: not url.startswith(address))
        page.goto(f"{address.partition('#')[0]}/receipt")
        assert page.get_by_role("heading", level=1).inner_text() == "What you agreed to with Messenger"
        no_sideways_scroll(page)
        axe(page)
        with page.expect_download() as file:
            page.get_by_role("link", name="Download the receipt").click()
        assert file.value.suggested_filename.endswith(".tlog-proof")
        page.goto(address)
        assert "answered already" in page.get_by_role("heading", level=1).inner_text()
        axe(page)
