"""A session that cannot be stored: an error when something would be lost, none when it is but a notice or a minute."""

from typing import Any

import pytest
from flask import Flask, flash
from flask.testing import FlaskClient

from broker.edge.visitor import SignInWish, keep_wish
from tests.support.core import House
from tests.support.edge import app_of

_REFUSING = "CREATE TRIGGER refuse_{0} BEFORE {0} ON web_sessions BEGIN SELECT RAISE(ABORT, 'disk full'); END"


@pytest.fixture
def app(house: House) -> Flask:
    return app_of(house)


@pytest.fixture
def browser(app: Flask, house: House) -> FlaskClient:
    def notice() -> dict[str, Any]:
        flash("Done.")
        return {}

    def wished() -> dict[str, Any]:
        keep_wish("w", SignInWish("/somewhere", ("harbor",)))
        return {}

    app.add_url_rule("/t/notice", "t_notice", notice)
    app.add_url_rule("/t/wished", "t_wished", wished)
    client = app.test_client()
    assert client.get("/t/enter/harbor/person").status_code == 200
    house.runs(*(_REFUSING.format(act) for act in ("INSERT", "UPDATE", "DELETE")))
    return client


def test_a_notice_that_cannot_be_kept_undoes_nothing_of_what_was_done(browser: FlaskClient) -> None:
    assert browser.get("/t/notice").status_code == 200


def test_the_minute_of_a_visit_that_cannot_be_kept_keeps_nobody_out(browser: FlaskClient, house: House) -> None:
    house.watch.passes(minutes=2)
    assert browser.get("/t/whoami").json["visitor"][0] == "harbor"


@pytest.mark.parametrize("path", ["/t/wished", "/t/leave", "/t/enter/harbor/person"])
def test_what_matters_and_cannot_be_kept_is_an_error(browser: FlaskClient, path: str) -> None:
    answer = browser.get(path, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (503, "storage-unavailable")
    assert "Set-Cookie" not in answer.headers


def test_a_new_browser_gets_no_session_that_is_not_stored(app: Flask, browser: FlaskClient) -> None:
    del browser  # it has made the table refuse
    assert app.test_client().get("/t/whoami").status_code == 503
