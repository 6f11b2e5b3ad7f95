"""To allow and to stop, once with the keyboard alone and once without JavaScript, through the bank's own sign-in."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.actors import Person
from tests.support.hands import tabs_to
from tests.support.platform_client import PlatformClient, Pushed, details

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]

TRAVELLER = "harbor/amara"


@pytest.fixture
def client(info: dict[str, Any]) -> PlatformClient:
    return PlatformClient.of(info)


@pytest.fixture
def pushed(client: PlatformClient) -> Pushed:
    return client.begin(details("balances", "transactions"))


@pytest.fixture
def person(info: dict[str, Any]) -> Person:
    return Person.named(info, *TRAVELLER.split("/"))


def by_keyboard(page: Page, person: Person) -> None:
    """Allow with Tab, Space and Enter; a bank is picked by its first letters."""
    tabs_to(page, "select[name=bank]")
    page.keyboard.type("Harbor")
    tabs_to(page, "main button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=username]")
    tabs_to(page, "input[name=username]")
    page.keyboard.type(person.username)
    tabs_to(page, "input[name=password]")
    page.keyboard.type(person.password)
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=category]")
    tabs_to(page, "input[name=category][value=balances]")
    page.keyboard.press("Space")
    tabs_to(page, "input[name=account]")
    if not page.locator("input[name=account]").first.is_checked():  # an only account is picked already
        page.keyboard.press("Space")
    tabs_to(page, "button[name=decision][value=approve]")
    page.keyboard.press("Enter")


def by_clicks(page: Page, person: Person) -> None:
    """Allow by clicking."""
    page.locator("select[name=bank]").select_option(person.bank)
    page.locator("main form:has(select[name=bank]) button").click()
    page.locator("input[name=username]").fill(person.username)
    page.locator("input[name=password]").fill(person.password)
    page.locator("form:has(input[name=password]) button").click()
    page.locator("input[name=category][value=balances]").check()
    page.locator("input[name=account]").first.check()
    page.locator("button[name=decision][value=approve]").click()


def enters(page: Page, selector: str) -> None:
    tabs_to(page, selector)
    page.keyboard.press("Enter")


def clicks(page: Page, selector: str) -> None:
    page.locator(selector).first.click()


@pytest.mark.parametrize(
    ("window", "allows", "presses"),
    [
        ("desktop", by_keyboard, enters),
        ("page", by_clicks, clicks),
        ("phone_without_scripts", by_clicks, clicks),
    ],
    ids=["keyboard", "no-scripts", "phone-no-scripts"],
)
def test_a_person_allows_and_stops(
    request: pytest.FixtureRequest,
    client: PlatformClient,
    pushed: Pushed,
    person: Person,
    window: str,
    allows: Callable[[Page, Person], None],
    presses: Callable[[Page, str], None],
) -> None:
    page: Page = request.getfixturevalue(window)
    page.goto(pushed.url)
    with page.expect_event("requestfailed", lambda sent: sent.url.startswith(client.redirect_uri)) as landed:
        allows(page, person)  # the app has no server here: where it is led is enough
    tokens = client.tokens(pushed, landed.value.url)
    balances = person.info["api"]["account_balances"]
    assert client.call(balances, tokens.access).status_code == 200
    page = page.context.new_page()
    page.goto(person.info["pages"]["my_sharing"])
    presses(page, "form:not(:has(input[name=category], input[name=account])) button[name=action][value=revoke]")
    page.wait_for_selector("button[name=confirm]")
    presses(page, "button[name=confirm]")
    expect(page.get_by_role("status").first).to_be_visible()
    assert client.call(balances, tokens.access).status_code in {401, 403}
