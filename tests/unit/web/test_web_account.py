"""Your account: the browsers in which somebody is signed in, and signing them out."""

import re
from datetime import timedelta

from test_web_passkeys import SoftPasskey, makes, steps_up, token_of
from web_world import Browser, World


def session_ids(page: str) -> list[str]:
    return re.findall(r'name="session" value="([0-9a-f]{64})"', page)


def test_signing_out_everywhere_else_ends_the_others_at_once(world: World) -> None:
    here, there = world.browser(), world.browser()
    for browser in (here, there):
        browser.signs_in()
    here.post("/account/sessions/end-others", [token_of(here.get("/account"))])
    assert there.get("/account").status_code == 303
    assert here.get("/account").status_code == 200


def test_one_other_browser_is_signed_out_and_nobody_elses(world: World) -> None:
    here, there, stranger = world.browser(), world.browser(), world.browser()
    for browser in (here, there):
        browser.signs_in()
    stranger.signs_in(sub="hb-9", name="Oscar")
    page = here.get("/account")
    (other,) = session_ids(page.text)
    tried = stranger.post("/account/sessions/end", [token_of(stranger.get("/account")), ("session", other)])
    assert (tried.status_code, there.get("/account").status_code) == (404, 200)
    assert here.post("/account/sessions/end", [token_of(page), ("session", other)]).status_code == 303
    assert there.get("/account").status_code == 303


def test_a_step_up_changes_the_id_and_signs_nobody_out(maya: Browser) -> None:
    passkey = SoftPasskey()
    makes(maya, passkey)
    before = maya.client.get_cookie("broker_session")
    assert steps_up(maya, passkey).status_code == 303
    after = maya.client.get_cookie("broker_session")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert maya.get("/account").status_code == 200


def test_a_step_up_does_not_make_a_session_live_longer(world: World, maya: Browser) -> None:
    passkey = SoftPasskey()
    makes(maya, passkey)
    for _ in range(28):  # 11 hours and 40 minutes
        world.later += timedelta(minutes=25)
        assert steps_up(maya, passkey).status_code == 303
    world.later += timedelta(minutes=20)
    assert maya.get("/account").status_code == 303


def test_what_a_browser_says_of_itself_is_never_shown(world: World) -> None:
    browser = world.browser()
    browser.client.environ_base["HTTP_USER_AGENT"] = "<script>x</script> Firefox/1 Linux"
    browser.signs_in()
    page = browser.get("/account").text
    assert "Firefox on Linux" in page
    assert "script&gt;x" not in page
    assert "<script>x" not in page


def test_staff_see_their_own_sessions_and_no_passkeys(world: World) -> None:
    browser = world.browser()
    browser.signs_in_as_staff()
    page = browser.get("/account")
    assert page.status_code == 200
    assert "Where you are signed in" in page.text
    assert "/account/passkeys/new" not in page.text
    assert browser.get("/account/passkeys/new").status_code == 403
