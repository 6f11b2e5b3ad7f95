"""Browser sessions: a random id, stored as a digest, rotated, ended when idle or old (ASVS V7)."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from broker.edge.session import forget_old_sessions
from broker.edge.visitor import SignInWish, keep_wish, wish_of
from tests.support.core import House
from tests.support.edge import app_of

COOKIE = "broker_session"


@pytest.fixture
def app(house: House) -> Flask:
    return app_of(house)


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def whoami(browser: FlaskClient) -> Any:
    return browser.get("/t/whoami").json


def visitor(browser: FlaskClient) -> Any:
    return whoami(browser)["visitor"]


def cookie(browser: FlaskClient) -> str:
    found = browser.get_cookie(COOKIE)
    assert found is not None
    return found.value


def sessions(house: House) -> int:
    return int(house.store.rows("SELECT count(*) FROM web_sessions")[0][0])


def test_the_cookie_is_for_this_site_and_not_for_scripts(browser: FlaskClient) -> None:
    header = browser.get("/t/enter/harbor/person").headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Path=/" in header
    assert "Secure" not in header
    assert "Domain" not in header


def test_with_tls_the_cookie_is_secure_and_pinned_to_the_host(house: House) -> None:
    header = app_of(house, "https://broker.example").test_client().get("/t/enter/harbor/person").headers["Set-Cookie"]
    assert header.startswith("__Host-broker_session=")
    assert "Secure" in header


def test_signing_in_gives_a_new_id_and_the_old_one_is_worthless(app: Flask, browser: FlaskClient) -> None:
    before = whoami(browser)["browser"]
    fixed = cookie(browser)
    browser.get("/t/enter/harbor/person")
    assert cookie(browser) != fixed
    assert whoami(browser)["browser"] == before
    thief = app.test_client()
    thief.set_cookie(COOKIE, fixed)
    assert visitor(thief) is None


def test_signing_in_again_forgets_the_first_visitor(browser: FlaskClient, house: House) -> None:
    browser.get("/t/enter/harbor/person")
    first = cookie(browser)
    browser.get("/t/enter/meridian/auditor")
    assert visitor(browser) == ["meridian", "", "auditor"]
    assert cookie(browser) != first
    assert sessions(house) == 1


def test_signing_out_ends_the_session_everywhere(app: Flask, browser: FlaskClient) -> None:
    browser.get("/t/enter/harbor/person")
    stolen = cookie(browser)
    browser.get("/t/leave")
    assert browser.get_cookie(COOKIE) is None
    thief = app.test_client()
    thief.set_cookie(COOKIE, stolen)
    assert visitor(thief) is None


def test_a_request_under_way_does_not_bring_a_signed_out_session_back(
    app: Flask, browser: FlaskClient, house: House
) -> None:
    other = app.test_client()

    def slow() -> str:
        other.get("/t/leave")
        return "done"

    app.add_url_rule("/t/slow", "t_slow", slow)
    browser.get("/t/enter/harbor/person")
    other.set_cookie(COOKIE, cookie(browser))
    house.watch.passes(minutes=2)
    browser.get("/t/slow")
    assert visitor(browser) is None


def test_an_idle_session_ends_after_half_an_hour(browser: FlaskClient, house: House) -> None:
    browser.get("/t/enter/harbor/person")
    house.watch.passes(minutes=29, seconds=59)
    assert visitor(browser) is not None
    house.watch.passes(minutes=29, seconds=59)
    assert visitor(browser) is not None
    house.watch.passes(minutes=30)
    assert visitor(browser) is None


def test_a_busy_session_ends_after_twelve_hours(browser: FlaskClient, house: House) -> None:
    browser.get("/t/enter/harbor/person")
    for _ in range(35):
        house.watch.passes(minutes=20)
        assert visitor(browser) is not None
    house.watch.passes(minutes=19, seconds=59)
    assert visitor(browser) is not None
    house.watch.passes(seconds=1)
    assert visitor(browser) is None


def test_reading_within_a_minute_writes_nothing(browser: FlaskClient, house: House) -> None:
    browser.get("/t/enter/harbor/person")
    house.watch.passes(seconds=59)
    assert "Set-Cookie" not in browser.get("/t/whoami").headers
    house.watch.passes(seconds=1)
    assert "Set-Cookie" in browser.get("/t/whoami").headers


@pytest.mark.parametrize("value", ["", "x", "bkr_ws_" + "A" * 43, "é", "x" * 3_000, "..", "%00", "' OR 1=1"])
def test_a_made_up_cookie_is_nobodys(app: Flask, value: str) -> None:
    browser = app.test_client()
    browser.get("/t/enter/harbor/person")
    browser.set_cookie(COOKIE, value)
    response = browser.get("/t/whoami")
    assert response.status_code == 200
    assert response.json["visitor"] is None  # type: ignore[index]  # the answer is an object


def test_a_cookie_that_was_altered_is_nobodys(app: Flask, browser: FlaskClient) -> None:
    browser.get("/t/enter/harbor/person")
    value = cookie(browser)
    for altered in (value[:-1], value + "A", value.swapcase(), value[:-1] + ("A" if value[-1] != "A" else "B")):
        thief = app.test_client()
        thief.set_cookie(COOKIE, altered)
        assert visitor(thief) is None


def test_only_the_digest_of_the_id_and_sealed_content_rest_in_the_database(browser: FlaskClient, house: House) -> None:
    browser.get("/t/enter/harbor/person")
    written = house.stored_bytes()
    assert cookie(browser).encode() not in written
    assert b'"visitor"' not in written


def test_a_session_whose_content_was_swapped_does_not_open(browser: FlaskClient, app: Flask, house: House) -> None:
    browser.get("/t/enter/harbor/person")
    other = app.test_client()
    other.get("/t/enter/harbor/auditor")
    house.runs("UPDATE web_sessions SET sealed = (SELECT sealed FROM web_sessions ORDER BY digest LIMIT 1)")
    statuses = {one.get("/t/whoami").status_code for one in (browser, other)}
    assert statuses == {200, 500}


def test_old_sessions_are_forgotten(browser: FlaskClient, house: House) -> None:
    browser.get("/t/enter/harbor/person")
    for minutes, left in ((30, 1), (1, 0)):
        house.watch.passes(minutes=minutes)
        with house.database.write() as session:
            forget_old_sessions(session, house.watch())
        assert sessions(house) == left


def test_a_visitor_without_a_session_gets_no_row(app: Flask, house: House) -> None:
    app.test_client().get("/healthz")
    assert sessions(house) == 0


def test_of_many_wishes_the_newest_eight_are_kept(app: Flask, house: House) -> None:
    assert house.alice
    with app.test_request_context("/"):
        for number in range(10):
            keep_wish(f"w{number}", SignInWish(f"/p{number}", ("harbor",)))
        keep_wish("w3", SignInWish("/again", ("harbor", "meridian"), "Messenger", staff=True))
        assert [wish_of(f"w{number}") is not None for number in range(10)] == [False, False, *[True] * 8]
        assert wish_of("w3") == SignInWish("/again", ("harbor", "meridian"), "Messenger", staff=True)
        assert wish_of("nothing") is None
