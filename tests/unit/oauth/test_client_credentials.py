"""Tokens that clients have for themselves (RFC 6749 §4.4): machine scopes and nothing else, bound to a key."""

from dataclasses import replace

import pytest
from oauth_app import ASKED, App
from oauth_world import World
from werkzeug.test import TestResponse

from broker.platforms.service import PlatformKind, add, find
from broker.policy.vocabulary import MachineScope
from broker.tokens.machine import end_machine_tokens_of, find_machine, forget_old_machine_tokens
from broker.tokens.service import find_token

QUERY, REVOKE = MachineScope.GRANT_QUERY, MachineScope.GRANT_REVOKE


def error(response: TestResponse) -> tuple[int, str]:
    body = response.json
    assert body is not None
    return response.status_code, body["error"]


def becomes_bank(world: World, app: App) -> None:
    with world.services.database.write() as session:
        known = find(session, app.id)
        assert known is not None
        changed = replace(known, kind=PlatformKind.BANK, bank_id="harbor", redirect_uris=(), scopes=(), purposes=())
        add(session, world.services.catalogue, changed, http_loopback=True, now=world.watch())


def test_a_client_gets_a_token_for_five_minutes_and_no_refresh_token(world: World) -> None:
    told = world.messenger.asks_for_itself(QUERY).json
    assert told is not None
    assert told.pop("access_token").startswith("bkr_mt_")
    assert told == {"token_type": "DPoP", "expires_in": 300, "scope": "grant_management_query"}


@pytest.mark.fapi(18)
def test_scopes_are_given_one_by_one(world: World) -> None:
    assert world.messenger.asks_for_itself(QUERY, REVOKE).json["scope"] == f"{QUERY} {REVOKE}"  # type: ignore[index]  # a good answer
    world.registers(world.messenger, machine_scopes=(QUERY.value,))
    assert error(world.messenger.asks_for_itself(QUERY, REVOKE)) == (400, "invalid_scope")
    assert error(world.messenger.asks_for_itself(REVOKE)) == (400, "invalid_scope")
    assert world.messenger.asks_for_itself(QUERY).status_code == 200


@pytest.mark.parametrize(
    "scope", ["balances", "accounts grant_management_query", "openid", "*", "GRANT_MANAGEMENT_QUERY"]
)
def test_no_client_gets_a_category_of_data_for_itself(world: World, scope: str) -> None:
    assert error(world.messenger.asks_for_itself(scope)) == (400, "invalid_scope")


def test_without_a_scope_there_is_no_token(world: World) -> None:
    assert error(world.messenger.asks_for_itself()) == (400, "invalid_scope")


def test_details_are_refused(world: World) -> None:
    answer = world.messenger.asks_for_itself(QUERY, authorization_details=str(ASKED))
    assert error(answer) == (400, "invalid_authorization_details")


def test_a_bank_gets_tokens_for_itself_and_asks_no_person(world: World) -> None:
    becomes_bank(world, world.rival)
    token = world.rival.machine_token(QUERY)
    assert world.rival.introspects(token)["active"] is True
    assert error(world.rival.pushes()) == (400, "unauthorized_client")
    assert world.rival.post("/oauth/revoke", token=token).status_code == 200
    assert world.rival.introspects(token) == {"active": False}


def test_a_resource_server_gets_none(world: World) -> None:
    assert error(world.api.asks_for_itself(QUERY)) == (400, "unauthorized_client")


@pytest.mark.fapi(45)
def test_a_token_for_another_server_is_refused(world: World) -> None:
    assert world.messenger.asks_for_itself(QUERY, resource="http://localhost:8400").status_code == 200
    for resource in ("https://other.example", "http://localhost:8400/", "http://localhost:8400/v1"):
        assert error(world.messenger.asks_for_itself(QUERY, resource=resource)) == (400, "invalid_target")
        assert error(world.messenger.pushes(resource=resource)) == (400, "invalid_target")


@pytest.mark.fapi(9)
def test_a_token_request_without_a_proof_is_refused(world: World) -> None:
    request = {"grant_type": "client_credentials", "scope": QUERY.value}
    assert error(world.messenger.post("/oauth/token", **request)) == (400, "invalid_dpop_proof")


def test_tokens_of_people_and_of_machines_are_never_found_in_each_others_place(world: World) -> None:
    people, machine = world.tokens(), world.messenger.machine_token(QUERY, REVOKE)
    with world.services.database.read() as session:
        assert find_token(session, machine) is None
        assert find_machine(session, people["access_token"]) is None
    path = f"/oauth/grants/{people['grant_id']}"
    for token in (people["access_token"], people["refresh_token"]):
        answer = world.messenger.calls("GET", path, token)
        assert (answer.status_code, answer.json["code"]) == (401, "token-unknown")  # type: ignore[index]  # a problem


@pytest.mark.fapi(65)
def test_introspection_tells_a_client_of_its_own_token_and_nobody_else(world: World) -> None:
    token = world.messenger.machine_token(QUERY)
    told = world.messenger.introspects(token)
    assert (told["active"], told["scope"], told["client_id"]) == (True, QUERY, "messenger")
    assert told["cnf"] == {"jkt": world.messenger.dpop_key.thumbprint()}
    assert "sub" not in told
    assert world.rival.introspects(token) == world.api.introspects(token) == {"active": False}
    world.watch.passes(300)
    assert world.messenger.introspects(token) == {"active": False}


@pytest.mark.fapi(76)
def test_a_client_can_end_its_own_token_and_no_other(world: World) -> None:
    token = world.messenger.machine_token(QUERY)
    assert world.rival.post("/oauth/revoke", token=token).status_code == 200
    assert world.messenger.introspects(token)["active"] is True
    assert world.messenger.post("/oauth/revoke", token=token).status_code == 200
    assert world.messenger.introspects(token) == {"active": False}


def test_all_tokens_of_one_client_end_at_once_and_old_ones_are_forgotten(world: World) -> None:
    mine, other = world.messenger.machine_token(QUERY), world.rival.machine_token(QUERY)
    with world.services.database.write() as session:
        end_machine_tokens_of(session, world.messenger.id, world.watch())
    assert world.messenger.introspects(mine) == {"active": False}
    assert world.rival.introspects(other)["active"] is True
    world.watch.passes(2 * 86_400)
    with world.services.database.write() as session:
        forget_old_machine_tokens(session, world.watch())
        assert find_machine(session, other) is None


def test_introspection_tells_of_no_scope_that_the_client_has_lost_since(world: World) -> None:
    token = world.messenger.machine_token(QUERY, REVOKE)
    world.registers(world.messenger, machine_scopes=(QUERY.value,))
    assert world.messenger.introspects(token)["scope"] == QUERY
    world.registers(world.messenger, machine_scopes=())
    assert world.messenger.introspects(token) == {"active": False}
