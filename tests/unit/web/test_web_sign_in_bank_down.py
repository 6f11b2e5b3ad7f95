"""A bank that fails while somebody signs in: the page says so, nothing is half made, and the way on leads further."""

import re

import pytest
from sqlalchemy import func, select
from web_world import PERSON, Browser, World
from werkzeug.test import TestResponse

from broker.grants.models import GrantRow
from broker.users.models import IdentityRow

DOWN = (503, "text/plain", b"down")
NONSENSE = (200, "text/html", b"<!doctype html><p>Hello.")
METADATA = "/.well-known/openid-configuration"


def way_on(answer: TestResponse) -> str:
    """The address of the button that tries again."""
    found = re.search(r'<a class="button" href="([^"]+)">Try again</a>', answer.text)
    assert found is not None, answer.text
    return found[1]


def half_made(world: World) -> tuple[int, ...]:
    """How many people the broker knows, and how many grants."""
    with world.services.database.read() as session:
        tables = (IdentityRow, GrantRow)
        return tuple(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def is_nobody(browser: Browser) -> bool:
    return browser.get("/account").status_code == 303


@pytest.mark.parametrize(("broken", "status"), [(DOWN, 503), (NONSENSE, 502)], ids=["down", "nonsense"])
def test_a_bank_that_fails_before_the_journey_is_told_and_the_way_on_keeps_what_was_wanted(
    world: World, broken: tuple[int, str, bytes], status: int
) -> None:
    browser = world.browser()
    asked = browser.is_asked_to_consent()
    world.provider.raw[METADATA] = broken
    failed = browser.post("/sign-in", begins(browser, asked))
    assert (failed.status_code, "bank-unavailable" in failed.text) == (status, True)
    assert "Nothing was shared and nothing was changed." in failed.text
    assert way_on(failed) == asked
    assert (half_made(world), is_nobody(browser)) == ((0, 0), True)
    world.provider.raw.clear()
    assert browser.signs_in(way_on(failed)).location == "/oauth/authorize?request_uri=abc"


@pytest.mark.parametrize(
    ("where", "broken", "status", "code"),
    [
        ("/token", DOWN, 503, "bank-unavailable"),
        ("/token", NONSENSE, 403, "sign-in-refused"),
        ("/jwks", DOWN, 503, "bank-unavailable"),
    ],
)
def test_a_bank_that_fails_on_the_way_back_signs_nobody_in_and_the_way_on_leads_to_the_end(
    world: World, where: str, broken: tuple[int, str, bytes], status: int, code: str
) -> None:
    browser = world.browser()
    asked = browser.is_asked_to_consent()
    back = world.provider.agrees(browser.goes_to_bank(asked), **PERSON)
    world.provider.raw[where] = broken
    failed = browser.get(back)
    assert (failed.status_code, code in failed.text) == (status, True), failed.text
    assert "Nothing was shared and nothing was changed." in failed.text
    assert way_on(failed) == asked
    assert (half_made(world), is_nobody(browser)) == ((0, 0), True)
    world.provider.raw.clear()
    assert browser.get(back).status_code == 403, "a way back is used up, whether it led to the end or not"
    assert browser.signs_in(way_on(failed)).location == "/oauth/authorize?request_uri=abc"
    assert half_made(world) == (1, 0)


def test_staff_come_to_their_console_when_the_bank_is_back(world: World) -> None:
    browser = world.browser()
    world.provider.raw[METADATA] = DOWN
    failed = browser.get("/sign-in/staff/harbor")
    assert (failed.status_code, way_on(failed)) == (503, "/sign-in?for=console-harbor")
    world.provider.raw.clear()
    assert browser.get(way_on(failed)).status_code == 200
    assert browser.signs_in_as_staff().location == "/console/harbor"


def begins(browser: Browser, start: str) -> list[tuple[str, str]]:
    """The fields of the sign-in form with the bank chosen."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(start).text)
    assert token is not None
    return [("csrf_token", token[1]), ("for", start.rpartition("=")[2]), ("bank", "harbor")]
