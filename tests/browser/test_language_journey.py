"""The whole journey in Spanish, in a real browser without JavaScript: asked, allowed, stopped, remembered."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from broker.policy.loading import load_catalogue
from broker.settings import default_policies_dir
from tests.browser.arrivals import Cast, Visit
from tests.browser.states import STATES
from tests.support.accessibility import axe
from tests.support.messages import kept
from tests.support.platform_client import CALLBACK
from tests.support.windows import PHONE, no_sideways_scroll, window

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]
_WHO = "harbor/elena"
_WALKED = (
    *("home", "about-data", "sign-in", "passkey-sign-in", "problem-not-found", "verify-receipt", "account", "consent"),
    *("consent-expired", "my-sharing-empty", "my-sharing", "my-sharing-suspended", "history", "history-charts"),
    *("history-map-nobody", "bank-console-of-a-sharer", "switches-off", "bank-facts"),
)
_LANGUAGES = "form[action='/language']"


@pytest.fixture
def spanish(chromium: Browser) -> Iterator[Page]:
    """A phone whose owner reads Spanish."""
    with window(chromium, PHONE, scripts=False, locale="es-MX") as opened:
        yield opened


@cache
def english() -> frozenset[str]:
    """Every text of the pages and the policies that is another one in Spanish and has no place for a name."""
    said = {message.id for message in kept("es") if isinstance(message.id, str) and message.string != message.id}
    catalogue = load_catalogue(default_policies_dir())
    for part in (*catalogue.categories.values(), *catalogue.purposes.values()):
        said |= {part.title, part.summary}
    return frozenset(text for text in said if text and "%(" not in text)


def left_in_english(page: Page) -> list[str]:
    """The lines of a page that are in English, word for word."""
    lines = {line.strip() for line in re.split(r"[\n\t]", page.locator("body").inner_text())}
    return sorted(lines & english())


def is_spanish(page: Page) -> None:
    assert page.locator("html").get_attribute("lang") == "es"
    assert left_in_english(page) == []
    no_sideways_scroll(page)


def test_a_person_goes_the_whole_way_in_spanish(spanish: Page, info: dict[str, Any]) -> None:
    visit = Visit(Cast(info), spanish, _WHO, 200)
    visit.is_asked("balances", "transactions")
    is_spanish(spanish)
    assert "Sus saldos" in spanish.locator("main").inner_text()
    spanish.locator("input[name=category][value=balances]").check()
    for box in spanish.locator("input[name=account]").all():
        box.check()
    decision = spanish.locator("button[name=decision][value=approve]")
    assert decision.inner_text().strip() == "Permitir"
    spanish.route(f"{CALLBACK}*", lambda route: route.fulfill(body="The app."))
    decision.click()
    spanish.wait_for_url(f"{CALLBACK}*")

    visit.opens("/my-sharing")
    is_spanish(spanish)
    spanish.locator("form:has(input[name=category][value=balances]) button[name=action][value=revoke]").first.click()
    is_spanish(spanish)
    spanish.locator("button[name=confirm]").click()
    is_spanish(spanish)
    visit.opens("/history")
    is_spanish(spanish)
    assert (
        "Permiso dado" in spanish.locator("main").inner_text()
        or "Usted permitió" in spanish.locator("main").inner_text()
    )


def test_the_switch_at_the_foot_of_a_page_changes_it_and_stays(chromium: Browser, info: dict[str, Any]) -> None:
    with window(chromium, PHONE, scripts=False, locale="en-GB") as page:
        page.goto(info["issuer"] + "/about/data")
        assert left_in_english(page) != []  # what the check of the journey finds in an English page
        page.locator(_LANGUAGES).get_by_role("button", name="Español").click()
        assert page.url == info["issuer"] + "/about/data"
        is_spanish(page)
        page.goto(info["issuer"] + "/nowhere")
        is_spanish(page)
        page.locator(_LANGUAGES).get_by_role("button", name="English").click()
        assert page.locator("html").get_attribute("lang") == "en"


def test_the_main_pages_are_in_spanish_and_readable_for_everybody(chromium: Browser, info: dict[str, Any]) -> None:
    cast, states = Cast(info), {state.name: state for state in STATES}
    with window(chromium, PHONE, locale="es-ES") as page:
        for name in _WALKED:
            states[name].reached(cast, page)
            is_spanish(page)
            axe(page)


def test_a_receipt_is_refused_in_spanish(chromium: Browser, info: dict[str, Any]) -> None:
    with window(chromium, PHONE, locale="es-ES") as page:
        page.goto(info["issuer"] + "/receipts/verify#bm90IGEgcmVjZWlwdA")
        verdict = page.locator("#verdict")
        expect(verdict).to_contain_text("Este archivo no es un recibo, o se ha cortado o cambiado.")
        is_spanish(page)
