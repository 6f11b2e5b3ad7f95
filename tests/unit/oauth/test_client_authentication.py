"""private_key_jwt: who may speak for a client, and how often (RFC 7523, FAPI 2.0 §5.3.2.1)."""

import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from oauth_app import BASE, App
from oauth_world import World

from broker.edge.services import install
from broker.outbound import OutboundClient
from broker.platforms.client_keys import ClientKeys
from broker.platforms.models import PlatformRow
from tests.support.raw_server import Behaviour, answering, serving


def answer(app: App, **assertion: Any) -> str:
    """Return the error of an introspection with this assertion, or `ok`."""
    response = app.post("/oauth/introspect", token="x", client_assertion=app.assertion(**assertion))
    assert response.status_code == (401 if response.json != {"active": False} else 200)
    return str(response.json.get("error", "ok"))


@pytest.mark.fapi(10)
def test_a_good_assertion_is_accepted_with_and_without_type_and_key_id(world: World) -> None:
    assert answer(world.messenger) == "ok"
    assert answer(world.messenger, header={"typ": "client-authentication+jwt", "kid": None}) == "ok"
    assert answer(world.messenger, iat=None) == "ok"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [BASE]},
        {"aud": BASE + "/"},
        {"aud": BASE + "/oauth/token"},
        {"aud": None},
        {"iss": "rival"},
        {"iss": None},
        {"sub": "rival"},
        {"sub": None},
        {"sub": ["messenger"]},
        {"sub": "mess\x00enger"},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 257},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 10**400},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"nbf": []},
        {"iat": "now"},
    ],
)
@pytest.mark.fapi(12)
def test_wrong_claims_authenticate_nobody(world: World, claims: dict[str, Any]) -> None:
    assert answer(world.messenger, **claims) == "invalid_client"


@pytest.mark.parametrize(
    ("claim", "seconds", "expected"),
    [
        ("iat", 10, "ok"),
        ("iat", 61, "invalid_client"),
        ("nbf", 10, "ok"),
        ("nbf", 61, "invalid_client"),
        ("exp", -11, "invalid_client"),
        ("exp", 600, "ok"),
        ("exp", 3600, "invalid_client"),
    ],
)
@pytest.mark.fapi(17)
def test_clocks_may_differ_a_little_and_no_more(world: World, claim: str, seconds: int, expected: str) -> None:
    assert answer(world.messenger, **{claim: int(world.watch.now.timestamp()) + seconds}) == expected


def test_another_key_type_or_algorithm_authenticates_nobody(world: World) -> None:
    app = world.messenger
    assert answer(app, key=ECKey.generate_key("P-256")) == "invalid_client"
    assert answer(app, key=world.rival.key) == "invalid_client"
    assert answer(app, header={"alg": "RS256"}, key=RSAKey.generate_key(2048)) == "invalid_client"
    assert answer(app, header={"alg": "HS256"}, key=OctKey.generate_key(256)) == "invalid_client"
    assert answer(app, header={"typ": "dpop+jwt"}) == "invalid_client"
    assert answer(app, header={"kid": "another"}) == "invalid_client"
    own = ECKey.generate_key("P-256")
    assert answer(app, header={"jwk": own.as_dict(private=False)}, key=own) == "invalid_client"


@pytest.mark.fapi(36)
def test_among_several_keys_without_an_id_the_fitting_one_is_found(world: World) -> None:
    rsa, ed, ec = RSAKey.generate_key(2048), OKPKey.generate_key(), ECKey.generate_key("P-256")
    keys = [key.as_dict(private=False) | {"kid": "same"} for key in (ec, rsa, ed, world.messenger.key)]
    with world.services.database.write() as session:
        session.get_one(PlatformRow, "messenger").jwks = {"keys": keys}
    for algorithm, key in (("ES256", world.messenger.key), ("ES256", ec), ("PS256", rsa), ("Ed25519", ed)):
        for kid in (None, "same"):
            assert answer(world.messenger, header={"alg": algorithm, "kid": kid}, key=key) == "ok"


def test_a_registered_key_that_the_profile_forbids_authenticates_nobody(world: World) -> None:
    key = ECKey.generate_key("P-384")
    with world.services.database.write() as session:
        session.get_one(PlatformRow, "messenger").jwks = {"keys": [key.as_dict(private=False)]}
    assert answer(world.messenger, header={"kid": None}) == "invalid_client"


def test_a_key_for_encryption_authenticates_nobody(world: World) -> None:
    with world.services.database.write() as session:
        row = session.get_one(PlatformRow, "messenger")
        row.jwks = {"keys": [{**row.jwks["keys"][0], "use": "enc"}]}
    assert answer(world.messenger) == "invalid_client"


def test_an_assertion_is_used_once_at_every_endpoint(world: World) -> None:
    app, assertion = world.messenger, world.messenger.assertion()
    assert app.post("/oauth/introspect", token="x", client_assertion=assertion).status_code == 200
    for path in ("/oauth/introspect", "/oauth/revoke"):
        assert app.post(path, token="x", client_assertion=assertion).json["error"] == "invalid_client"
    assert app.pushes(client_assertion=assertion).json["error"] == "invalid_client"
    assert app.redeems("x", client_assertion=assertion).json["error"] == "invalid_client"


@pytest.mark.parametrize("sub", [rb'"\ud800\ud800\ud800"', b"{}", b"1e999", b'"' + b"x" * 5000 + b'"'])
def test_names_that_are_none_authenticate_nobody(world: World, sub: bytes) -> None:
    parts = (b'{"alg":"ES256"}', b'{"sub":' + sub + b"}", b"signature")
    text = ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    assert world.messenger.pushes(client_assertion=text).json["error"] == "invalid_client"


def signed(app: App, claims: str, header: str = '{"alg":"ES256"}') -> str:
    """Sign the very bytes of a header and claims, which no library would write."""
    text = ".".join(urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in (header, claims))
    signature = JWSRegistry.algorithms["ES256"].sign(text.encode(), app.key)
    return f"{text}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def claims_of(app: App, more: str = "") -> str:
    now = int(app.watch.now.timestamp())
    head = f'"iss":"{app.id}","sub":"{app.id}","aud":"{BASE}","jti":"{now}","iat":{now},"exp":{now + 60}'
    return f"{{{head}{more}}}"


@pytest.mark.parametrize(
    "more",
    [
        f',"aud":"{BASE}"',
        ',"sub":"messenger"',
        ',"x":{"a":1,"a":1}',
        ',"x":NaN',
        ',"x":-Infinity',
        ',"x":1e999',
        ',"x":"\\ud800"',
        ',"x":' + "[" * 2_000 + "]" * 2_000,
    ],
)
def test_claims_that_two_readers_could_read_differently_authenticate_nobody(world: World, more: str) -> None:
    app = world.messenger
    text = signed(app, claims_of(app, more))
    assert app.post("/oauth/introspect", token="x", client_assertion=text).json["error"] == "invalid_client"
    assert (
        app.post("/oauth/introspect", token="x", client_assertion=signed(app, claims_of(app, ',"x":1.5'))).status_code
        == 200
    )


def test_a_header_that_two_readers_could_read_differently_authenticates_nobody(world: World) -> None:
    app = world.messenger
    text = signed(app, claims_of(app), '{"alg":"none","alg":"ES256"}')
    assert app.post("/oauth/introspect", token="x", client_assertion=text).json["error"] == "invalid_client"


def test_a_client_that_registered_an_algorithm_is_held_to_it(world: World) -> None:
    with world.services.database.write() as session:
        session.get_one(PlatformRow, "messenger").options = {"token_endpoint_auth_signing_alg": "PS256"}
    assert answer(world.messenger) == "invalid_client"
    with world.services.database.write() as session:
        session.get_one(PlatformRow, "messenger").options = {"token_endpoint_auth_signing_alg": "ES256"}
    assert answer(world.messenger) == "ok"


def test_a_client_with_its_keys_at_a_url_changes_them_without_a_failed_call(world: World) -> None:
    app, old, new = world.messenger, world.messenger.key, ECKey.generate_key("P-256", auto_kid=True)
    publics = {key.kid: key.as_dict(private=False) for key in (old, new)}

    def publishing(*keys: ECKey) -> Behaviour:
        return answering(json.dumps({"keys": [publics[key.kid] for key in keys]}).encode())

    def seconds() -> float:
        return app.watch().timestamp()

    with serving(publishing(old)) as site:
        keys = ClientKeys(OutboundClient(site.allowed, 1.0), 300, seconds)
        install(world.app, replace(world.services, client_keys=keys))
        with world.services.database.write() as session:
            row = session.get_one(PlatformRow, app.id)
            row.jwks, row.jwks_uri = {"keys": []}, site.url("/jwks")
        assert answer(app) == "ok"
        site.behaviour = publishing(new)
        app.watch.passes(10)
        assert answer(app, key=new, header={"kid": new.kid}) == "ok"
        assert answer(app) == "invalid_client"
        assert answer(app, key=old, header={"kid": new.kid}) == "invalid_client"


def test_two_clients_may_use_the_same_jti(world: World) -> None:
    assert [answer(app, jti="one") for app in (world.messenger, world.rival)] == ["ok", "ok"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"client_assertion": None},
        {"client_assertion": "x"},
        {"client_assertion": "e30.e30.e30"},
        {"client_assertion_type": None},
        {"client_assertion_type": "urn:other"},
        {"client_id": "rival"},
        {"client_secret": "guess"},
    ],
)
@pytest.mark.fapi(8, 53)
def test_any_other_way_to_authenticate_is_refused(world: World, parameters: dict[str, Any]) -> None:
    for path in ("/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/introspect"):
        response = world.messenger.post(path, **parameters)
        assert (response.status_code, response.json["error"]) == (401, "invalid_client")
        assert response.headers["Cache-Control"] == "no-store"
        assert "WWW-Authenticate" not in response.headers, "an assertion in the body is no scheme of HTTP"


@pytest.mark.parametrize(
    ("tried", "challenge"),
    [
        ("Basic bWVzc2VuZ2VyOmd1ZXNz", "Basic"),
        ("basic %%%", "Basic"),
        ("Bearer x", "Bearer"),
        ("dpop x", "DPoP"),
        ("Evil x", "Basic"),
        ("", "Basic"),
    ],
)
@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/introspect"])
def test_whoever_tries_the_authorization_header_is_challenged(
    world: World, path: str, tried: str, challenge: str
) -> None:
    """RFC 6749 §5.2: 401 with the scheme that was tried; a good assertion beside it makes it no better (§2.3)."""
    form = world.messenger.authenticated(token="x")
    for body in (form, {"grant_type": "refresh_token", "client_id": "messenger"}):
        response = world.app.test_client().post(path, data=body, headers={"Authorization": tried})
        assert (response.status_code, response.json["error"]) == (401, "invalid_client")
        assert response.headers["WWW-Authenticate"] == f'{challenge} realm="clients"'


@pytest.mark.fapi(40)
def test_a_resource_server_may_introspect_and_nothing_else(world: World) -> None:
    assert world.api.introspects("x") == {"active": False}
    for response in (world.api.pushes(), world.api.redeems("x"), world.api.post("/oauth/revoke", token="x")):
        assert response.json["error"] == "unauthorized_client"
