"""Answers of introspection that the broker signs (RFC 9701), verified with another implementation of JOSE."""

from collections.abc import Mapping
from typing import Any

import jwskate
import pytest
from oauth_app import BASE, App
from oauth_world import World
from werkzeug.test import TestResponse

SIGNED = "application/token-introspection+jwt"


def asks(app: App, token: str, accept: str | None = SIGNED) -> TestResponse:
    headers = {} if accept is None else {"Accept": accept}
    return app.http.post("/oauth/introspect", data=app.authenticated(token=token), headers=headers)


def verified(world: World, response: TestResponse) -> Mapping[str, Any]:
    """Return the claims of a signed answer whose signature is that of a published key."""
    assert (response.status_code, response.content_type) == (200, SIGNED), response.text
    assert response.headers["Cache-Control"] == "no-store"
    token = jwskate.SignedJwt(response.text)
    keys = world.browser().get("/.well-known/jwks.json").json
    assert token.verify_signature(jwskate.JwkSet(keys), algs=["ES256"])
    assert token.typ == "token-introspection+jwt"
    assert token.kid in [key["kid"] for key in keys["keys"]]
    return token.claims


@pytest.mark.fapi(39)
def test_a_signed_answer_says_who_said_it_to_whom_and_when(world: World) -> None:
    told = world.tokens()
    claims = verified(world, asks(world.api, told["access_token"]))
    assert set(claims) == {"iss", "aud", "iat", "token_introspection"}  # no sub, no exp: RFC 9701 §8.1
    now = int(world.watch.now.timestamp())
    assert (claims["iss"], claims["aud"], claims["iat"]) == (BASE, "the-api", now)
    assert claims["token_introspection"] == world.api.introspects(told["access_token"])
    assert claims["token_introspection"]["cnf"] == {"jkt": world.messenger.dpop_key.thumbprint()}
    assert verified(world, asks(world.messenger, told["access_token"]))["aud"] == "messenger"


def test_a_signed_answer_says_no_more_than_inactive_of_anything_else(world: World) -> None:
    told = world.tokens()
    world.messenger.post("/oauth/revoke", token=told["access_token"])
    for caller, token in ((world.api, told["access_token"]), (world.api, "x"), (world.rival, told["refresh_token"])):
        assert verified(world, asks(caller, token))["token_introspection"] == {"active": False}


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("accept", "is_signed"),
    [
        (SIGNED, True),
        (f"{SIGNED}, application/json", True),
        (f"application/json;q=0.9, {SIGNED}", True),
        ("APPLICATION/Token-Introspection+JWT", True),
        (f"application/json, {SIGNED};q=0.5", False),
        (f"{SIGNED};q=0", False),
        ("*/*", False),
        ("application/*", False),
        ("application/json", False),
        ("application/jwt", False),
        (", ;q=,", False),
        (None, False),
    ],
)
@pytest.mark.fapi(78)
def test_only_who_names_the_type_gets_a_signed_answer(world: World, accept: str | None, is_signed: bool) -> None:
    response = asks(world.api, "bkr_at_unknown", accept)
    assert response.content_type == (SIGNED if is_signed else "application/json")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.fapi(78)
def test_who_registered_for_signed_answers_never_gets_a_plain_one(world: World) -> None:
    told = world.tokens()
    world.registers(world.messenger, introspection_signed_response_alg="ES256")
    for accept in ("application/json", "*/*", None):
        assert verified(world, asks(world.messenger, told["access_token"], accept))["aud"] == "messenger"
    assert world.api.introspects(told["access_token"])["active"] is True


def test_errors_stay_plain(world: World) -> None:
    stranger = App("messenger", world.messenger.http, world.watch)
    refused = asks(stranger, "x")
    assert (refused.status_code, refused.content_type, refused.json["error"]) == (
        401,
        "application/json",
        "invalid_client",
    )


def test_a_signed_answer_authenticates_nobody(world: World) -> None:
    answer = asks(world.api, "bkr_at_unknown").text
    assert world.api.post("/oauth/introspect", token="x", client_assertion=answer).status_code == 401
    assert world.messenger.pushes_signed(answer).json["error"] == "invalid_request_object"
