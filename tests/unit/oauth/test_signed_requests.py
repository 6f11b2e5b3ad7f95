"""Signed requests at PAR (RFC 9101, FAPI 2.0 Message Signing §5.3): what is signed counts, and nothing beside it."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import jwskate
import pytest
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from oauth_app import ASKED, BASE, CALLBACK, App, proof
from oauth_world import World
from werkzeug.test import TestResponse

from broker.oauth import requests
from broker.platforms.models import PlatformRow
from broker.storage.single_use import forget_expired
from tests.support.stores import Store

RSA, ED = RSAKey.generate_key(2048, auto_kid=True), OKPKey.generate_key("Ed25519", auto_kid=True)
_MINUTE, _HOUR = 60, 3600


def is_refused(response: TestResponse, error: str = "invalid_request_object") -> bool:
    assert (response.status_code, response.headers["Cache-Control"]) == (400, "no-store"), response.text
    return bool(response.json["error"] == error)


def kept(world: World, response: TestResponse) -> requests.Pushed:
    assert response.status_code == 201, response.text
    with world.services.database.read() as session:
        found = requests.find(session, world.services.sealer, requests.key_of(response.json["request_uri"]))
    assert found is not None
    return found.pushed


def signs_also_with(world: World, *keys: Key) -> None:
    """Register further keys for the messenger."""
    with world.services.database.write() as session:
        row = session.get_one(PlatformRow, "messenger")
        row.jwks = {"keys": [world.messenger.key.as_dict(private=False), *(key.as_dict(private=False) for key in keys)]}


def test_a_signed_request_is_kept_as_if_its_parameters_had_been_pushed(world: World) -> None:
    signed, plain = kept(world, world.messenger.pushes_signed()), kept(world, world.messenger.pushes())
    assert signed == plain
    assert (signed.redirect_uri, signed.state, signed.terms.duration_days) == (CALLBACK, "state & more", 90)


def test_a_signed_request_of_another_library_is_understood(world: World) -> None:
    app, now = world.messenger, int(world.watch.now.timestamp())
    claims = {"iss": app.id, "aud": BASE, "client_id": app.id, "nbf": now, "exp": now + 60, **app.request()}
    key = jwskate.Jwk(app.key.as_dict(private=True))
    asked = json.dumps(ASKED)
    signed = jwskate.Jwt.sign({**claims, "authorization_details": asked}, key, alg="ES256", typ="oauth-authz-req+jwt")
    assert kept(world, app.pushes_signed(str(signed))).terms.purpose == "chat_banking"


@pytest.mark.any_database
@pytest.mark.parametrize(
    "changes",
    [
        {"typ": None},
        {"typ": "JWT"},
        {"aud": [BASE]},
        {"aud": ["https://other.test", BASE]},
        {"jti": None},
        {"iat": None},
        {"authorization_details": json.dumps(ASKED)},
        {"authorization_details": None, "scope": "balances"},
        {"state": None},
        {"state": ""},
        {"state": "é € 😀"},
        {"state": 7},
        {"max_age": 600},
        {"future_parameter": "ignored, as in a form"},
        {"kid": None},
        {"response_mode": "query"},
    ],
    ids=str,
)
@pytest.mark.fapi(37)
def test_what_a_good_request_object_may_be(world: World, changes: dict[str, Any]) -> None:
    assert kept(world, world.messenger.pushes_signed(_signed(world, changes)))


def _signed(world: World, changes: dict[str, Any], key: Key | None = None) -> str:
    header = {name: changes[name] for name in ("typ", "alg", "kid", "crit", "b64") if name in changes}
    claims = {name: value for name, value in changes.items() if name not in header}
    return world.messenger.signed_request(header=header, key=key, **claims)


def test_the_text_of_a_state_arrives_as_it_was_signed(world: World) -> None:
    for state, kept_state in (("é € 😀", "é € 😀"), (7, "7"), ("", None), ("a b&c=d", "a b&c=d")):
        assert kept(world, world.messenger.pushes_signed(_signed(world, {"state": state}))).state == kept_state


_NOW = 1_795_348_800  # the second in which the test's clock stands still


@pytest.mark.any_database
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "rival"},
        {"iss": None},
        {"iss": ["messenger"]},
        {"client_id": "rival"},
        {"client_id": None},
        {"client_id": ["messenger"]},
        {"aud": None},
        {"aud": "https://other.test"},
        {"aud": BASE + "/"},
        {"aud": BASE + "/oauth/par"},
        {"aud": []},
        {"aud": {"issuer": BASE}},
        {"aud": [["http://localhost:8400"]]},
        {"sub": "messenger"},
        {"request": "e30.e30."},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"request_uri": ""},
        {"nbf": None},
        {"nbf": str(_NOW)},
        {"nbf": True},
        {"nbf": _NOW + 12},
        {"nbf": _NOW - _HOUR - 1},
        {"nbf": _NOW - _HOUR - 1, "exp": _NOW + _MINUTE},
        {"nbf": _NOW - _HOUR - 5, "exp": _NOW - 5},
        {"nbf": float("nan")},
        {"nbf": -1},
        {"exp": None},
        {"exp": str(_NOW + _MINUTE)},
        {"exp": False},
        {"exp": _NOW - 11},
        {"exp": _NOW + _HOUR + 1},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 10**400},
        {"iat": _NOW + 12},
        {"iat": "now"},
        {"iat": float("nan")},
        {"jti": ""},
        {"jti": 5},
        {"jti": "x" * 257},
        {"typ": "dpop+jwt"},
        {"typ": "client-authentication+jwt"},
        {"typ": "at+jwt"},
        {"typ": ["JWT"]},
        {"typ": 5},
        {"kid": "unknown"},
        {"crit": ["exp"]},
        {"crit": []},
        {"state": "a\x00b"},
        {"state": "\ud800"},
        {"state": ["x"]},
        {"state": True},
        {"state": 1.5},
        {"redirect_uri": [CALLBACK]},
        {"redirect_uri": {"a": CALLBACK}},
        {"claims": {"userinfo": None}},
        {"authorization_details": {"type": "bank_data"}},
        {"authorization_details": True},
        {"response_type": ["code"]},
    ],
    ids=lambda changes: ascii(changes)[:60],
)
def test_a_request_object_that_is_not_good_is_refused(world: World, changes: dict[str, Any]) -> None:
    assert int(world.watch.now.timestamp()) == _NOW
    assert is_refused(world.messenger.pushes_signed(_signed(world, changes)))


@pytest.mark.any_database
@pytest.mark.parametrize(
    "text",
    ["x", "..", "e30.e30.", "e30.e30.e30", "a.b.c.d.e", "\u00e9.e30.e30", "e30.e30.e30\n", "." * 20_000, "W10.W10.W10"],
    ids=lambda text: ascii(text)[:20],
)
def test_a_text_that_is_no_request_object_is_refused(world: World, text: str) -> None:
    assert is_refused(world.messenger.pushes_signed(text))


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"state": "x" * 2001}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "jwt"}, "invalid_request"),
        ({"scope": "balances"}, "invalid_request"),
        ({"authorization_details": None, "scope": "nothing"}, "invalid_scope"),
        ({"authorization_details": []}, "invalid_authorization_details"),
        ({"authorization_details": "["}, "invalid_authorization_details"),
        ({"authorization_details": [{**ASKED[0], "duration_days": 1.5}]}, "invalid_authorization_details"),
        ({"authorization_details": [{**ASKED[0], "duration_days": 9999}]}, "invalid_authorization_details"),
        ({"dpop_jkt": "short"}, "invalid_request"),
    ],
    ids=lambda changes: ascii(changes)[:60],
)
def test_what_a_good_request_object_asks_for_is_judged_as_any_request(
    world: World, changes: dict[str, Any], error: str
) -> None:
    assert is_refused(world.messenger.pushes_signed(_signed(world, changes)), error)


@pytest.mark.any_database
@pytest.mark.parametrize(
    "beside",
    [
        {"state": "another"},
        {"redirect_uri": "https://evil.test/cb"},
        {"scope": "balances"},
        {"response_mode": "query"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"dpop_jkt": "x" * 43},
        {"code_challenge": "y" * 43},
        {"grant_id": "x"},
        {"unknown": "1"},
    ],
    ids=str,
)
def test_nothing_beside_the_request_object_can_say_something_else(world: World, beside: dict[str, str]) -> None:
    assert is_refused(world.messenger.pushes_signed(**beside), "invalid_request")


def test_what_beside_the_request_object_says_the_same_is_no_harm(world: World) -> None:
    app = world.messenger
    assert kept(world, app.pushes_signed(client_id=app.id, redirect_uri=CALLBACK, response_type="code"))


def test_another_client_in_the_form_is_another_client(world: World) -> None:
    assert world.messenger.pushes_signed(client_id="rival").status_code == 401


def test_a_request_object_of_another_client_or_key_is_refused(world: World) -> None:
    app, rival = world.messenger, world.rival
    stranger = App(app.id, app.http, world.watch)
    same_kid = {"kid": app.key.kid}
    for request in (
        rival.signed_request(),
        rival.signed_request(iss=app.id, client_id=app.id, header=same_kid),
        rival.signed_request(iss=app.id, client_id=app.id, header={"kid": None}),
        stranger.signed_request(header=same_kid),
        app.signed_request(header={"jwk": stranger.key.as_dict(private=False), "kid": None}, key=stranger.key),
        app.signed_request(header={"jku": "http://localhost:1/keys", "kid": None}, key=stranger.key),
    ):
        assert is_refused(app.pushes_signed(request))


def test_a_changed_request_object_is_refused(world: World) -> None:
    app = world.messenger
    head, body, signature = app.signed_request().split(".")
    other = app.signed_request(state="other").split(".")[1]
    unsigned = urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for text in (f"{head}.{other}.{signature}", f"{head}.{body}.", f"{unsigned}.{body}.", f"{head}.{body}.{body}"):
        assert is_refused(app.pushes_signed(text))


def test_a_request_object_signed_with_the_public_key_as_a_secret_is_refused(world: World) -> None:
    secret = OctKey.import_key(json.dumps(world.messenger.key.as_dict(private=False)))
    assert is_refused(world.messenger.pushes_signed(_signed(world, {"alg": "HS256"}, secret)))


def test_every_announced_algorithm_signs_requests_and_no_other(world: World) -> None:
    app = world.messenger
    signs_also_with(world, RSA, ED)
    told = world.browser().get("/.well-known/oauth-authorization-server").json
    good = {"ES256": app.key, "PS256": RSA, "Ed25519": ED, "EdDSA": ED}
    assert set(told["request_object_signing_alg_values_supported"]) == set(good)
    for alg, key in good.items():
        request = jwskate_signed(app, alg, key) if alg == "EdDSA" else _signed(world, {"alg": alg, "kid": key.kid}, key)
        assert kept(world, app.pushes_signed(request)), alg
    assert is_refused(app.pushes_signed(_signed(world, {"alg": "RS256", "kid": RSA.kid}, RSA)))


def jwskate_signed(app: App, alg: str, key: Key) -> str:
    now = int(app.watch.now.timestamp())
    claims = {"iss": app.id, "aud": BASE, "client_id": app.id, "nbf": now, "exp": now + 60, **app.request()}
    signer = jwskate.Jwk(key.as_dict(private=True))
    return str(jwskate.Jwt.sign({**claims, "scope": "balances"}, signer, alg=alg))


def test_who_registered_an_algorithm_signs_with_it_alone(world: World) -> None:
    app = world.messenger
    signs_also_with(world, ED)
    for registered, name in (("Ed25519", "EdDSA"), ("EdDSA", "Ed25519")):
        world.registers(app, request_object_signing_alg=registered)
        assert is_refused(app.pushes_signed())
        request = jwskate_signed(app, name, ED) if name == "EdDSA" else _signed(world, {"alg": name, "kid": ED.kid}, ED)
        assert kept(world, app.pushes_signed(request))


@pytest.mark.any_database
def test_a_request_object_of_any_depth_is_refused_and_breaks_nothing(world: World) -> None:
    app, errors = world.messenger, []
    head, body, _ = app.signed_request(authorization_details=["DEEP"], jti=None).split(".")
    text = urlsafe_b64decode(body + "==")
    for depth in (*range(900, 960), 5_000):  # about where reading gives up: writing it anew must not give up before
        deep = urlsafe_b64encode(text.replace(b'["DEEP"]', b"[" * depth + b"]" * depth)).rstrip(b"=")
        signed = head.encode() + b"." + deep
        signature = urlsafe_b64encode(JWSRegistry.algorithms["ES256"].sign(signed, app.key)).rstrip(b"=")
        response = app.pushes_signed((signed + b"." + signature).decode())
        assert response.status_code == 400, depth
        errors.append(response.json["error"])
    assert set(errors) <= {"invalid_authorization_details", "invalid_request_object"}


def test_who_must_sign_cannot_push_a_plain_request(world: World) -> None:
    world.registers(world.messenger, requires_signed_requests=True)
    assert is_refused(world.messenger.pushes(), "invalid_request")
    assert kept(world, world.messenger.pushes_signed())
    assert kept(world, world.rival.pushes())


def test_a_request_object_with_an_id_is_used_once_by_its_client(world: World) -> None:
    app, rival = world.messenger, world.rival
    request = app.signed_request(jti="the-same")
    assert kept(world, app.pushes_signed(request))
    assert is_refused(app.pushes_signed(request))
    assert is_refused(app.pushes_signed(app.signed_request(jti="the-same", state="other")))
    assert kept(world, rival.pushes_signed(rival.signed_request(jti="the-same")))
    # An assertion and a proof with the same id are other things.
    assertion = app.assertion(jti="the-same")
    dpop = proof(app.dpop_key, world.watch, url=BASE + "/oauth/par", jti="the-same")
    assert app.pushes(client_assertion=assertion, dpop=dpop).status_code == 201


def test_an_id_is_remembered_as_long_as_its_request_object_is_good(world: World) -> None:
    app = world.messenger
    now = int(world.watch.now.timestamp())
    request = app.signed_request(exp=now + _HOUR)
    assert kept(world, app.pushes_signed(request))
    world.watch.passes(_HOUR)
    with world.services.database.write() as session:
        forget_expired(session, world.watch())
    assert is_refused(app.pushes_signed(request))


@pytest.mark.fapi(37)
def test_clocks_may_differ_by_ten_seconds_and_an_hour_is_an_hour(world: World) -> None:
    app = world.messenger
    now = int(world.watch.now.timestamp())
    for claims in (
        {"nbf": now + 10, "iat": now + 10},
        {"nbf": now - _HOUR + 1, "exp": now + 1},
        {"exp": now + _HOUR},
        {"exp": now - 9, "nbf": now - 60},
    ):
        assert kept(world, app.pushes_signed(app.signed_request(**claims))), claims


def test_a_client_assertion_is_no_request_object_and_the_other_way_round(world: World) -> None:
    app = world.messenger
    assert is_refused(app.pushes_signed(app.assertion(nbf=_NOW)))
    response = app.pushes(client_assertion=app.signed_request())
    assert (response.status_code, response.json["error"]) == (401, "invalid_client")


def test_a_signed_request_is_bound_to_the_key_of_the_proof(world: World) -> None:
    app = world.messenger
    pushed = kept(world, app.pushes_signed(dpop=app.proof("/oauth/par")))
    assert pushed.jkt == app.dpop_key.thumbprint()
    other = ECKey.generate_key("P-256").thumbprint()
    request = app.signed_request(dpop_jkt=other)
    assert is_refused(app.pushes_signed(request, dpop=app.proof("/oauth/par")), "invalid_dpop_proof")


@pytest.mark.fapi(41)
def test_what_was_signed_does_not_rest_in_clear(world: World, store: Store) -> None:
    request = world.messenger.signed_request(state="a-state-to-look-for")
    assert kept(world, world.messenger.pushes_signed(request)).state == "a-state-to-look-for"
    resting = store.stored_bytes()
    assert b"messenger" in resting
    assert b"a-state-to-look-for" not in resting
    assert request.split(".")[1].encode() not in resting
