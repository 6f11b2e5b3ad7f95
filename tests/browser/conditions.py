"""States that need something to happen at a bank or at the broker first: what is off, limited, held, overtaken.

What is brought about is undone as soon as the page is there: all states and stories share one world.
"""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.browser.arrivals import SHARER, Arrival, Cast, Visit
from tests.support.actors import Staff
from tests.support.windows import sign_in

BANK, PLATFORM = "meridian", "messenger"
REASON = "We are checking an unusual pattern of reads"


def switched(category: str = "", platform: str = "", *, path: str = "/my-sharing") -> Arrival:
    """Open a page while the bank has turned off a kind of data, a platform or everything."""

    def arrive(visit: Visit) -> None:
        visit.shares("balances", "transactions", "card_locations")
        with switch_off(visit.cast, category, platform):
            visit.opens(path)

    return arrive


def switched_view(visit: Visit) -> None:
    """Look at one permission while the bank has turned off the app that has it."""
    visit.shares("balances", "transactions", "card_locations")
    visit.opens("/my-sharing")
    with switch_off(visit.cast, platform=PLATFORM):
        visit.page.get_by_role("link", name="View").first.click()


def switches_off(visit: Visit) -> None:
    """Open the switches while two are off."""
    with switch_off(visit.cast, "balances"), switch_off(visit.cast, platform=PLATFORM):
        visit.opens(f"/console/{BANK}/switches")


def withdrawn(category: str, path: str = "/my-sharing") -> Arrival:
    """Open a page while the bank no longer offers a kind of data that is shared."""

    def arrive(visit: Visit) -> None:
        visit.shares("balances", "transactions", "card_locations")
        with not_offered(visit.cast, category):
            visit.opens(path)

    return arrive


def paused_part(visit: Visit) -> None:
    """Share two kinds of data, pause one, and read that it is done."""
    visit.shares("balances", "transactions")
    visit.opens("/my-sharing")
    form = visit.page.locator("form:has(input[name=category][value=balances])").first
    if form.locator("button[value=pause]").count():
        form.locator("button[value=pause]").click()
        visit.page.locator("button[name=confirm]").click()
    else:
        visit.opens("/my-sharing")


def expired(visit: Visit) -> None:
    """Come back to the consent page when its time is over."""
    visit.is_asked("balances")
    grant = visit.page.url.rpartition("/")[2]
    with database(visit.cast) as raw:
        raw.execute("UPDATE grants SET expires_at = '2020-01-01 00:00:00.000000' WHERE id = ?", (grant,))
    visit.page.reload()


def answered(visit: Visit) -> None:
    """Say no, then go back to the page."""
    visit.is_asked("balances")
    address = visit.page.url
    leaves(visit, "Don't allow")
    visit.opens(address)


def suspended_meanwhile(visit: Visit) -> None:
    """Allow what was asked for after the bank has turned the platform off."""
    visit.is_asked("balances")
    with switch_off(visit.cast, platform=PLATFORM):
        ticks_everything(visit)
        visit.presses("Allow")


def terms_changed(visit: Visit) -> None:
    """Allow what was asked for after the bank has stopped offering it."""
    visit.is_asked("balances", "transactions")
    with not_offered(visit.cast, "transactions"):
        ticks_everything(visit)
        visit.presses("Allow")


def held(visit: Visit) -> None:
    """Open the console while a platform is held back, as the broker does when it reads too much."""
    Visit(visit.cast, visit.page, SHARER, 200).shares("balances", "transactions", "card_locations")
    sign_in(visit.page, visit.cast.member(visit.who))
    row = (str(uuid.uuid4()), PLATFORM, "balances", "people-day", 1_200, 1_000)
    with database(visit.cast) as raw:
        raw.execute(
            "INSERT INTO holds (id, platform_id, category, budget, counted, ceiling, placed_at)"
            " VALUES (?, ?, ?, ?, ?, ?, strftime('%Y-%m-%d %H:%M:%f000'))",
            row,
        )
    try:
        visit.opens(f"/console/{BANK}")
        assert visit.page.get_by_text("Stopped by harvest limits").is_visible()
    finally:
        with database(visit.cast) as raw:
            raw.execute("DELETE FROM holds WHERE id = ?", row[:1])


def mapped(visit: Visit) -> None:
    """Ask the bank for the map of one's card places."""
    visit.shares("balances", "transactions", "card_locations")
    visit.opens("/history/map")
    visit.presses("Ask my bank and show the map")
    visit.page.locator("svg.map").wait_for()


def ticks_everything(visit: Visit) -> None:
    """Tick every box of the consent page."""
    for box in visit.page.locator("input[name=category], input[name=account]").all():
        box.check()


def leaves(visit: Visit, button: str) -> None:
    """Press a button that leads to the app, which has no server here."""
    with visit.page.expect_event("requestfailed", lambda sent: sent.url.startswith(visit.cast.client.redirect_uri)):
        visit.page.get_by_role("button", name=button, exact=True).click()
    visit.page.wait_for_url("chrome-error://**")


@contextmanager
def switch_off(cast: Cast, category: str = "", platform: str = "") -> Iterator[None]:
    """Have an administrator of the bank turn something off, and on again at the end."""
    flip(cast, "off", category, platform)
    try:
        yield
    finally:
        flip(cast, "on", category, platform)


def flip(cast: Cast, act: str, category: str, platform: str) -> None:
    admin, address = _admin(cast), f"{cast.info['issuer']}/console/{BANK}/switches"
    form = admin.browser.get(address).form("csrf_token", "reason")
    form.fields = [(name, value) for name, value in form.fields if name == "csrf_token"]
    form.selects = {}
    given: Any = {"action": act, "category": category, "platform": platform, "reason": REASON, "confirm": "yes"}
    page = admin.browser.submit(admin.browser.get(address), form, **given)
    assert page.status == 200, page.text


@contextmanager
def not_offered(cast: Cast, category: str) -> Iterator[None]:
    """Have an administrator of the bank take a kind of data out of what it offers, and put it back at the end."""
    offered = _offers(cast, lambda names: [name for name in names if name != category])
    try:
        yield
    finally:
        _offers(cast, lambda _: offered)


def offered_again(cast: Cast, category: str) -> None:
    """Have an administrator of the bank offer a kind of data that it does not offer now."""
    _offers(cast, lambda names: [*names, category])


def _offers(cast: Cast, chosen: Any) -> list[str]:
    admin, address = _admin(cast), f"{cast.info['issuer']}/console/{BANK}/facts"
    page = admin.browser.get(address)
    form = page.form("category", "maximum_duration_days")
    before = form.ticked("category")
    preview = admin.browser.submit(page, form, category=chosen(before), reason=REASON)
    done = admin.browser.submit(preview, preview.form("confirm"), confirm="yes")
    assert done.status == 200, done.text
    return before


def _admin(cast: Cast) -> Staff:
    admin = cast.member(f"{BANK}/admin")
    assert isinstance(admin, Staff)
    admin.opens_console()
    return admin


@contextmanager
def database(cast: Cast) -> Iterator[sqlite3.Connection]:
    """Open the world's own database, for what would take too long to wait for."""
    folder = next(one for one in Path(cast.info["platforms"][0]["jwk_file"]).parents if (one / "broker.db").exists())
    with closing(sqlite3.connect(folder / "broker.db", timeout=20)) as raw, raw:
        yield raw
