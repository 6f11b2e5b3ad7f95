"""What the server says of itself (RFC 8414, RFC 9728), and that its error table is complete."""

from oauth_app import BASE, SCOPES
from oauth_world import World

from broker.errors import BrokerError
from broker.oauth.errors import TABLE, plain
from broker.oauth.metadata import _PARTS


def test_the_metadata_names_the_profile(world: World) -> None:
    told = world.browser().get("/.well-known/oauth-authorization-server").json
    assert told["issuer"] == BASE
    assert told["require_pushed_authorization_requests"] is True
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["grant_types_supported"] == ["authorization_code", "refresh_token", "client_credentials"]
    assert told["authorization_details_types_supported"] == ["bank_data"]
    assert told["scopes_supported"] == [*SCOPES, "grant_management_query", "grant_management_revoke"]
    for endpoint in ("token", "revocation", "introspection"):
        assert told[f"{endpoint}_endpoint_auth_methods_supported"] == ["private_key_jwt"]
        assert "none" not in told[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert "RS256" not in told[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]


def test_every_endpoint_of_the_metadata_answers(world: World) -> None:
    told = world.browser().get("/.well-known/oauth-authorization-server").json
    assert told["grant_management_endpoint"] == f"{BASE}/oauth/grants"
    for name, url in told.items():
        if name == "grant_management_endpoint":
            assert world.browser().get(f"{url}/x".removeprefix(BASE)).status_code == 401
        elif name.endswith("_endpoint"):
            assert world.browser().get(url.removeprefix(BASE)).status_code in {400, 405}


def test_no_two_parts_of_the_metadata_tell_the_same_member(world: World) -> None:
    with world.app.app_context():
        told = [name for announced in _PARTS for name in announced(BASE)]
    assert len(told) == len(set(told))


def test_the_api_names_its_authorization_server(world: World) -> None:
    told = world.browser().get("/.well-known/oauth-protected-resource").json
    assert (told["resource"], told["authorization_servers"]) == (BASE, [BASE])
    assert told["dpop_bound_access_tokens_required"] is True


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
