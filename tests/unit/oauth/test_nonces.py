"""Nonces of DPoP proofs (RFC 9449 §8, §9): asked for before anything is spent, one value for all, two servers apart."""

from dataclasses import replace

import pytest
from oauth_app import App
from oauth_world import World
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from broker.crypto.keyset import load_keyset
from broker.crypto.nonces import Audience, Nonces
from broker.edge.services import install
from broker.policy.vocabulary import MachineScope
from broker.storage.single_use import SingleUse

QUERY = MachineScope.GRANT_QUERY
UNKNOWN = "/oauth/grants/00000000-0000-7000-8000-000000000000"


@pytest.fixture
def strict(world: World) -> App:
    """An app whose proofs must hold nonces."""
    world.registers(world.messenger, requires_nonce=True)
    return world.messenger


def nonce_of(world: World, audience: Audience = "as") -> str:
    """What another process with the same key file gives out."""
    return Nonces(load_keyset(world.services.settings.key_file).cookie, audience).current(world.watch())


def spent(world: World) -> int:
    with world.services.database.read() as session:
        return session.scalar(select(func.count()).select_from(SingleUse)) or 0


def challenged(response: TestResponse, status: int) -> str:
    """Demand the one challenge that clients understand, and return the nonce that came with it."""
    assert response.status_code == status, response.text
    if status == 400:
        assert response.json["error"] == "use_dpop_nonce"  # type: ignore[index]  # OAuth's errors are objects
    else:
        (challenge,) = response.headers.getlist("WWW-Authenticate")
        assert challenge.count("DPoP ") == 1
        assert 'error="use_dpop_nonce"' in challenge
    assert response.headers["Cache-Control"] == "no-store"
    return response.headers["DPoP-Nonce"]


def test_the_token_endpoint_asks_for_a_nonce_and_takes_it(world: World, strict: App) -> None:
    nonce = challenged(strict.asks_for_itself(QUERY), 400)
    assert nonce == nonce_of(world)
    answer = strict.asks_for_itself(QUERY, nonce=nonce)
    assert (answer.status_code, answer.headers["DPoP-Nonce"]) == (200, nonce)


def test_a_challenged_request_has_spent_nothing_and_may_come_again_as_it_was(world: World, strict: App) -> None:
    code, assertion, before = world.code(), strict.assertion(), spent(world)
    challenged(strict.redeems(code, client_assertion=assertion), 400)
    assert spent(world) == before
    answer = strict.redeems(code, client_assertion=assertion, dpop=strict.proof(nonce=nonce_of(world)))
    assert answer.status_code == 200
    assert spent(world) == before + 2
    refresh = answer.json["refresh_token"]  # type: ignore[index]  # status checked
    challenged(strict.refreshes(refresh), 400)
    assert strict.refreshes(refresh, dpop=strict.proof(nonce=nonce_of(world))).status_code == 200


def test_a_pushed_request_with_a_proof_needs_the_nonce_and_one_without_a_proof_does_not(
    world: World, strict: App
) -> None:
    challenged(strict.pushes(dpop=strict.proof("/oauth/par")), 400)
    pushed = strict.pushes(dpop=strict.proof("/oauth/par", nonce=nonce_of(world)))
    assert (pushed.status_code, pushed.headers["DPoP-Nonce"]) == (201, nonce_of(world))
    assert strict.pushes().status_code == 201


def test_the_grant_resource_asks_for_a_nonce_of_its_own(world: World, strict: App) -> None:
    token = strict.machine_token(QUERY, nonce=nonce_of(world))
    before = spent(world)
    nonce = challenged(strict.calls("GET", UNKNOWN, token), 401)
    assert nonce == nonce_of(world, "rs") != nonce_of(world)
    assert spent(world) == before
    answer = strict.calls("GET", UNKNOWN, token, nonce=nonce)
    assert answer.status_code == 404
    assert "DPoP-Nonce" not in answer.headers, "on a refusal it would ask for one more try"


def test_a_nonce_of_the_other_server_is_answered_with_a_challenge(world: World, strict: App) -> None:
    challenged(strict.asks_for_itself(QUERY, nonce=nonce_of(world, "rs")), 400)
    token = strict.machine_token(QUERY, nonce=nonce_of(world))
    challenged(strict.calls("GET", UNKNOWN, token, nonce=nonce_of(world)), 401)


@pytest.mark.parametrize("nonce", ["", "made-up", "x" * 4_000])
def test_a_nonce_that_is_not_ours_is_answered_with_a_challenge(strict: App, nonce: str) -> None:
    challenged(strict.asks_for_itself(QUERY, nonce=nonce), 400)


def test_an_honest_client_is_never_refused_when_the_window_changes(world: World, strict: App) -> None:
    """It uses what the last good answer gave it; a call every minute, across many windows."""
    nonce = nonce_of(world)
    seen = set()
    for _ in range(10):
        answer = strict.asks_for_itself(QUERY, nonce=nonce)
        assert answer.status_code == 200
        nonce = answer.headers["DPoP-Nonce"]
        seen.add(nonce)
        world.watch.passes(60)
    assert len(seen) >= 5


def test_an_old_nonce_is_asked_for_anew(world: World, strict: App) -> None:
    old = nonce_of(world)
    world.watch.passes(240)
    assert challenged(strict.asks_for_itself(QUERY, nonce=old), 400) != old


def test_who_need_not_is_neither_asked_nor_offered_and_any_nonce_will_do(world: World) -> None:
    for nonce in (None, "", "of another server"):
        answer = world.messenger.asks_for_itself(QUERY, nonce=nonce)
        assert answer.status_code == 200
        assert "DPoP-Nonce" not in answer.headers


def test_the_operator_can_want_nonces_of_everybody(world: World) -> None:
    tokens, machine = world.tokens(), world.rival.machine_token(QUERY)
    settings = replace(world.services.settings, dpop_nonce_required=True)
    install(world.app, replace(world.services, settings=settings))
    challenged(world.messenger.refreshes(tokens["refresh_token"]), 400)
    challenged(world.rival.asks_for_itself(QUERY), 400)
    challenged(world.rival.calls("GET", UNKNOWN, machine), 401)


def test_a_replayed_proof_with_a_good_nonce_is_refused_without_a_new_nonce(world: World, strict: App) -> None:
    made = strict.proof(nonce=nonce_of(world))
    request = {"grant_type": "client_credentials", "scope": QUERY.value}
    assert strict.post("/oauth/token", dpop=made, **request).status_code == 200
    again = strict.post("/oauth/token", dpop=made, **request)
    assert (again.status_code, again.json["error"]) == (400, "invalid_dpop_proof")  # type: ignore[index]  # OAuth's errors are objects
    assert "DPoP-Nonce" not in again.headers
