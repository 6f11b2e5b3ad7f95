"""Grants shown to their platforms and given back by them (Grant Management for OAuth 2.0 draft 03 §6)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from oauth_world import ALICE, World
from werkzeug.test import TestResponse

from broker.audit.reader import tail
from broker.audit.vocabulary import Event, Initiator
from broker.errors import NotFound
from broker.grants.acts import Actor, PlatformActor
from broker.grants.service import Part
from broker.policy.vocabulary import GrantStatus, MachineScope
from tests.support.stores import Store

QUERY, REVOKE = MachineScope.GRANT_QUERY, MachineScope.GRANT_REVOKE


def path_of(grant_id: str) -> str:
    return f"/oauth/grants/{grant_id}"


def code(response: TestResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json", response.text
    body = response.json
    assert body is not None
    return response.status_code, body["code"]


def shown(world: World, grant_id: str) -> dict[str, Any]:
    answer = world.messenger.calls("GET", path_of(grant_id), world.messenger.machine_token(QUERY))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = answer.json or {}
    return body


def given_back(world: World, grant_id: str) -> TestResponse:
    return world.messenger.calls("DELETE", path_of(grant_id), world.messenger.machine_token(REVOKE))


def test_a_platform_sees_what_stands_of_its_grant(world: World) -> None:
    tokens = world.tokens()
    told = shown(world, tokens["grant_id"])
    assert told["authorization_details"] == tokens["authorization_details"]
    assert told["scopes"] == [{"scope": tokens["scope"], "resources": ["http://localhost:8400"]}]
    assert (told["status"], told["status_reason"], told["updated_by"]) == ("ACTIVE", "approved", "authorization_server")
    assert (told["claims"], told["version"], told["grant_id"]) == ([], 1, tokens["grant_id"])
    assert told["created_at"] == told["last_updated_at"] == "2026-11-22T12:00:00Z"
    assert told["expires_at"] == "2027-02-20T12:00:00Z"


def test_what_the_person_ended_is_not_shown(world: World) -> None:
    tokens, alice = world.tokens(), Actor(ALICE, "0" * 8)
    world.services.grants.revoke(alice, tokens["grant_id"], Part(category="transactions"))
    assert shown(world, tokens["grant_id"])["scopes"][0]["scope"] == "balances card_locations"
    world.services.grants.revoke(alice, tokens["grant_id"], Part())
    told = shown(world, tokens["grant_id"])
    assert (told["status"], told["status_reason"]) == ("REVOKED", "user-action")
    assert told["scopes"] == told["authorization_details"] == []


def test_a_grant_that_is_given_back_has_ended_and_so_have_its_tokens(world: World) -> None:
    tokens = world.tokens()
    answer = given_back(world, tokens["grant_id"])
    assert (answer.status_code, answer.data) == (204, b"")
    assert world.messenger.introspects(tokens["access_token"]) == {"active": False}
    refreshed = world.messenger.refreshes(tokens["refresh_token"])
    assert (refreshed.status_code, refreshed.json["error"]) == (400, "invalid_grant")  # type: ignore[index]  # OAuth's errors are objects
    told = shown(world, tokens["grant_id"])
    assert (told["status"], told["status_reason"], told["updated_by"]) == ("REVOKED", "platform-action", "client")


def test_the_log_says_that_the_platform_did_it(world: World) -> None:
    tokens = world.tokens()
    given_back(world, tokens["grant_id"])
    with world.services.database.read() as session:
        entry = tail(session, after={})[-1]
    assert (entry.event, entry.initiator) == (Event.GRANT_REVOKED, Initiator.DATA_RECIPIENT)
    assert entry.reasons == ("platform-action",)


def test_giving_back_again_is_answered_alike_and_logged_once(world: World) -> None:
    grant_id = world.tokens()["grant_id"]
    assert [given_back(world, grant_id).status_code for _ in range(3)] == [204, 204, 204]
    assert world.events().count("grant.revoked") == 1


def test_of_ten_that_give_back_one_grant_one_is_logged(world: World) -> None:
    grant_id, platform = world.tokens()["grant_id"], PlatformActor(world.messenger.id, "0" * 8)
    with ThreadPoolExecutor(10) as threads:
        written = list(threads.map(lambda _: world.services.grants.give_back(platform, grant_id), range(10)))
    assert sorted(map(len, written)) == [0] * 9 + [1]
    assert world.events().count("grant.revoked") == 1


def test_what_the_person_ended_stays_ended_by_the_person(world: World) -> None:
    grant_id = world.tokens()["grant_id"]
    world.services.grants.revoke(Actor(ALICE, "0" * 8), grant_id, Part())
    assert given_back(world, grant_id).status_code == 204
    assert shown(world, grant_id)["status_reason"] == "user-action"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_another_platforms_grant_is_as_if_there_were_none(world: World, method: str) -> None:
    grant_id, unknown = world.tokens()["grant_id"], "00000000-0000-7000-8000-000000000000"
    token = world.rival.machine_token(QUERY, REVOKE)
    answers = [world.rival.calls(method, path_of(one), token) for one in (grant_id, unknown)]
    assert [code(answer) for answer in answers] == [(404, "not-found")] * 2
    told = [{**(answer.json or {}), "instance": ""} for answer in answers]
    assert told[0] == told[1]
    assert world.grant(grant_id).status is GrantStatus.ACTIVE


def test_a_proof_for_one_grant_ends_no_other(world: World) -> None:
    first, second = (world.tokens()["grant_id"] for _ in range(2))
    answer = world.messenger.calls(
        "DELETE", path_of(second), world.messenger.machine_token(REVOKE), htu=f"http://localhost:8400{path_of(first)}"
    )
    assert code(answer) == (401, "dpop-proof-invalid")
    assert {world.grant(one).status for one in (first, second)} == {GrantStatus.ACTIVE}


@pytest.mark.parametrize(
    "grant_id", ["x", "%00", "A" * 4_000, "../v1/accounts", "00000000-0000-7000-8000-00000000000G"]
)
def test_what_is_no_id_is_not_found(world: World, grant_id: str) -> None:
    token = world.messenger.machine_token(QUERY)
    answer = world.messenger.calls("GET", path_of(grant_id), token)
    assert answer.status_code in {401, 404}, "401 where the proof cannot name such a path"


def test_a_proposal_is_none_of_the_platforms_grants_yet(world: World) -> None:
    grant_id = world.reaches_consent(world.browser())
    for method, scope in (("GET", QUERY), ("DELETE", REVOKE)):
        answer = world.messenger.calls(method, path_of(grant_id), world.messenger.machine_token(scope))
        assert code(answer) == (404, "not-found")
    with pytest.raises(NotFound):
        world.services.grants.give_back(PlatformActor(world.messenger.id, ""), grant_id)


@pytest.mark.parametrize(("method", "held", "needed"), [("GET", REVOKE, QUERY), ("DELETE", QUERY, REVOKE)])
def test_each_method_needs_its_own_scope(world: World, method: str, held: str, needed: str) -> None:
    grant_id = world.tokens()["grant_id"]
    answer = world.messenger.calls(method, path_of(grant_id), world.messenger.machine_token(held))
    assert code(answer) == (403, "scope-missing")
    assert f'error="insufficient_scope", scope="{needed}"' in answer.headers["WWW-Authenticate"]
    assert world.grant(grant_id).status is GrantStatus.ACTIVE


def test_what_cannot_be_logged_is_not_done(world: World, store: Store) -> None:
    grant_id, token = world.tokens()["grant_id"], world.messenger.machine_token(REVOKE)
    store.breaks_log_at("grant.revoked")
    answer = world.messenger.calls("DELETE", path_of(grant_id), token)
    assert code(answer) == (503, "log-unavailable")
    assert world.grant(grant_id).status is GrantStatus.ACTIVE
