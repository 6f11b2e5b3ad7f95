"""Malformed and malicious JOSE objects: the right OAuth error at every place, within 50 ms, never a 500."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from broker.crypto.digests import base64url, digest
from tests.support.asking import Asker
from tests.support.edge import BASE
from tests.support.hostile import sound
from tests.support.jose_corpus import EVERYWHERE, Bad, Good
from tests.support.jose_places import ASSERTION, PROOF, REQUEST_OBJECT, bad_keys, with_jwk
from tests.support.platform_client import ASSERTION_TYPE, details
from tests.support.prompt import promptly
from tests.support.town import CALLBACK, Town
from tests.support.town_client import authenticated
from tests.support.town_registrant import Registrant

_TOKEN, _INTROSPECT, _PAR = "/oauth/token", "/oauth/introspect", "/oauth/par"
_GOOD_REQUESTS = {"nothing", "no jti"}
"""What a request object may be and an assertion may not: absent, and without a name of its own."""

_KEYS = bad_keys({"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43})


@pytest.fixture(scope="module")
def asker(town: Town) -> Asker:
    return Asker(town)


@pytest.fixture(scope="module")
def registrant(town: Town) -> Registrant:
    return Registrant(town)


def _now(town: Town) -> int:
    return int(town.house.watch().timestamp())


def assertion_of(town: Town) -> Good:
    claims = {"iss": "messenger", "sub": "messenger", "aud": BASE, "jti": secrets.token_urlsafe(12)}
    times = {"iat": _now(town), "exp": _now(town) + 60}
    key = town.keys["messenger"]
    return Good(key.private_key, {"alg": "ES256", "kid": key.kid, "typ": "JWT"}, claims | times)


def proof_of(town: Town, path: str, method: str = "POST", token: str | None = None, **claims: Any) -> Good:
    key = town.keys["messenger"]
    said = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": BASE + path, "iat": _now(town), **claims}
    if token is not None:
        said["ath"] = base64url(digest(token))
    return Good(key.private_key, {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}, said)


def request_of(town: Town) -> Good:
    asked = {"response_type": "code", "redirect_uri": CALLBACK, "code_challenge": "c" * 43, "state": "s"}
    asked |= {"code_challenge_method": "S256", "authorization_details": details("balances")}
    said = {"iss": "messenger", "client_id": "messenger", "aud": BASE, "jti": secrets.token_urlsafe(12)}
    times = {"iat": _now(town), "nbf": _now(town), "exp": _now(town) + 60}
    key = town.keys["messenger"]
    return Good(key.private_key, {"alg": "ES256", "kid": key.kid, "typ": "JWT"}, {**asked, **said, **times})


def pushes(town: Town, request_object: str) -> TestResponse:
    form, _ = authenticated(town, "messenger", _PAR, {"request": request_object})
    return town.app.test_client().post(_PAR, data=form, buffered=True)


def authenticates(town: Town, assertion: str) -> TestResponse:
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, "token": "bkr_at_x"}
    return town.app.test_client().post(_INTROSPECT, data=form, buffered=True)


def redeems(town: Town, proof: str) -> TestResponse:
    form, _ = authenticated(town, "messenger", _TOKEN, {"grant_type": "refresh_token", "refresh_token": "bkr_rt_x"})
    return town.app.test_client().post(_TOKEN, data=form, headers={"DPoP": proof}, buffered=True)


@pytest.fixture(scope="module")
def calls(asker: Asker) -> Callable[[Callable[[Good], str]], TestResponse]:
    """Call the API with a token of the messenger's own key and the proof that a function makes of a good one."""
    caller, town = asker.caller, asker.town
    caller.key = town.keys["messenger"]
    caller.__post_init__()
    path = f"/v1/accounts/{asker.known['account_id']}/transactions"

    def call(made: Callable[[Good], str]) -> TestResponse:
        proof = made(proof_of(town, path, "GET", caller.token))
        return caller.http.get(path, headers={"Authorization": f"DPoP {caller.token}", "DPoP": proof}, buffered=True)

    return call


def told(answer: TestResponse) -> tuple[int, str]:
    sound(answer)
    body = json.loads(answer.text)
    return answer.status_code, body.get("error", body.get("code"))


def test_there_are_more_than_150_objects() -> None:
    assert len(EVERYWHERE) >= 150
    assert len({*EVERYWHERE, *ASSERTION, *PROOF, *REQUEST_OBJECT, *_KEYS}) >= 290


def test_good_objects_are_taken(town: Town, calls: Callable[[Callable[[Good], str]], TestResponse]) -> None:
    assert authenticates(town, assertion_of(town).text()).status_code == 200
    assert told(redeems(town, proof_of(town, _TOKEN).text())) == (400, "invalid_grant")
    assert pushes(town, request_of(town).text()).status_code == 201
    assert pushes(town, EVERYWHERE["no jti"](request_of(town))).status_code == 201
    assert calls(Good.text).status_code == 200
    assert calls(lambda good: good.with_header(**{"x-more": "y"})).status_code == 200


@pytest.mark.parametrize("name", [*EVERYWHERE, *ASSERTION])
@pytest.mark.fapi(10)
def test_a_bad_assertion_authenticates_nobody(town: Town, name: str) -> None:
    make: Bad = {**EVERYWHERE, **ASSERTION}[name]
    answer = promptly(lambda: authenticates(town, make(assertion_of(town))))
    assert told(answer) == (401, "invalid_client")


@pytest.mark.parametrize("name", [*EVERYWHERE, *PROOF])
@pytest.mark.fapi(60)
def test_a_bad_proof_gets_no_token(town: Town, name: str) -> None:
    make: Bad = {**EVERYWHERE, **PROOF}[name]
    answer = promptly(lambda: redeems(town, make(proof_of(town, _TOKEN))))
    assert told(answer) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("name", [*EVERYWHERE, *PROOF])
@pytest.mark.fapi(60, 61)
def test_a_bad_proof_gets_no_data(name: str, calls: Callable[[Callable[[Good], str]], TestResponse]) -> None:
    make: Bad = {**EVERYWHERE, **PROOF}[name]
    answer = promptly(lambda: calls(make))
    assert told(answer) == (401, "dpop-proof-invalid")
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('DPoP algs="PS256 ES256 EdDSA Ed25519", error="invalid_dpop_proof"')


@pytest.mark.parametrize("name", [name for name in (*EVERYWHERE, *REQUEST_OBJECT) if name not in _GOOD_REQUESTS])
@pytest.mark.fapi(37, 54)
def test_a_bad_request_object_is_not_opened(town: Town, name: str) -> None:
    make: Bad = {**EVERYWHERE, **REQUEST_OBJECT}[name]
    answer = promptly(lambda: pushes(town, make(request_of(town))))
    assert told(answer) == (400, "invalid_request_object")


@pytest.mark.parametrize("name", list(_KEYS))
def test_a_proof_with_a_bad_key_is_refused(town: Town, name: str) -> None:
    good = proof_of(town, _TOKEN)
    answer = promptly(lambda: redeems(town, with_jwk(good, bad_keys(good.jwk())[name])))
    assert told(answer) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize("name", list(_KEYS))
@pytest.mark.fapi(35)
def test_a_bad_key_cannot_be_registered(town: Town, registrant: Registrant, name: str) -> None:
    keys = {"keys": [bad_keys(proof_of(town, _TOKEN).jwk())[name]]}
    answer = promptly(lambda: registrant.registers(jwks=keys))
    assert told(answer) == (400, "invalid_client_metadata")


def test_a_good_key_can_be_registered(town: Town, registrant: Registrant) -> None:
    assert registrant.registers(jwks={"keys": [proof_of(town, _TOKEN).jwk()]}).status_code == 201
