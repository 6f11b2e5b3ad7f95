"""A real Chromium; a machine without one skips these tests, and CI fails.

All of them use the one sandbox on SQLite that the stories of tests/functional use too (`world`, `info`).
"""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.windows import PHONE, window
from tests.support.world import World

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "Chromium is not installed (Debian: apt-get install chromium)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A wide window without JavaScript."""
    with window(chromium, scripts=False) as opened:
        yield opened


@pytest.fixture
def phone_without_scripts(chromium: Browser) -> Iterator[Page]:
    with window(chromium, PHONE, scripts=False) as opened:
        yield opened


@pytest.fixture
def desktop(chromium: Browser) -> Iterator[Page]:
    with window(chromium) as opened:
        yield opened


@pytest.fixture
def desktop_dark(chromium: Browser) -> Iterator[Page]:
    with window(chromium, scheme="dark") as opened:
        yield opened


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    with window(chromium, PHONE) as opened:
        yield opened


@pytest.fixture
def phone_dark(chromium: Browser) -> Iterator[Page]:
    with window(chromium, PHONE, scheme="dark") as opened:
        yield opened


@pytest.fixture(scope="module")
def link(world: World, info: dict[str, Any]) -> Callable[[], str]:
    """Makes one-time links for the chat platform, as the operator does."""
    platform, issuer = info["platforms"][0]["client_id"], info["issuer"]

    def make() -> str:
        arguments = ("platform", "people", "invite", platform, "--name", "Dana Developer")
        sandbox = {"BROKER_MODE": "sandbox", "BROKER_BASE_URL": issuer, "BROKER_DATABASE_URL": info["database_url"]}
        return world.command(*arguments, **sandbox).stdout.strip()

    return make


@pytest.fixture
def with_authenticator(chromium: Browser) -> Iterator[Page]:
    """A page of a browser whose device has a passkey's authenticator."""
    with window(chromium) as page:
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield page
