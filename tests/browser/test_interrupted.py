"""What comes between a person and a decision: the session ends, a second window, the way back, a bank that hangs."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.arrivals import Cast, Visit
from tests.browser.conditions import leaves, ticks_everything
from tests.support.accessibility import axe
from tests.support.pages import Browser
from tests.support.platform_client import PlatformClient, details
from tests.support.windows import sign_in

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(120)]
WHO = "meridian/priya"


@pytest.fixture
def asked(desktop: Page, info: dict[str, Any]) -> Visit:
    """Somebody before the consent page."""
    visit = Visit(Cast(info), desktop, WHO, 200)
    visit.is_asked("balances")
    return visit


def live(visit: Visit) -> int:
    return sum(row["status"] == "ACTIVE" for row in visit.person.rows("my_sharing"))


def test_a_session_that_ends_on_the_consent_page_grants_nothing_and_the_way_back_is_there(asked: Visit) -> None:
    before, address = live(asked), asked.page.url
    ticks_everything(asked)
    asked.page.context.clear_cookies()
    asked.presses("Allow")
    expect(asked.page.get_by_role("heading", level=1)).to_have_text("This form has expired")
    expect(asked.page.get_by_text("Nothing was shared and nothing was changed.")).to_be_visible()
    axe(asked.page)
    assert live(asked) == before
    sign_in(asked.page, asked.person)
    asked.page.get_by_role("link", name="Open the page again").click()
    assert asked.page.url == address
    leaves(asked, "Don't allow")


def test_a_session_that_ends_on_my_sharing_stops_nothing_and_leads_back(desktop: Page, info: dict[str, Any]) -> None:
    visit = Visit(Cast(info), desktop, "meridian/oscar", 200)
    sign_in(desktop, visit.person)
    visit.shares("balances", "transactions", "card_locations")
    before = live(visit)
    visit.opens("/my-sharing")
    desktop.context.clear_cookies()
    visit.presses("Stop")
    expect(desktop.get_by_role("heading", level=1)).to_have_text("Sign in with your bank")
    assert live(visit) == before


def test_of_two_windows_the_second_reads_what_was_decided_in_the_first(asked: Visit) -> None:
    second = asked.page.context.new_page()
    second.goto(asked.page.url)
    leaves(asked, "Don't allow")
    second.get_by_role("checkbox").first.check()
    second.get_by_role("button", name="Allow", exact=True).click()
    expect(second.get_by_role("heading", level=1)).to_have_text("You have answered already")
    axe(second)


def test_who_goes_back_after_allowing_reads_that_it_is_done_and_grants_no_second_time(asked: Visit) -> None:
    address = asked.page.url
    ticks_everything(asked)
    leaves(asked, "Allow")
    count = live(asked)
    asked.page.go_back()
    asked.page.goto(address)
    expect(asked.page.get_by_role("heading", level=1)).to_have_text("You have answered already")
    assert live(asked) == count


def test_a_bank_that_hangs_on_the_way_back_is_told_and_when_it_is_back_the_way_leads_to_the_decision(
    desktop: Page, info: dict[str, Any]
) -> None:
    visit = Visit(Cast(info), desktop, WHO, 200)
    before = live(visit)
    desktop.goto(PlatformClient.of(info).begin(details("balances")).url)
    goes_to_the_bank(desktop)
    back = answer_of_the_bank(visit)
    with hanging(info, visit.person.bank):
        answer = desktop.goto(back)
    assert answer is not None
    assert answer.status == 504
    expect(desktop.get_by_role("heading", level=1)).to_have_text("The bank did not answer in time")
    expect(desktop.get_by_text("Nothing was shared and nothing was changed.")).to_be_visible()
    axe(desktop)
    assert live(visit) == before
    desktop.get_by_role("link", name="Try again").click()
    goes_to_the_bank(desktop)
    desktop.locator("input[name=username]").fill(visit.person.username)
    desktop.locator("input[name=password]").fill(visit.person.password)
    desktop.locator("form:has(input[name=password]) button").click()
    expect(desktop.locator("input[name=category]")).to_have_count(1)
    leaves(visit, "Don't allow")
    assert live(visit) == before


def goes_to_the_bank(page: Page) -> None:
    page.locator("select[name=bank]").select_option(WHO.partition("/")[0])
    page.locator("main form:has(select[name=bank]) button").click()
    page.wait_for_selector("input[name=password]")


def answer_of_the_bank(visit: Visit) -> str:
    """Sign in at the bank in the window's place, and return where it would lead the window."""
    person = visit.person
    browser = Browser(stop_at=f"{visit.cast.info['issuer']}/sign-in/{person.bank}/callback")
    for one in visit.page.context.cookies():
        browser.session.cookies.set(one["name"], one["value"])
    at_bank = browser.get(visit.page.url)
    form = at_bank.form("username", "password")
    return browser.submit(at_bank, form, username=person.username, password=person.password).url


@contextmanager
def hanging(info: dict[str, Any], bank: str) -> Iterator[None]:
    """Let a bank's processes stand still: they take connections and answer nothing."""
    processes = info["processes"][bank]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
