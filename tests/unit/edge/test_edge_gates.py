"""Who comes through which gate: nobody, a person, a bank's staff."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from broker.banks.service import Bank
from broker.banks.service import add as add_bank
from broker.edge import headers
from broker.edge.gates import actor, signed_in
from broker.errors import SignInRequired
from tests.support.core import House
from tests.support.edge import BASE, app_of, problem

JSON = {"Accept": "application/json"}


@pytest.fixture
def app(house: House) -> Flask:
    return app_of(house)


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def test_a_page_of_a_person_leads_a_stranger_to_sign_in_and_back(browser: FlaskClient) -> None:
    response = browser.get("/my-sharing")
    assert (response.status_code, response.headers["Location"]) == (303, "/sign-in?next=%2Fmy-sharing")


@pytest.mark.parametrize("path", ["/my-sharing", "/history", "/consent/01a20320-a2fa-7638-8584-a93c070f1e9b"])
def test_a_program_without_a_session_is_told_to_sign_in(browser: FlaskClient, path: str) -> None:
    assert problem(browser.get(path, headers=JSON)) == (401, "sign-in-required")


@pytest.mark.parametrize("role", ["auditor", "admin"])
def test_staff_do_not_see_the_pages_of_customers(browser: FlaskClient, role: str) -> None:
    browser.get(f"/t/enter/harbor/{role}")
    assert problem(browser.get("/my-sharing", headers=JSON)) == (403, "not-permitted")


def test_a_person_comes_through(browser: FlaskClient) -> None:
    browser.get("/t/enter/harbor/person")
    assert browser.get("/my-sharing", headers=JSON).status_code == 200


def test_staff_see_their_own_banks_console_only(app: Flask, house: House) -> None:
    with house.database.write() as session:
        for name in ("harbor", "meridian"):
            bank = Bank(name, name, "fdx", "https://b.example", "https://b.example", "broker", "openid")
            add_bank(session, bank, house.watch())
    endpoints = [rule for rule in app.url_map.iter_rules() if "bank_id" in rule.arguments and "console" in rule.rule]
    assert endpoints
    for rule in endpoints:
        own, other = (rule.rule.replace("<bank_id>", bank) for bank in ("harbor", "meridian"))
        if "<" in own or "GET" not in (rule.methods or set()):
            continue
        stranger, person, auditor = app.test_client(), app.test_client(), app.test_client()
        person.get("/t/enter/harbor/person")
        auditor.get("/t/enter/harbor/auditor")
        assert stranger.get(own).headers["Location"] == "/sign-in/staff/harbor"
        assert problem(stranger.get(own, headers=JSON)) == (401, "sign-in-required")
        assert problem(person.get(own, headers=JSON)) == (401, "sign-in-required")
        assert problem(auditor.get(other, headers=JSON)) == (403, "not-permitted")
        asks = own.endswith("/confirm")  # about a change, which is for administrators
        assert auditor.get(own, headers=JSON).status_code in ({403} if asks else {200, 404})


def test_the_actor_of_a_request_is_who_signed_in(app: Flask, house: House) -> None:
    def who() -> dict[str, str]:
        return {"user": actor().user_id, "interaction": actor().interaction_id}

    app.add_url_rule("/t/actor", "t_actor", who)
    browser = app.test_client()
    assert problem(browser.get("/t/actor", headers=JSON)) == (401, "sign-in-required")
    browser.get("/t/enter/harbor/person")
    response = browser.get("/t/actor", headers=JSON)
    assert response.json == {"user": house.alice.user_id, "interaction": response.headers["x-fapi-interaction-id"]}
    with app.test_request_context("/"), pytest.raises(SignInRequired):
        signed_in()


def test_two_authorization_headers_are_refused(browser: FlaskClient) -> None:
    response = browser.get("/v1/accounts", headers=[("Authorization", "DPoP a"), ("Authorization", "DPoP b")])
    # A WSGI server joins them: what comes in is no token.
    assert problem(response) == (401, "token-unknown")


def test_a_forms_target_is_named_in_the_policy_of_its_page_only(app: Flask) -> None:
    def page() -> str:
        headers.allow_form_targets(["https://m.example/cb?x=1", "/relative", "https://m.example/other"])
        return "page"

    app.add_url_rule("/t/page", "t_page", page)
    browser = app.test_client()
    assert "form-action 'self' https://m.example" in browser.get("/t/page").headers["Content-Security-Policy"]
    assert "m.example" not in browser.get("/healthz").headers["Content-Security-Policy"]


def test_static_files_may_be_kept_and_nothing_else(browser: FlaskClient) -> None:
    assert browser.get("/static/no-such.css").headers.get("Cache-Control") != "no-store"
    assert browser.get("/", base_url=BASE).headers["Cache-Control"] == "no-store"
