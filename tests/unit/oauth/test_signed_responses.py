"""Authorization answers that the broker signs (JARM), verified with another implementation of JOSE."""

import json
from collections.abc import Mapping
from typing import Any

import jwskate
import pytest
from flask.testing import FlaskClient
from oauth_app import BASE, CALLBACK, location
from oauth_world import ALICE, World
from werkzeug.test import TestResponse

from broker.grants.acts import Actor
from broker.oauth import requests
from broker.oauth.models import PushedRequestRow
from broker.platforms.models import PlatformRow


def verified(world: World, response: TestResponse) -> Mapping[str, Any]:
    """Return the claims of the signed answer, beside which nothing of ours stands."""
    assert response.headers["Location"].startswith(CALLBACK + "&response=")
    _, query = location(response)
    assert set(query) == {"tenant", "response"}
    token = jwskate.SignedJwt(query["response"])
    keys = jwskate.JwkSet(world.browser().get("/.well-known/jwks.json").json)
    assert token.verify_signature(keys, algs=["ES256"])
    claims = token.claims
    now = int(world.watch.now.timestamp())
    assert (claims["iss"], claims["aud"], claims["exp"] - now) == (BASE, "messenger", 300)
    return claims


@pytest.fixture
def signed(world: World) -> World:
    world.registers(world.messenger, authorization_signed_response_alg="ES256")
    return world


def decided(world: World, browser: FlaskClient, mode: str, *, allow: bool) -> TestResponse:
    grant_id = world.reaches_consent(browser, response_mode=mode)
    if allow:
        return browser.get(world.approves(grant_id))
    world.services.consents.refuse(Actor(ALICE, "0" * 8), grant_id)
    return browser.get(world.grant(grant_id).return_path)


@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
@pytest.mark.fapi(38)
def test_the_code_comes_inside_a_signed_answer_and_is_good(signed: World, mode: str) -> None:
    claims = verified(signed, decided(signed, signed.browser(), mode, allow=True))
    assert set(claims) == {"iss", "aud", "exp", "code", "state"}
    assert claims["state"] == "state & more"
    assert signed.messenger.redeems(claims["code"]).status_code == 200


@pytest.mark.fapi(23)
def test_a_refusal_comes_inside_a_signed_answer(signed: World) -> None:
    claims = verified(signed, decided(signed, signed.browser(), "jwt", allow=False))
    assert set(claims) == {"iss", "aud", "exp", "error", "error_description", "state"}
    assert claims["error"] == "access_denied"


def test_a_refusal_before_anybody_was_asked_is_signed_too(signed: World) -> None:
    browser = signed.browser()
    pushed = signed.messenger.pushes(response_mode="jwt").json["request_uri"]
    with signed.services.database.write() as session:
        session.get_one(PlatformRow, "messenger").purposes = []
    response = browser.get("/oauth/authorize", query_string={"client_id": "messenger", "request_uri": pushed})
    assert verified(signed, response)["error"] == "access_denied"


def test_who_may_have_signed_answers_gets_plain_ones_when_it_asks_for_none(signed: World) -> None:
    browser = signed.browser()
    _, query = location(browser.get(signed.approves(signed.reaches_consent(browser))))
    assert set(query) == {"tenant", "code", "state", "iss"}


@pytest.mark.any_database
@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
def test_who_has_not_registered_for_signed_answers_cannot_ask_for_one(world: World, mode: str) -> None:
    response = world.messenger.pushes(response_mode=mode)
    assert (response.status_code, response.json["error"]) == (400, "invalid_request")


@pytest.mark.any_database
@pytest.mark.parametrize("mode", ["fragment", "fragment.jwt", "form_post", "form_post.jwt", "JWT", "jwt ", "query,jwt"])
def test_no_other_way_back_can_be_asked_for(signed: World, mode: str) -> None:
    response = signed.messenger.pushes(response_mode=mode)
    assert (response.status_code, response.json["error"]) == (400, "invalid_request")


def test_a_request_of_an_earlier_version_is_answered_plainly(signed: World) -> None:
    request_uri = signed.messenger.pushes(response_mode="jwt").json["request_uri"]
    key, sealer = requests.key_of(request_uri), signed.services.sealer
    context = f"pushed_requests/{key}/messenger"
    with signed.services.database.write() as session:
        assert requests.find(session, sealer, key).pushed.response_mode == "jwt"
        row = session.get_one(PushedRequestRow, bytes.fromhex(key))
        kept = json.loads(sealer.open(row.sealed, context))
        del kept["response_mode"]
        row.sealed = sealer.seal(json.dumps(kept).encode(), context)
    with signed.services.database.read() as session:
        assert requests.find(session, sealer, key).pushed.response_mode == "query"
