"""What the server says of itself (RFC 8414, RFC 9728), and that its error table is complete."""

from collections.abc import Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from oauth_app import BASE, SCOPES, sign_as_it_is
from oauth_world import World

from broker.errors import BrokerError
from broker.oauth.errors import TABLE, plain
from broker.oauth.metadata import _PARTS
from broker.platforms.models import PlatformRow


@pytest.mark.fapi(6, 43, 58, 79)
def test_the_metadata_names_the_profile(world: World) -> None:
    told = world.browser().get("/.well-known/oauth-authorization-server").json
    assert told["issuer"] == BASE
    assert told["pushed_authorization_request_endpoint"] == f"{BASE}/oauth/par"
    assert told["require_pushed_authorization_requests"] is True
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials"]
    assert told["authorization_details_types_supported"] == ["bank_data"]
    assert told["scopes_supported"] == [
        *SCOPES,
        "balance_answers",
        "location_answers",
        "fraud_alerts",
        "grant_management_query",
        "grant_management_revoke",
        "ssf.read",
        "ssf.manage",
        "deletions",
        "fraud_alerts.push",
    ]
    for endpoint in ("token", "revocation", "introspection"):
        assert told[f"{endpoint}_endpoint_auth_methods_supported"] == ["private_key_jwt"]
        assert "none" not in told[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert "RS256" not in told[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]


def documents(world: World) -> Iterator[dict[str, Any]]:
    for name in ("oauth-authorization-server", "oauth-protected-resource"):
        answer = world.browser().get(f"/.well-known/{name}")
        assert answer.json is not None
        yield answer.json


@pytest.mark.fapi(6, 87)
def test_every_endpoint_of_the_metadata_answers(world: World) -> None:
    told, _ = documents(world)
    assert told["grant_management_endpoint"] == f"{BASE}/oauth/grants"
    for name, url in told.items():
        if name == "grant_management_endpoint":
            assert world.browser().get(f"{url}/x".removeprefix(BASE)).status_code == 401
        elif name.endswith("_endpoint"):
            assert world.browser().get(url.removeprefix(BASE)).status_code in {400, 405}


@pytest.mark.fapi(75)
def test_what_the_metadata_says_to_fetch_can_be_fetched(world: World) -> None:
    told, _ = documents(world)
    for url in (told["jwks_uri"], *told["authorization_details_schemas"].values()):
        answer = world.browser().get(url.removeprefix(BASE))
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=300")
    assert set(told["authorization_details_schemas"]) == set(told["authorization_details_types_supported"])


@pytest.mark.fapi(79)
def test_no_member_of_the_metadata_is_empty(world: World) -> None:
    for told in documents(world):
        assert [name for name, value in told.items() if value in ([], {}, "", None)] == []


def test_the_metadata_offers_signed_messages_with_the_algorithms_of_the_profile(world: World) -> None:
    told, _ = documents(world)
    assert told["response_modes_supported"] == ["query", "jwt", "query.jwt"]
    assert told["request_parameter_supported"] is True
    for name in ("authorization", "introspection"):
        assert told[f"{name}_signing_alg_values_supported"] == ["ES256"]
    keys = world.browser().get(told["jwks_uri"].removeprefix(BASE)).json["keys"]
    assert {(key["kty"], key["crv"], key["alg"], key["use"]) for key in keys} == {("EC", "P-256", "ES256", "sig")}


SIGNERS: dict[str, Key] = {
    "ES256": ECKey.generate_key("P-256", auto_kid=True),
    "PS256": RSAKey.generate_key(2048, auto_kid=True),
    "Ed25519": OKPKey.generate_key("Ed25519", auto_kid=True),
}
SIGNERS |= {"EdDSA": SIGNERS["Ed25519"], "RS256": SIGNERS["PS256"], "PS384": SIGNERS["PS256"]}


@pytest.mark.parametrize("alg", list(SIGNERS))
@pytest.mark.fapi(35)
def test_every_announced_algorithm_authenticates_and_proves_and_no_other_does(world: World, alg: str) -> None:
    (told, resource), key, app = documents(world), SIGNERS[alg], world.messenger
    with world.services.database.write() as session:
        session.get_one(PlatformRow, app.id).jwks = {"keys": [key.as_dict(private=False)]}
    now = int(world.watch.now.timestamp())
    claims = {"iss": app.id, "sub": app.id, "aud": BASE, "jti": f"j-{alg}", "iat": now, "exp": now + 60}
    assertion = sign_as_it_is({"alg": alg, "kid": key.kid}, claims, key)
    is_announced = alg in told["token_endpoint_auth_signing_alg_values_supported"]
    for endpoint in ("revocation", "introspection"):
        assert (alg in told[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]) is is_announced
    assert (app.pushes(client_assertion=assertion).status_code == 201) is is_announced

    with world.services.database.write() as session:
        session.get_one(PlatformRow, app.id).jwks = {"keys": [app.key.as_dict(private=False)]}
    head = {"alg": alg, "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    proof = sign_as_it_is(head, {"jti": f"p-{alg}", "htm": "POST", "htu": BASE + "/oauth/par", "iat": now}, key)
    is_announced = alg in told["dpop_signing_alg_values_supported"]
    assert (alg in resource["dpop_signing_alg_values_supported"]) is is_announced
    assert (app.pushes(dpop=proof).status_code == 201) is is_announced


def test_no_two_parts_of_the_metadata_tell_the_same_member(world: World) -> None:
    with world.app.app_context():
        told = [name for announced in _PARTS for name in announced(BASE)]
    assert len(told) == len(set(told))


@pytest.mark.fapi(80)
def test_the_api_names_its_authorization_server(world: World) -> None:
    told = world.browser().get("/.well-known/oauth-protected-resource").json
    assert (told["resource"], told["authorization_servers"]) == (BASE, [BASE])
    assert told["dpop_bound_access_tokens_required"] is True


@pytest.mark.fapi(50)
def test_the_host_header_changes_nothing(world: World) -> None:
    told = world.browser().get("/.well-known/oauth-authorization-server", headers={"Host": "evil.test"}).json
    assert "evil" not in str(told)
    app = world.messenger
    proof = app.proof("/oauth/par", htu="http://evil.test/oauth/par")
    response = app.http.post("/oauth/par", data=app.authenticated(), headers={"DPoP": proof, "Host": "evil.test"})
    assert response.json["error"] == "invalid_dpop_proof"


def test_every_domain_error_has_an_oauth_shape() -> None:
    kinds = [BrokerError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
        assert any(parent in TABLE for parent in kind.__mro__)


def test_descriptions_hold_only_what_oauth_allows() -> None:
    assert plain('“Leeds” \\ é\n"x"') == "'Leeds'     'x'"
