"""Back, Reload and a second window: wherever a person comes back to, there is a page of ours and never the browser's.

Chromium keeps none of our pages (`no-store`): it can only come back to what has an address. The answer to a form has
none, so no question, no correction and no preview may stand in its history as one.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.arrivals import Cast, Visit
from tests.browser.conditions import flip, offered_again
from tests.support.actors import Person, Staff
from tests.support.platform_client import CALLBACK, PlatformClient
from tests.support.windows import PHONE, sign_in, window

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]
SHARER, ASKED, BANK = "harbor/amara", "meridian/priya", "meridian"
EITHER = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])


@pytest.fixture
def opened(chromium: Browser, scripts: bool) -> Iterator[Page]:
    with window(chromium, PHONE, scripts=scripts) as page:
        yield page


def goes_back(page: Page, said: str = "", times: int = 1) -> None:
    """Press Back; a page of ours is there, with these words."""
    for _ in range(times):
        page.go_back()
        assert page.url.startswith("http"), page.url
        expect(page.get_by_role("link", name="Consent Broker").first).to_be_visible()
    expect(page.locator("main")).to_contain_text(said)


def shared(info: dict[str, Any], page: Page, times: int = 1) -> Person:
    person, client = Person.named(info, *SHARER.split("/")), PlatformClient.of(info)
    for _ in range(times):
        person.shares(client, "balances", "transactions")
    sign_in(page, person)
    return person


@EITHER
def test_back_from_a_stop_leads_over_the_question_to_my_sharing(opened: Page, info: dict[str, Any]) -> None:
    shared(info, opened)
    opened.goto(info["issuer"] + "/my-sharing")
    opened.locator("article.grant").first.get_by_role("button", name="Stop").first.click()
    expect(opened.get_by_role("heading", level=1)).to_contain_text("Stop sharing")
    goes_back(opened, "Pause or stop any part")
    opened.go_forward()
    opened.reload()
    opened.get_by_role("button", name="Yes, stop").click()
    expect(opened.get_by_role("status").first).to_contain_text("It holds from now on")
    goes_back(opened, "This sharing has ended already.")
    opened.locator("main").get_by_role("link", name="My sharing").click()
    goes_back(opened, "This sharing has ended already.")
    goes_back(opened, "My sharing")


@EITHER
def test_a_window_from_before_a_stop_says_that_the_sharing_has_ended(opened: Page, info: dict[str, Any]) -> None:
    shared(info, opened)
    opened.goto(info["issuer"] + "/my-sharing")
    card = opened.locator("article.grant").first
    address = str(card.get_by_role("link", name="View").get_attribute("href"))
    second = opened.context.new_page()
    second.goto(info["issuer"] + address)
    opened.locator("article.grant").first.get_by_role("button", name="Stop").first.click()
    opened.get_by_role("button", name="Yes, stop").click()
    second.get_by_role("button", name="Pause").first.click()
    expect(second.locator("main")).to_contain_text("This sharing has ended already. Messenger can see nothing more")
    second.locator("main").get_by_role("link", name="My sharing").click()
    expect(second.get_by_role("heading", level=1)).to_have_text("My sharing")
    goes_back(second, "This sharing has ended already.")


@EITHER
def test_back_from_a_switch_leads_over_the_question_to_the_form(opened: Page, info: dict[str, Any]) -> None:
    sign_in(opened, Staff(info, BANK, "admin"))
    opened.goto(f"{info['issuer']}/console/{BANK}/switches")
    opened.get_by_label("Category").select_option("fraud_alerts")
    opened.get_by_label("Reason").fill("We look into it")
    opened.get_by_role("button", name="Continue").click()
    expect(opened.get_by_role("heading", level=1)).to_contain_text("Turn off “Fraud alerts")
    goes_back(opened, "Turn something off")
    opened.go_forward()
    try:
        opened.get_by_role("button", name="Yes, turn off").click()
        expect(opened.get_by_role("status").first).to_contain_text("Turned off")
        goes_back(opened, "It is off already.")
        goes_back(opened, "Turn something off")
    finally:
        flip(Cast(info), "on", "fraud_alerts", "")


@EITHER
def test_back_from_a_form_that_was_corrected_and_done_shows_pages(opened: Page, info: dict[str, Any]) -> None:
    sign_in(opened, Staff(info, BANK, "admin"))
    opened.goto(f"{info['issuer']}/console/{BANK}/facts")
    opened.locator("#category-fraud_alerts").uncheck()
    opened.get_by_label("Your reason").fill("\u2060")  # nothing that anybody could see
    opened.get_by_role("button", name="Look at what would change").click()
    expect(opened.locator("main")).to_contain_text("Give a reason of at most 500 visible characters.")
    expect(opened.locator("#category-fraud_alerts")).not_to_be_checked()
    opened.get_by_label("Your reason").fill("Our terms changed")
    opened.get_by_role("button", name="Look at what would change").click()
    expect(opened.get_by_role("heading", level=1)).to_contain_text("Change what")
    try:
        opened.get_by_role("button", name="Yes, change it").click()
        expect(opened.get_by_role("status").first).to_contain_text("It counts from now on")
        goes_back(opened, "The facts have changed meanwhile.")
        goes_back(opened, "Give a reason of at most 500 visible characters.")
        goes_back(opened, "Why you change it")
    finally:
        offered_again(Cast(info), "fraud_alerts")


@EITHER
def test_back_from_the_app_leads_over_a_correction_to_what_was_decided(opened: Page, info: dict[str, Any]) -> None:
    visit = Visit(Cast(info), opened, ASKED, 200)
    visit.is_asked("balances")
    opened.locator("input[name=category]").first.check()
    visit.presses("Allow")
    expect(opened.get_by_role("alert")).to_be_visible()
    expect(opened.locator("input[name=category]").first).to_be_checked()
    opened.reload()
    goes_back(opened, "You decide what it may see.")
    opened.go_forward()
    opened.locator("input[name=account]").first.check()
    opened.route(f"{CALLBACK}*", lambda route: route.fulfill(body="The app."))
    visit.presses("Allow")
    opened.wait_for_url(f"{CALLBACK}*")
    goes_back(opened, "You have answered already", times=2)


def test_back_to_a_preview_shows_the_choices_and_asks_the_bank_for_nothing(desktop: Page, info: dict[str, Any]) -> None:
    visit = Visit(Cast(info), desktop, ASKED, 200)
    visit.is_asked("balances", "transactions")
    desktop.locator("input[name=account]").first.check()
    desktop.locator("#history").select_option("7")
    visit.presses("Show me")
    expect(desktop.locator(".preview")).to_contain_text("What Messenger would get now")
    previews = looks(visit.person)
    desktop.goto(info["issuer"] + "/about/data")
    goes_back(desktop, "We did not keep what you saw here.")
    desktop.reload()
    expect(desktop.locator("input[name=account]").first).to_be_checked()
    expect(desktop.locator("#history")).to_have_value("7")
    assert looks(visit.person) == previews
    visit.presses("Show me")
    expect(desktop.locator(".preview")).to_contain_text("What Messenger would get now")
    assert looks(visit.person) == previews + 1


@EITHER
def test_the_other_language_keeps_what_was_picked(opened: Page, info: dict[str, Any]) -> None:
    visit = Visit(Cast(info), opened, ASKED, 200)
    visit.is_asked("balances", "transactions")
    opened.locator("#category-transactions").check()
    opened.locator("#detail").select_option("detail")
    opened.locator("input[name=account]").first.check()
    opened.locator("#duration").select_option("30")
    opened.get_by_role("button", name="Español").click()
    expect(opened.locator("html")).to_have_attribute("lang", "es")
    for box in (opened.locator("#category-transactions"), opened.locator("input[name=account]").first):
        expect(box).to_be_checked()
    expect(opened.locator("#category-balances")).not_to_be_checked()
    assert (opened.locator("#detail").input_value(), opened.locator("#duration").input_value()) == ("detail", "30")
    opened.get_by_role("button", name="English").click()
    expect(opened.locator("html")).to_have_attribute("lang", "en")
    expect(opened.locator("#category-transactions")).to_be_checked()


@EITHER
def test_who_was_signed_out_on_the_consent_page_signs_in_and_decides_the_same_request(
    opened: Page, info: dict[str, Any]
) -> None:
    visit = Visit(Cast(info), opened, ASKED, 200)
    visit.is_asked("balances")
    address = opened.url
    opened.context.clear_cookies()
    visit.presses("Allow")
    opened.get_by_role("link", name="Open the page again").click()
    opened.locator("select[name=bank]").select_option(visit.person.bank)
    opened.get_by_role("button", name="Continue to your bank").click()
    opened.locator("input[name=username]").fill(visit.person.username)
    opened.locator("input[name=password]").fill(visit.person.password)
    opened.locator("form:has(input[name=password]) button").click()
    opened.wait_for_url(address)
    opened.locator("input[name=category]").first.check()
    opened.locator("input[name=account]").first.check()
    opened.route(f"{CALLBACK}*", lambda route: route.fulfill(body="The app."))
    visit.presses("Allow")
    opened.wait_for_url(f"{CALLBACK}*")
    assert "code=" in opened.url


def looks(person: Person) -> int:
    return sum(row["event"] == "access.previewed" for row in person.rows("history"))
