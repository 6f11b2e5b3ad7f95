"""Requests that amend a live grant (Grant Management for OAuth 2.0, draft 03, §4)."""

import json
from typing import Any

import pytest
from oauth_app import App, location
from oauth_world import ALICE, BOB, World

from broker.audit.reader import Page, of_bank
from broker.grants.acts import Actor
from broker.grants.service import Part
from broker.policy.vocabulary import GrantStatus

WANTED = ("balances", "accounts")


def granted(world: World) -> dict[str, Any]:
    """Walk to the tokens of a grant of balances and transactions."""
    browser = world.browser()
    grant_id = world.reaches_consent(browser, scope="balances transactions")
    _, answer = location(browser.get(world.approves(grant_id, ("balances", "transactions"))))
    told: dict[str, Any] = world.messenger.redeems(answer["code"]).json
    return told


def is_live(world: World, told: dict[str, Any]) -> tuple[bool, bool]:
    """Say of access and refresh token whether they are live."""
    app = world.messenger
    return app.introspects(told["access_token"])["active"], app.introspects(told["refresh_token"])["active"]


def reaches_page(world: World, user: str = ALICE, **parameters: Any) -> tuple[Any, str, dict[str, str]]:
    """Follow a pushed request with a new browser, sign in, and return the browser and where it was led."""
    browser = world.browser()
    _, query = location(world.messenger.sends(browser, **parameters))
    path, answer = location(world.signs_in(browser, query["for"], user))
    return browser, path, answer


def agreed(world: World, categories: tuple[str, ...] = WANTED, **parameters: Any) -> dict[str, Any]:
    """Walk from a pushed request to new tokens."""
    browser, path, _ = reaches_page(world, **parameters)
    _, answer = location(browser.get(world.agrees(path.removeprefix("/consent/"), categories)))
    response = world.messenger.redeems(answer["code"])
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json
    return told


def test_create_says_what_would_happen_anyway(world: World) -> None:
    assert world.messenger.pushes(grant_management_action="create").status_code == 201


@pytest.mark.parametrize(
    "parameters",
    [
        {"grant_management_action": None},
        {"grant_management_action": "create"},
        {"grant_management_action": "Merge"},
        {"grant_management_action": "merge replace"},
        {"grant_management_action": "revoke"},
        {"grant_management_action": "query"},
        {"grant_id": None},
        {"grant_id": None, "grant_management_action": "replace"},
    ],
    ids=str,
)
@pytest.mark.fapi(83)
def test_an_action_and_a_grant_go_together(world: World, parameters: dict[str, Any]) -> None:
    told = granted(world)
    asked = world.messenger.merges(told["grant_id"]) | parameters
    response = world.messenger.pushes(**{name: value for name, value in asked.items() if value is not None})
    assert (response.status_code, response.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("grant_id", ["x", "0" * 36, "é", "018f3c1e-0000-7000-8000-000000000000", "x" * 60_000])
@pytest.mark.parametrize("action", ["merge", "replace"])
def test_an_unknown_grant_is_refused(world: World, grant_id: str, action: str) -> None:
    response = world.messenger.pushes(**world.messenger.merges(grant_id, grant_management_action=action))
    assert (response.status_code, response.json["error"]) == (400, "invalid_grant_id")


@pytest.mark.fapi(83)
def test_another_clients_grant_is_refused_like_an_unknown_one(world: World) -> None:
    asked = world.messenger.merges(granted(world)["grant_id"])
    refused = world.rival.pushes(**asked)
    unknown = world.rival.pushes(**{**asked, "grant_id": "018f3c1e-0000-7000-8000-000000000000"})
    assert (refused.status_code, refused.json) == (unknown.status_code, unknown.json)


def test_a_grant_that_has_ended_or_is_read_once_cannot_be_amended(world: World) -> None:
    ended = granted(world)["grant_id"]
    world.services.grants.revoke(Actor(ALICE, "0" * 8), ended, Part())
    element = {"type": "bank_data", "purpose": "chat_banking", "categories": [{"name": "balances"}]}
    browser = world.browser()
    once = world.reaches_consent(browser, authorization_details=json.dumps([{**element, "duration_type": "ONE_TIME"}]))
    world.approves(once, ("balances",))
    for grant_id in (ended, once):
        assert world.messenger.pushes(**world.messenger.merges(grant_id)).json["error"] == "invalid_grant_id"


@pytest.mark.parametrize(
    "members",
    [{"purpose": "account_overview"}, {"bank": "meridian"}, {"duration_type": "ONE_TIME"}],
    ids=str,
)
def test_a_grant_keeps_purpose_bank_and_kind_of_duration(world: World, members: dict[str, str]) -> None:
    element = {"type": "bank_data", "purpose": "chat_banking", "categories": [{"name": "balances"}]}
    asked = world.messenger.merges(granted(world)["grant_id"])
    response = world.messenger.pushes(**{**asked, "authorization_details": json.dumps([element | members])})
    assert (response.status_code, response.json["error"]) == (400, "invalid_authorization_details")


def test_the_union_is_judged_and_not_the_new_part_alone(world: World) -> None:
    told = granted(world)
    asked = world.messenger.merges(told["grant_id"])
    with world.services.database.write() as session:
        from broker.platforms.models import PlatformRow  # noqa: PLC0415 - one use

        session.get_one(PlatformRow, "messenger").scopes = ["accounts"]
    response = world.messenger.pushes(**asked)
    assert response.json["code"] == "category-not-granted"
    asked["grant_management_action"] = "replace"
    assert world.messenger.pushes(**asked).status_code == 201


def test_only_the_bank_of_the_grant_is_offered(world: World) -> None:
    browser = world.browser()
    asked = world.messenger.merges(granted(world)["grant_id"])
    _, query = location(world.messenger.sends(browser, **asked))
    assert browser.get(f"/test/wish/{query['for']}").json["banks"] == ["harbor"]


@pytest.mark.fapi(83)
def test_a_merge_keeps_the_grant_and_ends_the_tokens_of_before_with_its_code(world: World) -> None:
    before = granted(world)
    asked = world.messenger.merges(before["grant_id"])
    browser, path, _ = reaches_page(world, **asked)
    assert is_live(world, before) == (True, True)
    _, answer = location(browser.get(world.agrees(path.removeprefix("/consent/"), WANTED)))
    assert set(answer) == {"code", "state", "iss", "tenant"}  # draft 03, §4.3: without grant_id
    assert is_live(world, before) == (True, True)
    narrowed = world.messenger.refreshes(before["refresh_token"]).json
    assert narrowed["scope"] == "balances"  # never wider than what the token was given, nor than the grant is now
    response = world.messenger.redeems(answer["code"])
    assert response.json["grant_id"] == before["grant_id"]
    assert set(response.json["scope"].split()) == set(WANTED)
    assert is_live(world, before) == (False, False)
    assert is_live(world, {**before, "access_token": narrowed["access_token"]}) == (False, False)
    assert is_live(world, response.json) == (True, True)


def test_a_replacement_says_anew_what_is_granted(world: World) -> None:
    before = granted(world)
    asked = world.messenger.merges(before["grant_id"], grant_management_action="replace")
    told = agreed(world, ("accounts",), **asked)
    assert (told["grant_id"], told["scope"]) == (before["grant_id"], "accounts")
    assert is_live(world, before) == (False, False)
    assert world.grant(told["grant_id"]).version == 2


def test_an_amendment_can_be_amended(world: World) -> None:
    first = granted(world)
    second = agreed(world, **world.messenger.merges(first["grant_id"]))
    third = agreed(
        world, ("balances", "card_locations"), **world.messenger.merges(first["grant_id"], [{"name": "card_locations"}])
    )
    assert set(third["scope"].split()) == {"balances", "card_locations"}
    assert is_live(world, second) == (False, False)


def test_a_code_of_an_amendment_used_twice_ends_the_new_tokens_too(world: World) -> None:
    told = granted(world)
    browser, path, _ = reaches_page(world, **world.messenger.merges(told["grant_id"]))
    _, answer = location(browser.get(world.agrees(path.removeprefix("/consent/"), WANTED)))
    after = world.messenger.redeems(answer["code"]).json
    assert world.messenger.redeems(answer["code"]).json["error"] == "invalid_grant"
    assert is_live(world, after) == (False, False)


def test_an_amendment_whose_code_nobody_redeems_stands_with_the_old_tokens(world: World) -> None:
    before = granted(world)
    browser, path, _ = reaches_page(world, **world.messenger.merges(before["grant_id"]))
    browser.get(world.agrees(path.removeprefix("/consent/"), WANTED))
    world.watch.passes(3600)
    assert world.grant(before["grant_id"]).status is GrantStatus.ACTIVE
    assert world.messenger.refreshes(before["refresh_token"]).json["scope"] == "balances"


def test_a_no_brings_the_refusal_and_leaves_grant_and_tokens(world: World) -> None:
    before = granted(world)
    grant = world.grant(before["grant_id"])
    browser, path, _ = reaches_page(world, **world.messenger.merges(before["grant_id"]))
    amendment_id = path.removeprefix("/consent/")
    with world.services.database.read() as session:
        waiting = world.services.grant_reader.find_amendment(session, amendment_id, world.watch())
    assert waiting is not None
    assert location(browser.get(waiting.return_path))[0] == path
    world.services.amendments.refuse(Actor(ALICE, "0" * 8), amendment_id)
    _, answer = location(browser.get(waiting.return_path))
    assert (answer["error"], answer["state"]) == ("access_denied", "state & more")
    assert world.grant(before["grant_id"]) == grant
    assert is_live(world, before) == (True, True)


def test_a_no_to_what_was_overtaken_brings_the_refusal_too(world: World) -> None:
    before = granted(world)
    browser, path, _ = reaches_page(world, **world.messenger.merges(before["grant_id"]))
    agreed(world, **world.messenger.merges(before["grant_id"]))
    amendment_id = path.removeprefix("/consent/")
    with world.services.database.read() as session:
        waiting = world.services.grant_reader.find_amendment(session, amendment_id, world.watch())
    assert waiting is not None
    assert waiting.status_code == "amendment-superseded"
    world.services.amendments.refuse(Actor(ALICE, "0" * 8), amendment_id)
    _, answer = location(browser.get(waiting.return_path))
    assert (answer["error"], answer["state"]) == ("access_denied", "state & more")
    assert world.grant(before["grant_id"]).version == 2


def test_loading_the_page_again_leads_to_the_same_proposal(world: World) -> None:
    asked = world.messenger.merges(granted(world)["grant_id"])
    browser = world.browser()
    arrival = world.messenger.sends(browser, **asked)
    _, query = location(arrival)
    path, _ = location(world.signs_in(browser, query["for"]))
    again = browser.get(browser.get(f"/test/wish/{query['for']}").json["path"])
    assert location(again)[0] == path
    world.agrees(path.removeprefix("/consent/"), WANTED)
    decided = browser.get(browser.get(f"/test/wish/{query['for']}").json["path"])
    assert location(decided)[0] == "/oauth/authorize/answer"


def test_somebody_elses_grant_is_not_amended_by_who_signs_in(world: World) -> None:
    before = granted(world)
    grant = world.grant(before["grant_id"])
    _, path, answer = reaches_page(world, BOB, **world.messenger.merges(before["grant_id"]))
    assert (path, answer["error"]) == ("http://localhost:4199/cb", "access_denied")
    assert world.grant(before["grant_id"]) == grant
    assert world.events()[-1] == "grant.approved"


def test_a_grant_that_ends_before_the_browser_comes_is_told_to_the_app(world: World) -> None:
    grant_id = granted(world)["grant_id"]
    browser, app = world.browser(), world.messenger
    pushed = app.pushes(**app.merges(grant_id)).json["request_uri"]
    world.services.grants.revoke(Actor(ALICE, "0" * 8), grant_id, Part())
    _, answer = location(browser.get(f"/oauth/authorize?client_id={app.id}&request_uri={pushed}"))
    assert (answer["error"], "code" in answer) == ("invalid_grant_id", False)


def test_a_grant_that_ends_after_the_yes_gets_no_code(world: World) -> None:
    grant_id = granted(world)["grant_id"]
    browser, path, _ = reaches_page(world, **world.messenger.merges(grant_id))
    answer_path = world.agrees(path.removeprefix("/consent/"), WANTED)
    world.services.grants.revoke(Actor(ALICE, "0" * 8), grant_id, Part())
    _, answer = location(browser.get(answer_path))
    assert (answer["error"], "code" in answer) == ("access_denied", False)


def test_a_deselected_category_does_not_send_anybody_round_again(world: World) -> None:
    """The app asks for more than the person agrees to, and gets a code for the rest: there is no second question."""
    before = granted(world)
    told = agreed(world, ("balances",), **world.messenger.merges(before["grant_id"]))
    assert told["scope"] == "balances"


@pytest.mark.fapi(87)
def test_the_metadata_names_the_actions(world: World) -> None:
    told = App("anybody", world.browser(), world.watch).http.get("/.well-known/oauth-authorization-server").json
    assert set(told["grant_management_actions_supported"]) == {"query", "revoke", "create", "merge", "replace"}
    assert told["grant_management_action_required"] is False


def agrees_only(world: World, told: dict[str, Any], categories: tuple[str, ...], **parameters: Any) -> str:
    """Let the person agree to a change and return its code, which nobody has redeemed."""
    browser, path, _ = reaches_page(world, **world.messenger.merges(told["grant_id"], **parameters))
    _, answer = location(browser.get(world.agrees(path.removeprefix("/consent/"), categories)))
    return answer["code"]


def test_an_old_refresh_token_of_which_nothing_is_left_gives_no_empty_token(world: World) -> None:
    before = granted(world)
    code = agrees_only(world, before, ("accounts",), grant_management_action="replace")
    refused = world.messenger.refreshes(before["refresh_token"])
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")
    assert world.messenger.redeems(code).json["scope"] == "accounts"


def test_a_code_that_gives_no_tokens_ends_none(world: World) -> None:
    before = granted(world)
    actor, grant_id = Actor(ALICE, "0" * 8), before["grant_id"]
    narrowed = agrees_only(world, before, WANTED)
    assert world.messenger.redeems(narrowed, scope="card_locations").json["error"] == "invalid_scope"
    assert is_live(world, before) == (True, True)
    code = agrees_only(world, before, WANTED)
    world.services.grants.pause(actor, grant_id, Part())
    assert world.messenger.redeems(code).json["error"] == "invalid_grant"
    world.services.grants.resume(actor, grant_id, Part())
    assert is_live(world, before) == (True, True)


def test_what_the_log_says_that_was_asked_is_what_was_asked(world: World) -> None:
    told = granted(world)
    browser, app = world.browser(), world.messenger
    pushed = app.pushes(**app.merges(told["grant_id"])).json["request_uri"]
    with world.services.database.write() as session:
        from broker.platforms.models import PlatformRow  # noqa: PLC0415 - one use

        session.get_one(PlatformRow, app.id).scopes = ["accounts"]
    _, answer = location(browser.get(f"/oauth/authorize?client_id={app.id}&request_uri={pushed}"))
    assert answer["error"] == "access_denied"
    with world.services.database.read() as session:
        (entry,) = of_bank(session, world.services.sealer, "harbor", Page(1))
    assert entry.event == "grant.rejected"
    assert [term["name"] for term in entry.details["asked"]["categories"]] == ["accounts"]
