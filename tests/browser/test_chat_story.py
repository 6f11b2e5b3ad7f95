"""The story of the product in a real browser: connect in the chat, leave one out, ask, stop one, ask again."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]


def ask(page: Page, question: str) -> None:
    page.get_by_role("button", name=question).first.click()


@pytest.mark.parametrize(("bank", "number"), [("harbor", 0), ("meridian", 0)])
def test_a_person_connects_a_bank_in_the_chat_and_takes_balances_back(
    page: Page, info: dict[str, Any], bank: str, number: int
) -> None:
    user = [one for one in info["users"] if one["bank"] == bank][number]
    page.goto(info["messenger_url"])
    page.get_by_role("textbox").first.fill("Sam")
    page.get_by_role("button").last.click()
    page.locator("select[name=bank]").first.select_option(bank)
    page.locator("form:has(select[name=bank]) button").first.click()

    page.locator("select[name=bank]").select_option(bank)
    page.locator("form:has(select[name=bank]) button").click()
    page.locator("input[name=username]").fill(user["username"])
    page.locator("input[name=password]").fill(user["password"])
    page.locator("form:has(input[name=password]) button").click()

    for category in ("balances", "transactions", "card_locations"):
        page.locator(f"input[name=category][value={category}]").check()
    for box in page.locator("input[name=account]").all():
        box.check()
    page.locator("button[name=decision][value=approve]").click()

    expect(page).to_have_url(re.compile(re.escape(info["messenger_url"])))
    ask(page, "What's my balance?")
    expect(page.locator("body")).to_contain_text(re.compile(r"[\d.,]+"))
    ask(page, "Where was my card used?")
    ask(page, "Show my accounts")
    expect(page.locator("body")).to_contain_text("category-not-granted")

    page.goto(info["pages"]["my_sharing"])
    form = page.locator("form:has(input[name=category][value=balances])").first
    form.locator("button[name=action][value=revoke]").click()
    page.locator("button[name=confirm]").click()
    page.goto(info["messenger_url"])
    ask(page, "What's my balance?")
    expect(page.locator("body")).to_contain_text("category-revoked")
