"""What resource servers and platforms learn of tokens, and how tokens are ended (RFC 7662, RFC 7009)."""

import pytest
from oauth_app import BASE
from oauth_world import World
from sqlalchemy import text


@pytest.mark.fapi(65)
def test_introspection_tells_a_resource_server_all_it_needs(world: World) -> None:
    told = world.tokens()
    seen = world.api.introspects(told["access_token"])
    now = int(world.watch.now.timestamp())
    assert {name: seen[name] for name in ("active", "client_id", "grant_id", "token_type", "iat", "exp")} == {
        "active": True,
        "client_id": "messenger",
        "grant_id": told["grant_id"],
        "token_type": "DPoP",
        "iat": now,
        "exp": now + 300,
    }
    assert seen["cnf"] == {"jkt": world.messenger.dpop_key.thumbprint()}
    assert (seen["iss"], seen["aud"], len(seen["sub"])) == (BASE, BASE, 22)
    assert seen["authorization_details"][0]["accounts"] == ["acc-1"]


@pytest.mark.fapi(40, 77)
def test_introspection_says_no_more_than_inactive_of_anything_else(world: World) -> None:
    told = world.tokens()
    inactive = {"active": False}
    assert world.rival.introspects(told["access_token"]) == inactive
    assert world.api.introspects(told["refresh_token"]) == inactive
    assert world.messenger.introspects(told["access_token"])["active"] is True
    assert "cnf" not in world.messenger.introspects(told["refresh_token"])
    assert world.api.introspects("bkr_at_unknown") == inactive
    world.watch.passes(301)
    assert world.api.introspects(told["access_token"]) == inactive
    assert world.messenger.post("/oauth/introspect").json["error"] == "invalid_request"


def test_revoking_an_access_token_ends_that_token_alone(world: World) -> None:
    told = world.tokens()
    response = world.messenger.post("/oauth/revoke", token=told["access_token"], token_type_hint="refresh_token")
    assert response.status_code == 200
    assert world.api.introspects(told["access_token"]) == {"active": False}
    assert world.messenger.refreshes(told["refresh_token"]).status_code == 200


@pytest.mark.fapi(76)
def test_revoking_a_refresh_token_ends_all_tokens_but_not_the_grant(world: World) -> None:
    told = world.tokens()
    assert world.messenger.post("/oauth/revoke", token=told["refresh_token"]).status_code == 200
    assert world.api.introspects(told["access_token"]) == {"active": False}
    assert world.messenger.refreshes(told["refresh_token"]).json["error"] == "invalid_grant"
    assert world.grant(told["grant_id"]).status == "ACTIVE"


def test_revoking_unknown_or_foreign_tokens_changes_nothing_and_says_nothing(world: World) -> None:
    told = world.tokens()
    for token in (told["access_token"], told["refresh_token"], "unknown", "x" * 5000):
        assert world.rival.post("/oauth/revoke", token=token).status_code == 200
    assert world.api.introspects(told["access_token"])["active"] is True
    assert world.messenger.post("/oauth/revoke").json["error"] == "invalid_request"


@pytest.mark.fapi(76)
def test_a_revocation_that_cannot_be_stored_is_not_claimed(world: World) -> None:
    told = world.tokens()
    with world.services.database.write() as session:
        session.execute(text("ALTER TABLE single_use RENAME TO gone"))
    response = world.messenger.post("/oauth/revoke", token=told["access_token"])
    assert (response.status_code, response.json["error"]) == (503, "temporarily_unavailable")
    assert response.headers["Retry-After"]
    with world.services.database.write() as session:
        session.execute(text("ALTER TABLE gone RENAME TO single_use"))
    assert world.api.introspects(told["access_token"])["active"] is True


def test_a_grant_that_cannot_be_read_is_told_without_a_word_of_why(world: World) -> None:
    told = world.tokens()
    with world.services.database.write() as session:
        session.execute(text("UPDATE grant_accounts SET sealed_account = :junk"), {"junk": b"\0"})
    response = world.api.post("/oauth/introspect", token=told["access_token"])
    assert (response.status_code, response.json["error"], response.json["code"]) == (
        500,
        "server_error",
        "internal-error",
    )
    assert "seal" not in response.text
