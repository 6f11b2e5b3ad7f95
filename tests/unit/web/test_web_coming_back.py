"""Forms whose answer has an address of its own: what is kept of them, for whom, and that looking again does nothing."""

from dataclasses import replace

import pytest
from test_web_my_sharing import _press
from test_web_passkeys import token_of
from test_web_renewing import _ages
from web_world import ADMIN, BASE, Browser, Form, World, form_with, words_of

from broker.banks import facts as bank_facts
from broker.platforms.models import PlatformRow
from broker.switches.service import Hand
from broker.switches.views import Side, Target

MISTAKEN = [("category", "balances"), ("duration", "7"), ("decision", "approve")]  # no account


@pytest.fixture
def ada(world: World) -> Browser:
    browser = world.browser()
    browser.signs_in_as_staff(**ADMIN)
    return browser


def form_of(world: World, browser: Browser) -> tuple[str, Form]:
    path = f"/consent/{world.proposes()}"
    return path, form_with(browser.get(path), "decision")


def led_to(browser: Browser, path: str, *sent: tuple[str, str]) -> str:
    """Send a form and return the address to which its answer leads."""
    token = token_of(browser.get(path.removesuffix("/confirm")))
    answer = browser.client.post(path, base_url=BASE, data=dict([token, *sent]))
    assert answer.status_code == 303, answer.text
    return answer.location


def test_a_mistake_on_the_consent_page_has_an_address_and_is_shown_each_time(world: World, maya: Browser) -> None:
    path, _ = form_of(world, maya)
    address = led_to(maya, path, *MISTAKEN)
    assert address.startswith(f"{path}?draft=")
    for _ in range(2):
        page = maya.get(address)
        assert (page.status_code, 'href="#accounts"' in page.text) == (422, True)
        form = form_with(page, "decision")
        assert (form.ticked, form.chosen("duration")) == ([("category", "balances")], "7")
    assert maya.get(path).status_code == 200
    assert form_with(maya.get(path), "decision").ticked == []


def test_a_draft_is_of_one_session_and_one_page(world: World, maya: Browser) -> None:
    path, _ = form_of(world, maya)
    draft = led_to(maya, path, *MISTAKEN).partition("?")[2]
    other = f"/consent/{world.proposes()}"
    again = world.browser()
    again.signs_in_to_consent()
    for browser, page in ((again, path), (maya, other), (maya, path.replace("0", "1"))):
        shown = browser.get(f"{page}?{draft}")
        assert shown.status_code in {200, 404}
        assert 'role="alert"' not in shown.text
    for odd in ("x", "0" * 16, "%00"):
        assert maya.get(f"{path}?draft={odd}").status_code in {200, 400}
    assert maya.get(f"{path}?draft={'0' * 99}").status_code == 400


def test_only_the_last_drafts_are_kept_and_none_that_nobody_writes(world: World, maya: Browser, ada: Browser) -> None:
    path, _ = form_of(world, maya)
    first = led_to(maya, path, *MISTAKEN)
    for days in range(8, 16):
        led_to(maya, path, *[(name, str(days) if name == "duration" else value) for name, value in MISTAKEN])
    assert maya.get(first).status_code == 200
    token = token_of(ada.get("/console/harbor/facts"))
    assert ada.post("/console/harbor/facts", [token, ("reason", "x" * 40_000)]).status_code == 400


def test_another_language_keeps_what_was_picked_and_no_words_that_were_not_shown(world: World, maya: Browser) -> None:
    path, form = form_of(world, maya)
    picked = [("category", "balances"), ("account", form.values("account")[0])]
    page = maya.submit(form, *picked, ("history", "7"), ("language", "es"))
    assert (page.status_code, 'lang="es"' in page.text) == (200, True)
    again = form_with(page, "decision")
    assert (again.ticked, again.chosen("history")) == (picked, "7")
    assert dict(again.fields)["notice"] != dict(form.fields)["notice"]
    assert maya.submit(again, *again.ticked, ("decision", "approve")).status_code == 303
    assert world.grant(path.rpartition("/")[2]).terms.lookback_days == 7


def test_two_buttons_at_once_decide_nothing(world: World, maya: Browser) -> None:
    _, form = form_of(world, maya)
    assert maya.submit(form, ("decision", "deny"), ("language", "es")).status_code == 400
    assert maya.submit(form, ("language", "tlh")).status_code == 400


def test_who_comes_back_to_a_preview_reads_that_it_is_gone_and_nothing_is_fetched(world: World, maya: Browser) -> None:
    _, form = form_of(world, maya)
    page = maya.submit(form, ("account", form.values("account")[0]), ("show", "balances"))
    address = page.text.partition('data-address="')[2].partition('"')[0]
    before = [row["event"] for row in maya.json("/history")]
    shown = maya.get(address)
    assert "We did not keep what you saw here." in words_of(shown)
    assert form_with(shown, "decision").ticked == [("account", form.values("account")[0])]
    after = [row["event"] for row in maya.json("/history")]
    assert after.count("access.previewed") == before.count("access.previewed") == 1
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "script-src" not in shown.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("page", "sent"),
    [
        ("switches", [("action", "off"), ("category", "balances"), ("reason", "We look.")]),
        ("switches", [("action", "off"), ("reason", " ")]),
        ("facts", [("version", "0"), ("reason", "")]),
    ],
)
def test_the_console_asks_at_an_address_and_asking_changes_nothing(
    ada: Browser, page: str, sent: list[tuple[str, str]]
) -> None:
    path = f"/console/harbor/{page}"
    address = led_to(ada, path, *sent)
    before = ada.json("/console/harbor/log")
    assert ada.get(address).status_code == ada.get(address).status_code
    assert ada.json("/console/harbor/log") == before
    assert "Nothing is off" in ada.get("/console/harbor/switches").text
    assert ada.get(f"{path}/confirm").location == path


def test_an_auditor_is_asked_nothing(world: World) -> None:
    audrey = world.browser()
    audrey.signs_in_as_staff()
    for page in ("switches", "facts"):
        assert audrey.get(f"/console/harbor/{page}/confirm").status_code == 403


def test_who_comes_back_to_the_question_of_a_switch_reads_that_it_is_done(ada: Browser) -> None:
    path = "/console/harbor/switches"
    address = led_to(ada, path, ("action", "off"), ("category", "balances"), ("reason", "We look."))
    assert ada.submit(form_with(ada.get(address), "confirm"), ("confirm", "yes")).status_code == 303
    page = ada.get(address)
    assert (page.status_code, "It is off already." in words_of(page), f'href="{path}"' in page.text) == (
        409,
        True,
        True,
    )


def test_renew_is_offered_only_where_it_can_be_done(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    _ages(world, grant_id, 5)
    link = f'href="/my-sharing/{grant_id}/renew"'
    for path in ("/", "/my-sharing", f"/my-sharing/{grant_id}"):
        assert link in maya.get(path).text

    def is_refused(why: str) -> None:
        for path in ("/", "/my-sharing", f"/my-sharing/{grant_id}"):
            page = maya.get(path)
            assert (link in page.text, why in words_of(page)) == (False, True), path
        page = words_of(maya.get(f"/my-sharing/{grant_id}/renew"))
        assert ("This cannot be renewed here" in page, "/renew/sign-in" in page) == (True, False)

    operator, target = Hand(Side.OPERATOR, "operator"), Target("harbor")
    world.services.switches.turn_off(operator, target, "We look.")
    is_refused("Sharing is turned off at the moment.")
    world.services.switches.turn_on(operator, target, "Done.")
    with world.services.database.write() as session:
        row = session.get_one(PlatformRow, "messenger")
        scopes, row.scopes = row.scopes, []
    is_refused("It cannot be renewed now.")
    with world.services.database.write() as session:
        session.get_one(PlatformRow, "messenger").scopes = scopes
    facts = world.services.catalogue.banks["harbor"]
    with world.services.database.write() as session:
        bank_facts.keep(
            session,
            world.services.sealer,
            facts,
            replace(facts, purposes=facts.purposes - {"chat_banking"}),
            after=0,
            author="Ada",
            reason="Because",
            now=world.services.clock(),
        )
    is_refused("Harbor Bank shares nothing for this purpose any more.")


def test_a_permission_that_lasts_as_long_as_agreed_says_so_instead_of_a_link(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    page = maya.get(f"/my-sharing/{grant_id}")
    assert (f"{grant_id}/renew" in page.text, "as long as you agreed" in words_of(page)) == (False, True)
    _press(maya, "revoke", grant=grant_id)
    assert "cannot be renewed now" not in words_of(maya.get(f"/my-sharing/{grant_id}"))
