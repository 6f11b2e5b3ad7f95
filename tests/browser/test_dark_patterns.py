"""Yes and no weigh the same, nothing is chosen for a person, and to stop is never harder than to begin: measured."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser.arrivals import ALL, Cast, Visit
from tests.support import fairness
from tests.support.actors import Person
from tests.support.platform_client import PlatformClient, details
from tests.support.windows import DESKTOP, PHONE, sign_in, window

pytestmark = [pytest.mark.parametrize("world", ["sqlite"], indirect=True), pytest.mark.timeout(180)]

YES, NO = "button[name=decision][value=approve]", "button[name=decision][value=deny]"
ASKER, STOPPER = "meridian/priya", "harbor/amara"
# Faults planted into what the broker sends: into its style sheet, into a page.
PALER = f"{NO} {{ opacity: .6; font-weight: 400; }}"
SMALLER = f"{NO} {{ flex: 0 0 auto; font-size: .8rem; padding-block: .1rem; min-height: 0; }}"
GHOSTLY = f"{NO} {{ background: transparent; border-color: transparent; color: #999; }}"
TICKED = ('value="transactions"', 'value="transactions" checked')
HURRIED = ("<form", '<p role="timer">Only 5 minutes left</p><form')


@pytest.fixture(scope="module")
def consent(chromium: Browser, info: dict[str, Any]) -> Iterator[Page]:
    """One consent page, opened anew for each test."""
    with window(chromium) as page:
        Visit(Cast(info), page, ASKER, 200).is_asked(*ALL)
        yield page


@pytest.fixture
def asked(consent: Page) -> Iterator[Page]:
    consent.reload()
    yield consent
    consent.unroute_all()
    consent.set_viewport_size(DESKTOP)


def changed(old: str, new: str) -> Callable[[Route], None]:
    """Plant a fault: hand on what the broker sends with a text replaced, or with a rule at its end."""

    def hand_on(route: Route) -> None:
        answer = route.fetch()
        body = answer.text()
        assert old in body
        # The other tests of this window must not find the fault in its cache: style sheets are kept for ever.
        headers = {**answer.headers, "cache-control": "no-store"}
        route.fulfill(response=answer, headers=headers, body=body.replace(old, new, 1) if old else body + new)

    return hand_on


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_allow_and_do_not_allow_look_alike_and_stand_side_by_side(asked: Page, size: Any, scheme: Any) -> None:
    asked.set_viewport_size(size)
    asked.emulate_media(color_scheme=scheme)
    asked.reload()
    assert fairness.differences(asked.locator(YES), asked.locator(NO)) == []
    assert fairness.are_neighbours(asked, asked.locator(YES), asked.locator(NO))


@pytest.mark.parametrize(
    ("fault", "found"),
    [(PALER, "opacity"), (SMALLER, "width"), (GHOSTLY, "prominence")],
    ids=["pale", "small", "ghost"],
)
def test_a_no_that_is_paler_or_smaller_would_be_found(asked: Page, fault: str, found: str) -> None:
    asked.route("**/static/broker.css*", changed("", fault))
    asked.reload()
    assert found in fairness.differences(asked.locator(YES), asked.locator(NO))


def test_nothing_is_ticked_and_no_place_is_exact_unless_a_person_says_so(
    asked: Page, desktop: Page, info: dict[str, Any]
) -> None:
    assert fairness.ticked_unasked(asked) == []
    request = details("card_locations", purpose="fraud_protection")
    request[0]["categories"][0]["precision"] = "exact"
    person = Person.named(info, *ASKER.split("/"))
    consent = person.arrives_at_consent(PlatformClient.of(info).begin(request)).url
    sign_in(desktop, person)
    desktop.goto(consent)
    steps = desktop.locator("select[name=precision]")
    assert "exact" in steps.locator("option").evaluate_all("(all) => all.map((one) => one.value)")
    assert steps.input_value() != "exact"
    assert fairness.ticked_unasked(desktop) == []


def test_a_box_that_is_ticked_already_would_be_found(asked: Page) -> None:
    asked.route("**/consent/*", changed(*TICKED))
    asked.reload()
    assert fairness.ticked_unasked(asked) == ["category=transactions"]


def test_no_page_of_the_decision_presses_for_time_or_shames(asked: Page) -> None:
    assert fairness.pressure(asked) == []
    asked.route("**/consent/*", changed(*HURRIED))
    asked.reload()
    assert len(fairness.pressure(asked)) == 2


def test_to_stop_takes_two_clicks_from_the_front_page_and_fewer_than_to_allow(page: Page, info: dict[str, Any]) -> None:
    person, client = Person.named(info, *STOPPER.split("/")), PlatformClient.of(info)
    allowed = clicks_to_allow(page, client, person)
    stopped = fairness.clicks_to_stop(page.context.new_page(), info["issuer"])
    assert stopped <= fairness.MOST_CLICKS_TO_STOP
    assert stopped <= allowed


def test_a_front_page_without_a_way_to_stop_would_be_found(page: Page, info: dict[str, Any]) -> None:
    person, client = Person.named(info, *STOPPER.split("/")), PlatformClient.of(info)
    person.shares(client, "balances")
    sign_in(page, person)
    page.route(info["issuer"] + "/", without_forms)
    assert fairness.clicks_to_stop(page, info["issuer"] + "/") > fairness.MOST_CLICKS_TO_STOP


def clicks_to_allow(page: Page, client: PlatformClient, person: Person) -> int:
    """Sign in and allow as little as can be allowed; count the clicks on the consent page."""
    consent = person.arrives_at_consent(client.begin(details("balances"))).url
    sign_in(page, person)
    page.goto(consent)
    boxes = [page.locator(f"input[name={name}]").first for name in ("category", "account")]
    presses = [box for box in boxes if not box.is_checked()] + [page.locator(YES)]  # an only account is picked already
    with page.expect_event("requestfailed", lambda sent: sent.url.startswith(client.redirect_uri)):
        for one in presses:
            one.click()
    return len(presses)


def without_forms(route: Route) -> None:
    answer = route.fetch()
    body = re.sub(r'<form[^>]*action="/my-sharing/confirm".*?</form>', "", answer.text(), flags=re.DOTALL)
    route.fulfill(response=answer, body=body)
