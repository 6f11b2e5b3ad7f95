"""PAR and what may be asked for (RFC 9126, RFC 9396, RFC 7636)."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey
from oauth_app import ASKED, BASE, CALLBACK, proof
from oauth_world import World
from werkzeug.test import TestResponse


def details(**members: Any) -> str:
    """Return the usual details with members replaced; None leaves one out."""
    element = {name: value for name, value in {**ASKED[0], **members}.items() if value is not None}
    return json.dumps([element])


def is_refused(response: TestResponse, error: str, code: str | None = None) -> bool:
    assert response.status_code == 400, response.text
    assert response.headers["Cache-Control"] == "no-store"
    return (response.json["error"], response.json.get("code")) == (error, code)


@pytest.mark.fapi(27, 55)
def test_a_good_request_is_kept_for_five_minutes(world: World) -> None:
    response = world.messenger.pushes()
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json["expires_in"] == 300
    assert response.json["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert len(response.json["request_uri"]) > 60


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"request_uri": "urn:x"}, "invalid_request"),
        ({"request": "e30.e30."}, "invalid_request_object"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"state": "x" * 2001}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "x" * 129}, "invalid_request"),
        ({"code_challenge": "é" * 50}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"authorization_details": None}, "invalid_request"),
        ({"scope": "balances", "authorization_details": details()}, "invalid_request"),
        ({"scope": "nothing"}, "invalid_scope"),
        ({"scope": "BALANCES"}, "invalid_scope"),
        ({"scope": "bal*"}, "invalid_scope"),
        ({"state": "a\x00b"}, "invalid_request"),
        ({"response_type": ["code", "code"]}, "invalid_request"),
        ({"grant_id": "018f"}, "invalid_request"),
        ({"grant_id": "018f", "grant_management_action": "create"}, "invalid_request"),
        ({"grant_management_action": "merge"}, "invalid_request"),
        ({"grant_management_action": "Create"}, "invalid_request"),
    ],
)
@pytest.mark.fapi(19, 21, 44, 54)
def test_a_malformed_request_is_refused(world: World, parameters: dict[str, Any], error: str) -> None:
    assert world.messenger.pushes(**parameters).json["error"] == error


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "http://localhost:4199/cb",
        CALLBACK + "/",
        CALLBACK + "&x=1",
        CALLBACK.replace("4199", "4200"),
        CALLBACK.replace("localhost", "LOCALHOST"),
        CALLBACK.replace("/cb", "/..;/cb"),
        "http://localhost:4199@evil.test/cb",
        "JavaScript:alert(1)",
        "https://evil.test",
    ],
)
@pytest.mark.fapi(22, 57)
def test_a_redirect_uri_is_compared_letter_by_letter(world: World, uri: str | None) -> None:
    assert is_refused(world.messenger.pushes(redirect_uri=uri), "invalid_request", None if uri else "invalid-request")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "{}",
        "[]",
        "[1]",
        "[[]]",
        "null",
        "[" * 20_000,
        json.dumps(ASKED * 2),
        '[{"type":"bank_data","type":"bank_data"}]',
        details(type="payment"),
        details(type=["bank_data"]),
        details(purpose=None),
        details(purpose=7),
        details(purpose="Chat Banking"),
        details(categories=None),
        details(categories=[]),
        details(categories={}),
        details(categories=["balances"]),
        details(categories=[{}]),
        details(categories=[{"name": 7}]),
        details(categories=[{"name": "balances", "more": 1}]),
        details(categories=[{"name": "balances", "detail": "basic"}]),
        details(categories=[{"name": "balances"}, {"name": "balances"}]),
        details(categories=[{"name": "transactions", "detail": "everything"}]),
        details(categories=[{"name": "transactions", "detail": ["basic"]}]),
        details(categories=[{"name": "card_locations", "precision": "planet"}]),
        details(accounts=["acc-1"]),
        details(locations=["https://x.test"]),
        details(bank="Harbor!"),
        details(bank=["harbor"]),
        details(duration_type="FOREVER"),
        details(duration_type=["ONE_TIME"]),
        details(duration_type="ONE_TIME"),
        details(duration_days=0),
        details(duration_days=-1),
        details(duration_days=True),
        details(duration_days=1.5),
        details(duration_days="90"),
        details(lookback_days=10**30),
        details(frequency_per_day=[]),
    ],
)
@pytest.mark.fapi(70, 71)
def test_details_of_another_shape_are_refused(world: World, text: str) -> None:
    assert is_refused(world.messenger.pushes(authorization_details=text), "invalid_authorization_details")
    assert world.events() == []


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"purpose": "advertising"}, "purpose-forbidden"),
        ({"purpose": "no_such_purpose"}, "purpose-forbidden"),
        ({"purpose": "spending_insights"}, "purpose-forbidden"),
        ({"categories": [{"name": "salary"}]}, "category-not-granted"),
        ({"duration_days": 366}, "ceiling-exceeded"),
        ({"lookback_days": 366}, "ceiling-exceeded"),
        ({"frequency_per_day": 25}, "ceiling-exceeded"),
        ({"data_life_days": 91}, "ceiling-exceeded"),
        ({"bank": "nobank"}, "bank-unknown"),
        ({"bank": "meridian", "lookback_days": 365}, "ceiling-exceeded"),
    ],
)
def test_what_the_policies_forbid_is_refused_and_logged(world: World, members: dict[str, Any], code: str) -> None:
    response = world.messenger.pushes(authorization_details=details(**members))
    assert is_refused(response, "invalid_authorization_details", code)
    assert world.events() == ["grant.rejected"]


def test_a_scope_that_the_platform_may_not_ask_for_is_refused_and_logged(world: World) -> None:
    assert world.messenger.pushes(scope="balances transactions").status_code == 201
    assert is_refused(world.rival.pushes(scope="balances"), "invalid_request")
    with world.services.database.write() as session:
        from broker.platforms.models import PlatformRow  # noqa: PLC0415 - one use

        session.get_one(PlatformRow, "messenger").scopes = ["balances"]
    assert is_refused(world.messenger.pushes(scope="balances transactions"), "invalid_scope", "category-not-granted")
    assert world.events() == ["grant.rejected"]


@pytest.mark.fapi(18)
def test_a_scope_stands_for_the_least_of_its_category(world: World) -> None:
    (granted,) = world.tokens(scope="balances transactions card_locations")["authorization_details"]
    assert granted["categories"] == [
        {"name": "balances"},
        {"name": "transactions", "detail": "basic"},
        {"name": "card_locations", "precision": "town"},
    ]


@pytest.mark.fapi(68)
def test_a_proof_is_checked_used_once_and_compared_with_the_parameter(world: World) -> None:
    app, path = world.messenger, "/oauth/par"
    text = app.proof(path)
    assert app.pushes(dpop=text, dpop_jkt=app.dpop_key.thumbprint()).status_code == 201
    assert is_refused(app.pushes(dpop=text), "invalid_dpop_proof", "dpop-proof-invalid")
    assert is_refused(app.pushes(dpop=app.proof("/oauth/token")), "invalid_dpop_proof", "dpop-proof-invalid")
    other = proof(ECKey.generate_key("P-256"), world.watch, url=BASE + path)
    assert is_refused(app.pushes(dpop=other, dpop_jkt=app.dpop_key.thumbprint()), "invalid_dpop_proof")


@pytest.mark.fapi(53)
def test_only_posted_forms_are_read(world: World) -> None:
    for path in ("/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/introspect"):
        for method in ("get", "put", "delete", "patch"):
            assert getattr(world.messenger.http, method)(path).status_code == 405
        body = world.messenger.authenticated(token="x")
        assert is_refused(world.messenger.http.post(path, json=body), "invalid_request", "invalid-request")
        response = world.messenger.http.post(path, data=b"x", content_type="multipart/form-data; boundary=x")
        assert is_refused(response, "invalid_request", "invalid-request")


def test_an_oversized_body_is_refused(world: World) -> None:
    response = world.messenger.pushes(state="x" * 200_000)
    assert (response.status_code, response.json["error"]) == (413, "invalid_request")


@pytest.mark.parametrize("body", [b"\xff\xfe=\xff", b"a=%ff%fe", b"=&=&=", b"&" * 5000, b"%", b"a=%00", b"", b"a" * 9])
def test_bytes_that_are_no_form_are_refused_without_an_accident(world: World, body: bytes) -> None:
    for path in ("/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/introspect"):
        response = world.messenger.http.post(path, data=body, content_type="application/x-www-form-urlencoded")
        assert response.json["error"] in {"invalid_request", "invalid_client"}
