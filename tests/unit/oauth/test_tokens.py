"""Redeeming codes and refresh tokens (RFC 6749 §4.1.3 and §6, RFC 7636 §4.6, RFC 9449 §5)."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc.jwk import ECKey
from oauth_app import ASKED, BASE, location, proof
from oauth_world import ALICE, BOB, World

from broker.grants.acts import Actor
from broker.grants.service import Part
from broker.tokens.models import CodeRow, TokenRow

ME = Actor(ALICE, "0" * 8)


def refusal(response: Any, error: str) -> bool:
    assert response.status_code == 400, response.text
    assert response.headers["Cache-Control"] == "no-store"
    return bool(response.json["error"] == error)


@pytest.mark.fapi(25, 49)
def test_a_code_used_twice_ends_the_tokens_of_its_first_use(world: World) -> None:
    code = world.code()
    told = world.messenger.redeems(code).json
    assert world.api.introspects(told["access_token"])["active"] is True
    assert refusal(world.messenger.redeems(code), "invalid_grant")
    assert world.api.introspects(told["access_token"]) == {"active": False}
    assert refusal(world.messenger.refreshes(told["refresh_token"]), "invalid_grant")


def test_of_ten_who_redeem_one_code_at_once_one_wins(world: World) -> None:
    code = world.code()

    def redeem(_: int) -> int:
        app = world.messenger
        request = app.authenticated(grant_type="authorization_code", code=code, code_verifier=app.verifier)
        request["redirect_uri"] = "http://localhost:4199/cb?tenant=a%2Fb"
        client = world.app.test_client()
        return client.post("/oauth/token", data=request, headers={"DPoP": app.proof()}).status_code

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(redeem, range(10))) == [200] + [400] * 9


@pytest.mark.parametrize(
    "parameters",
    [
        {"code": "bkr_ac_unknown"},
        {"redirect_uri": None},
        {"redirect_uri": "http://localhost:4199/cb"},
        {"code_verifier": None},
        {"code_verifier": "w" * 50},
        {"code_verifier": "short"},
        {"code_verifier": "é" * 50},
    ],
)
@pytest.mark.fapi(21, 43)
def test_a_code_needs_everything_it_is_bound_to(world: World, parameters: dict[str, Any]) -> None:
    code = world.code()
    assert refusal(world.messenger.redeems(code, **parameters), "invalid_grant")
    assert world.messenger.redeems(code).status_code == 200


def test_a_token_request_without_the_code_or_refresh_token_itself_is_no_request(world: World) -> None:
    """RFC 6749 §5.2: what is missing is `invalid_request`, and nothing is used up by it."""
    code = world.code()
    for empty in (None, ""):
        assert refusal(world.messenger.redeems(code, code=empty), "invalid_request")
    told = world.messenger.redeems(code)
    assert told.status_code == 200
    for empty in (None, ""):
        assert refusal(world.messenger.refreshes("x", refresh_token=empty), "invalid_request")
    assert world.messenger.refreshes(told.json["refresh_token"]).status_code == 200


def test_a_code_is_worth_nothing_to_another_client_or_after_a_minute(world: World) -> None:
    code = world.code()
    assert refusal(world.rival.redeems(code), "invalid_grant")
    world.watch.passes(61)
    assert refusal(world.messenger.redeems(code), "invalid_grant")


@pytest.mark.fapi(16)
def test_a_code_is_bound_to_the_dpop_key_named_when_pushing(world: World) -> None:
    app, other = world.messenger, ECKey.generate_key("P-256")
    for parameters in ({"dpop": app.proof("/oauth/par")}, {"dpop_jkt": app.dpop_key.thumbprint()}):
        code = world.code(**parameters)
        stolen = proof(other, world.watch, url=BASE + "/oauth/token")
        assert refusal(app.redeems(code, dpop=stolen), "invalid_grant")
        assert app.redeems(code).status_code == 200


@pytest.mark.fapi(9, 64)
def test_every_token_request_needs_a_fresh_proof(world: World) -> None:
    app, code = world.messenger, world.code()
    request = {"grant_type": "authorization_code", "code": code, "code_verifier": app.verifier}
    missing = app.post("/oauth/token", redirect_uri="http://localhost:4199/cb?tenant=a%2Fb", **request)
    assert (missing.json["error"], missing.json["code"]) == ("invalid_dpop_proof", "dpop-proof-missing")
    used = app.proof()
    told = app.redeems(code, dpop=used)
    assert told.status_code == 200
    assert refusal(app.refreshes(told.json["refresh_token"], dpop=used), "invalid_dpop_proof")


def test_a_grant_that_ended_before_its_code_was_redeemed_gives_no_token(world: World) -> None:
    code = world.code()
    world.services.grants.revoke_all(ME)
    response = world.messenger.redeems(code)
    assert refusal(response, "invalid_grant")
    assert response.json["code"] == "grant-revoked"


def test_a_first_token_can_be_narrow_while_the_refresh_token_keeps_the_grant(world: World) -> None:
    told = world.messenger.redeems(world.code(), scope="balances").json
    assert told["scope"] == "balances"
    assert world.messenger.refreshes(told["refresh_token"]).json["scope"] == "balances transactions card_locations"
    assert refusal(world.messenger.redeems(world.code(), scope="accounts"), "invalid_scope")


@pytest.mark.parametrize(
    "grant_type", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer", "x" * 5000]
)
@pytest.mark.fapi(44)
def test_other_grant_types_are_not_supported(world: World, grant_type: str) -> None:
    response = world.messenger.post("/oauth/token", dpop=world.messenger.proof(), grant_type=grant_type)
    assert refusal(response, "unsupported_grant_type")


def test_a_one_time_grant_has_no_refresh_token(world: World) -> None:
    element = {name: value for name, value in ASKED[0].items() if name != "duration_days"}
    told = world.tokens(authorization_details=json.dumps([{**element, "duration_type": "ONE_TIME"}]))
    assert "refresh_token" not in told
    (details,) = told["authorization_details"]
    assert details["duration_type"] == "ONE_TIME"
    assert "duration_days" not in details


@pytest.mark.fapi(13, 63)
def test_a_refresh_token_is_not_rotated_and_takes_a_new_dpop_key(world: World) -> None:
    refresh = world.tokens()["refresh_token"]
    other = ECKey.generate_key("P-256")
    for _ in range(2):
        told = world.messenger.refreshes(refresh, dpop=proof(other, world.watch, url=BASE + "/oauth/token")).json
        assert "refresh_token" not in told
        assert world.api.introspects(told["access_token"])["cnf"] == {"jkt": other.thumbprint()}


@pytest.mark.fapi(46, 72)
def test_a_refresh_can_narrow_and_never_widen(world: World) -> None:
    refresh = world.tokens()["refresh_token"]
    told = world.messenger.refreshes(refresh, scope="balances").json
    assert told["scope"] == "balances"
    assert world.api.introspects(told["access_token"])["scope"] == "balances"
    details = [{"type": "bank_data", "categories": [{"name": "transactions", "detail": "detail"}]}]
    told = world.messenger.refreshes(refresh, authorization_details=json.dumps(details)).json
    assert told["scope"] == "transactions"
    assert world.messenger.refreshes(refresh).json["scope"] == "balances transactions card_locations"
    for scope in ("accounts", "balances accounts", "everything", " "):
        assert refusal(world.messenger.refreshes(refresh, scope=scope), "invalid_scope")


@pytest.mark.parametrize(
    "element",
    [
        {"type": "bank_data"},
        {"type": "bank_data", "categories": []},
        {"type": "bank_data", "categories": [{"name": "accounts"}]},
        {"type": "bank_data", "categories": [{"name": ["balances"]}]},
        {"type": "bank_data", "categories": ["balances"]},
        {"type": "bank_data", "categories": [{"name": "card_locations", "precision": "exact"}]},
        {"type": "bank_data", "categories": [{"name": "transactions", "detail": "basic"}]},
        {"type": "bank_data", "categories": [{"name": "balances"}], "accounts": ["acc-1", "acc-2"]},
        {"type": "bank_data", "categories": [{"name": "balances"}], "duration_days": 91},
        {"type": "bank_data", "categories": [{"name": "balances"}], "bank": "meridian"},
        {"type": "bank_data", "categories": [{"name": "balances"}], "more": 1},
    ],
)
@pytest.mark.fapi(72)
def test_details_outside_the_grant_are_refused_at_refresh(world: World, element: dict[str, Any]) -> None:
    refresh = world.tokens()["refresh_token"]
    response = world.messenger.refreshes(refresh, authorization_details=json.dumps([element]))
    assert refusal(response, "invalid_authorization_details")


def test_a_client_may_send_back_the_details_it_was_told(world: World) -> None:
    told = world.tokens()
    again = json.dumps(told["authorization_details"])
    assert world.messenger.refreshes(told["refresh_token"], authorization_details=again).status_code == 200
    both = world.messenger.refreshes(told["refresh_token"], authorization_details=again, scope="balances")
    assert refusal(both, "invalid_request")


def test_only_a_living_refresh_token_of_this_client_refreshes(world: World) -> None:
    told = world.tokens()
    assert refusal(world.rival.refreshes(told["refresh_token"]), "invalid_grant")
    assert refusal(world.messenger.refreshes(told["access_token"]), "invalid_grant")
    assert refusal(world.messenger.refreshes("bkr_rt_unknown"), "invalid_grant")
    world.watch.passes(91 * 86_400)
    assert world.messenger.refreshes(told["refresh_token"]).json["code"] == "grant-expired"


def test_a_revoked_grant_stops_refresh_and_introspection_at_once(world: World) -> None:
    told = world.tokens()
    world.services.grants.revoke(ME, told["grant_id"], Part())
    assert world.api.introspects(told["access_token"]) == {"active": False}
    assert world.messenger.refreshes(told["refresh_token"]).json["code"] == "grant-revoked"


def test_a_paused_grant_keeps_its_refresh_token_and_is_inactive_meanwhile(world: World) -> None:
    told = world.tokens()
    world.services.grants.pause(ME, told["grant_id"], Part())
    paused = world.messenger.refreshes(told["refresh_token"]).json
    assert world.api.introspects(paused["access_token"]) == {"active": False}
    world.services.grants.resume(ME, told["grant_id"], Part())
    assert world.api.introspects(paused["access_token"])["active"] is True


@pytest.mark.fapi(74)
def test_a_revoked_category_leaves_scope_and_details(world: World) -> None:
    told = world.tokens()
    world.services.grants.revoke(ME, told["grant_id"], Part(category="balances"))
    seen = world.api.introspects(told["access_token"])
    assert seen["scope"] == "transactions card_locations"
    assert "balances" not in json.dumps(seen)
    assert world.messenger.refreshes(told["refresh_token"]).json["scope"] == "transactions card_locations"
    assert refusal(world.messenger.refreshes(told["refresh_token"], scope="balances"), "invalid_scope")


def test_a_paused_category_is_granted_but_not_live(world: World) -> None:
    told = world.tokens()
    world.services.grants.pause(ME, told["grant_id"], Part(category="balances"))
    assert world.api.introspects(told["access_token"])["scope"] == "transactions card_locations"
    assert "balances" in world.messenger.refreshes(told["refresh_token"]).json["scope"]


def test_the_database_holds_digests_and_no_token(world: World) -> None:
    told = world.tokens()
    world.services.database.close()
    folder = world.services.settings.data_dir
    content = b"".join(file.read_bytes() for file in folder.glob("broker.db*"))
    for secret in (told["access_token"], told["refresh_token"]):
        assert secret.encode() not in content
    with world.services.database.read() as session:
        assert (session.query(TokenRow).count(), session.query(CodeRow).count()) == (2, 1)


def test_people_have_other_names_at_each_platform_and_for_each_other(world: World) -> None:
    browser = world.browser()
    _, query = location(world.messenger.sends(browser))
    path, _ = location(world.signs_in(browser, query["for"], user=BOB))
    _, answer = location(browser.get(world.approves(path.removeprefix("/consent/"), user=BOB)))
    bob = world.messenger.redeems(answer["code"]).json["access_token"]
    alice = world.tokens()["access_token"]
    subjects = {world.api.introspects(token)["sub"] for token in (alice, bob)}
    assert len(subjects) == 2
    assert not subjects & {ALICE, BOB}
