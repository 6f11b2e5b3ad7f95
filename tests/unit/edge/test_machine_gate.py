"""The gate of clients' own tokens, and the nonce at the gate of the data, in the application as it is served."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from broker.app import create_app
from broker.crypto.nonces import Nonces
from broker.edge.services import Services
from broker.platforms.models import PlatformRow
from broker.platforms.options import Options
from broker.platforms.service import Platform as Registered
from broker.platforms.service import PlatformKind, add
from broker.policy.vocabulary import GrantStatus, MachineScope
from broker.tokens.machine import issue_machine
from broker.tokens.service import end_all_of_platform, find_token, issue_access
from tests.support.core import DATA, House
from tests.support.edge import Platform, problem, services_of

BALANCES = "/v1/accounts/balances"
BOTH = tuple(MachineScope)
KEY = ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True)


@pytest.fixture
def services(house: House) -> Services:
    return services_of(house)


@pytest.fixture
def http(services: Services) -> FlaskClient:
    return create_app(services).test_client()


@pytest.fixture
def platform(house: House, http: FlaskClient) -> Platform:
    """A registered platform with a grant and a token for itself."""
    registers(house, BOTH)
    made = Platform(house, http, house.approved())
    made.token = token_of(house, made)
    return made


def registers(house: House, scopes: tuple[str, ...]) -> None:
    jwks = {"keys": [KEY.as_dict(private=False)]}
    kind, options = PlatformKind.PLATFORM, Options(machine_scopes=scopes)
    with house.database.write() as session:
        client = Registered("messenger", kind, "Messenger", jwks, (), DATA, ("chat_banking",), options=options)
        add(session, house.catalogue, client, http_loopback=True, now=house.watch())


def token_of(house: House, platform: Platform, *, requires_nonce: bool = False) -> str:
    with house.database.write() as session:
        facts = {"platform_id": "messenger", "jkt": platform.key.thumbprint(), "scopes": BOTH}
        return issue_machine(session, **facts, requires_nonce=requires_nonce, now=house.watch())[0]


def data_token(house: House, platform: Platform) -> str:
    with house.database.write() as session:
        return issue_access(
            session,
            grant_id=platform.grant_id,
            platform_id="messenger",
            jkt=platform.key.thumbprint(),
            categories=DATA,
            grant_expires_at=house.watch() + timedelta(days=1),
            now=house.watch(),
            requires_nonce=True,
        )[0]


def asks(platform: Platform, method: str = "GET", proof: str | None = None) -> TestResponse:
    path = f"/oauth/grants/{platform.grant_id}"
    made = proof or platform.proof(path, method=method)
    return platform.http.open(path, method=method, headers={"Authorization": f"DPoP {platform.token}", "DPoP": made})


def test_a_client_reaches_its_grant_and_gives_it_back_without_any_form(platform: Platform, house: House) -> None:
    assert asks(platform).status_code == 200
    answer = asks(platform, "DELETE")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (204, False)
    assert house.events()[-1] == "grant.revoked"


@pytest.mark.fapi(45)
def test_a_token_of_a_machine_opens_no_data(platform: Platform, house: House) -> None:
    before = house.events()
    assert problem(platform.get(BALANCES)) == (401, "token-unknown")
    assert house.events() == before


def test_a_token_works_with_its_own_key_alone(platform: Platform) -> None:
    path = f"/oauth/grants/{platform.grant_id}"
    stolen = platform.proof(path, key=ECKey.generate_key("P-256"))
    assert problem(asks(platform, proof=stolen)) == (401, "token-key-mismatch")


def test_a_proof_is_used_once(platform: Platform) -> None:
    proof = platform.proof(f"/oauth/grants/{platform.grant_id}")
    assert asks(platform, proof=proof).status_code == 200
    assert problem(asks(platform, proof=proof)) == (401, "dpop-proof-replayed")


def test_a_token_ends_after_five_minutes(platform: Platform, house: House) -> None:
    house.watch.passes(seconds=299)
    assert asks(platform).status_code == 200
    house.watch.passes(seconds=1)
    assert problem(asks(platform)) == (401, "token-expired")


def test_a_scope_that_is_registered_no_longer_is_in_no_token_either(platform: Platform, house: House) -> None:
    registers(house, ("grant_management_query",))
    assert asks(platform).status_code == 200
    assert problem(asks(platform, "DELETE")) == (403, "scope-missing")


def test_a_removed_client_has_no_token(platform: Platform, house: House) -> None:
    with house.database.write() as session:
        session.get_one(PlatformRow, "messenger").removed_at = house.watch()
    assert problem(asks(platform)) == (401, "token-unknown")


@pytest.mark.parametrize("scheme", ["Bearer", "Basic", ""])
@pytest.mark.fapi(66)
def test_a_token_is_presented_with_the_scheme_dpop(platform: Platform, scheme: str) -> None:
    path = f"/oauth/grants/{platform.grant_id}"
    headers = {"Authorization": f"{scheme} {platform.token}", "DPoP": platform.proof(path)}
    answer = platform.http.get(path, headers=headers)
    assert problem(answer) == (401, "token-unknown")
    (challenge,) = answer.headers.getlist("WWW-Authenticate")
    assert challenge.startswith('DPoP algs="PS256 ES256 EdDSA Ed25519", error="invalid_token", resource_metadata=')


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_token_in_the_address_or_the_body_is_none(platform: Platform, method: str, house: House) -> None:
    path = f"/oauth/grants/{platform.grant_id}"
    sent = {"access_token": platform.token}
    headers = {"DPoP": platform.proof(path, method=method)}
    answer = platform.http.open(path, method=method, query_string=sent, data=sent, headers=headers)
    assert problem(answer) == (401, "token-missing")
    assert house.grant(platform.grant_id).status is GrantStatus.ACTIVE


def test_a_database_that_is_away_is_told_as_such(platform: Platform, house: House) -> None:
    house.runs("DROP TABLE single_use")
    assert problem(asks(platform)) == (503, "storage-unavailable")


@pytest.mark.fapi(67)
def test_a_data_call_without_the_nonce_is_challenged_before_anything_is_logged(
    platform: Platform, house: House, services: Services
) -> None:
    platform.token = data_token(house, platform)
    before = house.events()
    answer = platform.get(BALANCES)
    assert problem(answer) == (401, "dpop-nonce-needed")
    assert 'error="use_dpop_nonce"' in answer.headers["WWW-Authenticate"]
    assert house.events() == before
    nonce = answer.headers["DPoP-Nonce"]
    assert nonce == Nonces(services.keyset.cookie, "rs").current(house.watch())
    good = platform.get(BALANCES, proof=platform.proof(BALANCES, nonce=nonce))
    assert (good.status_code, good.headers["DPoP-Nonce"]) == (200, nonce)


def test_a_stolen_token_is_logged_only_once_the_nonce_is_good(
    platform: Platform, house: House, services: Services
) -> None:
    platform.token, thief = data_token(house, platform), ECKey.generate_key("P-256")
    before = len(house.events())
    assert problem(platform.get(BALANCES, proof=platform.proof(BALANCES, key=thief))) == (401, "dpop-nonce-needed")
    nonce = Nonces(services.keyset.cookie, "rs").current(house.watch())
    stolen = platform.proof(BALANCES, key=thief, nonce=nonce)
    assert problem(platform.get(BALANCES, proof=stolen)) == (401, "token-key-mismatch")
    assert house.events()[before:] == ["access.refused"]


def test_the_operator_can_want_nonces_at_every_data_call(platform: Platform, house: House, services: Services) -> None:
    strict = replace(services, settings=replace(services.settings, dpop_nonce_required=True))
    caller = Platform(house, create_app(strict).test_client(), platform.grant_id)
    assert problem(caller.get(BALANCES)) == (401, "dpop-nonce-needed")


def test_every_token_about_people_that_a_platform_holds_can_be_ended_at_once(platform: Platform, house: House) -> None:
    token, other = data_token(house, platform), Platform(house, platform.http, platform.grant_id, platform_id="other")
    with house.database.write() as session:
        end_all_of_platform(session, "messenger", house.watch())
    with house.database.read() as session:
        found, kept = find_token(session, token), find_token(session, other.token)
    assert found is not None
    assert kept is not None
    assert (found.is_live(house.watch()), kept.is_live(house.watch())) == (False, True)
