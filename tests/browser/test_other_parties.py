"""A bank's staff and an app's developers, once with the keyboard alone and once without JavaScript on a phone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.hands import Hand, Keyboard, Pointer

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(120)]
BOTH = pytest.mark.parametrize(
    ("window", "hand"),
    [("desktop", Keyboard()), ("phone_without_scripts", Pointer())],
    ids=["keyboard", "phone-no-scripts"],
)
BANK, DAYS = "meridian", "#maximum_duration_days"
DONE = ".banner[role=status]"
HEADING = "h1:has-text('{}')"


def comes_to_the_console(page: Page, hand: Hand, info: dict[str, Any]) -> None:
    """Sign in at the bank as its administrator."""
    admin = next(bank for bank in info["banks"] if bank["id"] == BANK)["admin"]
    page.goto(f"{info['issuer']}/console")
    hand.picks(page, "select[name=bank]", "Meridian")
    hand.presses(page, "main button[type=submit]", "input[name=password]")
    hand.writes(page, "input[name=username]", admin["username"])
    hand.writes(page, "input[name=password]", admin["password"])
    hand.presses(page, "form:has(input[name=password]) button", "nav a[href$='/switches']")


def edits_facts(page: Page, hand: Hand, days: int) -> None:
    """Change for how long customers can share, after a look at what that does."""
    hand.writes(page, DAYS, str(days))
    hand.writes(page, "textarea[name=reason]", "Our terms have changed")
    hand.presses(page, "#facts button[type=submit]", "button[name=confirm]")
    hand.presses(page, "button[name=confirm]", DONE)
    expect(page.locator(DAYS)).to_have_value(str(days))


@BOTH
def test_staff_look_at_the_log_switch_a_kind_of_data_off_and_on_and_edit_a_fact(
    request: pytest.FixtureRequest, info: dict[str, Any], window: str, hand: Hand
) -> None:
    page: Page = request.getfixturevalue(window)
    comes_to_the_console(page, hand, info)

    hand.presses(page, "nav a[href$='/log']", HEADING.format("who accessed"))
    hand.picks(page, "select[name=decision]", "Refused")
    hand.presses(page, "main form button[type=submit]", "a:has-text('Show everything')")
    assert "decision=refused" in page.url

    hand.presses(page, "nav a[href$='/switches']", HEADING.format("switches"))
    hand.picks(page, "select[name=category]", "Fraud alerts")
    hand.writes(page, "#reason", "We look into a fault")
    hand.presses(page, "button.stop", "button[name=confirm]")
    hand.presses(page, "button[name=confirm]", DONE)
    expect(page.locator(".parts .tag.refused")).to_have_count(1)
    hand.writes(page, "input[id^=on-]", "The fault is gone")
    hand.presses(page, "form:has(input[id^=on-]) button", HEADING.format("again?"))
    hand.presses(page, "button[name=confirm]", DONE)
    expect(page.get_by_text("Nothing is off.")).to_be_visible()

    hand.presses(page, "nav a[href$='/facts']", DAYS)
    agreed = int(page.locator(DAYS).input_value())
    edits_facts(page, hand, agreed - 1)
    edits_facts(page, Pointer(), agreed)


@BOTH
def test_a_developer_signs_in_by_a_link_and_looks_at_keys_and_deliveries(
    request: pytest.FixtureRequest, link: Callable[[], str], window: str, hand: Hand
) -> None:
    page: Page = request.getfixturevalue(window)
    page.goto(link())
    hand.presses(page, "form:has(input[name=link]) button", "nav a[href$='/keys']")
    hand.presses(page, "nav a[href$='/keys']", HEADING.format("Keys"))
    expect(page.locator("main table tbody tr")).not_to_have_count(0)
    hand.presses(page, "nav a[href$='/deliveries']", HEADING.format("Deliveries"))
    hand.picks(page, "select[name=state]", "Taken")
    hand.presses(page, "main form.filters button", "a:has-text('Show everything')")
    assert "state=taken" in page.url
    hand.presses(page, "button[form=sign-out]", "a[href^='/sign-in'], a[href='/my-sharing']")
    expect(page.get_by_text("Signed in as")).to_have_count(0)
