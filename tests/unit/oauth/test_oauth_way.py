"""The way through the browser: pushed, signed in, decided, answered; and what stops it."""

import json
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from oauth_app import ASKED, BASE, CALLBACK, SCOPES, location
from oauth_world import ALICE, BOB, World

from broker.grants.acts import Actor
from broker.oauth import requests
from broker.platforms.models import PlatformRow
from broker.policy.vocabulary import GrantStatus
from broker.storage.base import Base


@pytest.mark.fapi(23, 52, 62, 73)
def test_a_request_leads_over_sign_in_and_consent_to_a_code_and_tokens(world: World) -> None:
    browser = world.browser()
    path, query = location(world.messenger.sends(browser))
    assert path == "/sign-in"
    wish = browser.get(f"/test/wish/{query['for']}").json
    assert (wish["asker"], sorted(wish["banks"])) == ("Messenger", ["harbor", "meridian"])
    consent, _ = location(world.signs_in(browser, query["for"]))
    grant_id = consent.removeprefix("/consent/")
    response = browser.get(world.approves(grant_id, ("balances", "card_locations")))
    assert response.headers["Location"].startswith(CALLBACK + "&code=bkr_ac_")
    _, answer = location(response)
    assert {k: answer[k] for k in ("state", "iss", "tenant")} == {"state": "state & more", "iss": BASE, "tenant": "a/b"}
    told = world.messenger.redeems(answer["code"]).json
    assert told["token_type"] == "DPoP"
    assert told["expires_in"] == 300
    assert told["scope"] == "balances card_locations"
    assert told["grant_id"] == grant_id
    assert told["refresh_token"].startswith("bkr_rt_")
    (details,) = told["authorization_details"]
    assert details["accounts"] == ["acc-1"]
    assert details["bank"] == "harbor"
    assert details["categories"] == [{"name": "balances"}, {"name": "card_locations", "precision": "town"}]
    assert (details["duration_type"], details["duration_days"], details["lookback_days"]) == ("TIME_BOUND", 90, 60)


@pytest.mark.fapi(30)
def test_loading_the_page_again_leads_to_the_same_proposal(world: World) -> None:
    browser = world.browser()
    first = world.reaches_consent(browser)
    key = world.grant(first).consent_key
    wish = browser.get(f"/test/wish/{key[:16]}").json
    again, _ = location(browser.get(wish["path"]))
    assert again == f"/consent/{first}"
    assert world.events().count("grant.proposed") == 1


def test_a_request_belongs_to_the_first_browser_that_comes(world: World) -> None:
    pushed = world.messenger.pushes().json
    path = "/oauth/authorize?" + urlencode({"client_id": "messenger", "request_uri": pushed["request_uri"]})
    location(world.browser().get(path))
    other = world.browser().get(path)
    assert (other.status_code, other.text) == (400, "page: request-expired")


def test_looking_at_an_address_with_head_neither_binds_a_request_nor_spends_its_answer(world: World) -> None:
    pushed = world.messenger.pushes().json
    path = "/oauth/authorize?" + urlencode({"client_id": "messenger", "request_uri": pushed["request_uri"]})
    assert world.browser().head(path).status_code == 405
    browser = world.browser()
    _, query = location(browser.get(path))
    consent, _ = location(world.signs_in(browser, query["for"]))
    answer = world.approves(consent.removeprefix("/consent/"), ("balances",))
    assert browser.head(answer).status_code == 405
    assert "code=" in browser.get(answer).headers["Location"]


@pytest.mark.fapi(27, 56)
def test_a_request_uri_nobody_came_with_expires_after_five_minutes(world: World) -> None:
    pushed = world.messenger.pushes().json
    world.watch.passes(301)
    path = "/oauth/authorize?" + urlencode({"client_id": "messenger", "request_uri": pushed["request_uri"]})
    assert world.browser().get(path).text == "page: request-expired"


@pytest.mark.fapi(48, 55)
def test_another_clients_or_an_unknown_request_uri_never_redirects(world: World) -> None:
    request_uri = world.messenger.pushes().json["request_uri"]
    for client_id, uri in (("rival", request_uri), ("nobody", request_uri), ("messenger", requests.URN + "x" * 43)):
        response = world.browser().get("/oauth/authorize?" + urlencode({"client_id": client_id, "request_uri": uri}))
        assert (response.status_code, response.text) == (400, "page: not-found")


@pytest.mark.parametrize("query", ["", "client_id=messenger", "client_id=a&client_id=b&request_uri=c", "client_id=%00"])
def test_a_malformed_visit_is_told_on_a_page(world: World, query: str) -> None:
    response = world.browser().get(f"/oauth/authorize?{query}")
    assert (response.status_code, response.text) == (400, "page: invalid-request")


def test_other_parameters_of_the_address_change_nothing(world: World) -> None:
    request_uri = world.messenger.pushes().json["request_uri"]
    query = {"client_id": "messenger", "request_uri": request_uri, "redirect_uri": "https://evil.test", "scope": "all"}
    browser = world.browser()
    _, wish = location(browser.get("/oauth/authorize?" + urlencode(query)))
    path, _ = location(world.signs_in(browser, wish["for"]))
    _, answer = location(browser.get(world.approves(path.removeprefix("/consent/"))))
    assert answer["code"]


def test_a_sign_in_made_for_another_wish_must_be_repeated(world: World) -> None:
    browser = world.browser()
    world.reaches_consent(browser)
    path, _ = location(world.messenger.sends(browser))
    assert path == "/sign-in"


def test_staff_never_reach_a_consent(world: World) -> None:
    browser = world.browser()
    _, query = location(world.messenger.sends(browser))
    staff = {"user": "", "bank": "harbor", "wish": query["for"], "role": "auditor"}
    browser.post("/test/sign-in", json=staff)
    path, _ = location(browser.get(browser.get(f"/test/wish/{query['for']}").json["path"]))
    assert path == "/sign-in"


def test_a_person_signed_in_at_another_bank_than_asked_is_sent_to_sign_in_again(world: World) -> None:
    browser = world.browser()
    asked = [{**ASKED[0], "bank": "harbor"}]
    _, query = location(world.messenger.sends(browser, authorization_details=json.dumps(asked)))
    assert browser.get(f"/test/wish/{query['for']}").json["banks"] == ["harbor"]
    path, _ = location(world.signs_in(browser, query["for"], bank="meridian"))
    assert path == "/sign-in"


@pytest.mark.fapi(23)
def test_a_refusal_is_brought_with_state_and_issuer(world: World) -> None:
    browser = world.browser()
    grant_id = world.reaches_consent(browser)
    world.services.consents.refuse(Actor(ALICE, "0"), grant_id)
    address, answer = location(browser.get(world.grant(grant_id).return_path))
    assert address == CALLBACK.partition("?")[0]
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "state & more", BASE)
    assert "code" not in answer


def test_an_undecided_request_leads_back_to_the_consent_page(world: World) -> None:
    browser = world.browser()
    grant_id = world.reaches_consent(browser)
    path, _ = location(browser.get(world.grant(grant_id).return_path))
    assert path == f"/consent/{grant_id}"


@pytest.mark.fapi(30)
def test_a_request_is_answered_once(world: World) -> None:
    browser = world.browser()
    grant_id = world.reaches_consent(browser)
    path = world.approves(grant_id)
    location(browser.get(path))
    assert browser.get(path).text == "page: request-answered"
    wish = world.grant(grant_id).consent_key[:16]
    assert browser.get(browser.get(f"/test/wish/{wish}").json["path"]).text == "page: request-answered"


def test_a_decided_request_that_is_loaded_again_goes_on_to_its_answer(world: World) -> None:
    browser = world.browser()
    grant_id = world.reaches_consent(browser)
    path = world.approves(grant_id)
    wish = world.grant(grant_id).consent_key[:16]
    again = browser.get(browser.get(f"/test/wish/{wish}").json["path"])
    assert again.headers["Location"] == path


def test_another_browser_does_not_get_the_answer(world: World) -> None:
    path = world.approves(world.reaches_consent(world.browser()))
    for address in (path, "/oauth/authorize/answer?request=" + "0" * 64, "/oauth/authorize/answer?request=..%2F"):
        assert world.browser().get(address).text == "page: not-found"


def test_who_signs_in_again_gets_the_answer_to_their_own_decision_and_nobody_else(world: World) -> None:
    grant_id = world.reaches_consent(world.browser())
    alice, bob = world.browser(), world.browser()
    for browser, user in ((alice, ALICE), (bob, "00000000-0000-7000-8000-0000000000b0")):
        browser.post("/test/sign-in", json={"user": user, "bank": "harbor", "wish": "other"})
    assert alice.get(world.grant(grant_id).return_path).text == "page: not-found", "nothing is decided yet"
    path = world.approves(grant_id)
    assert bob.get(path).text == "page: not-found"
    assert "code=" in alice.get(path).headers["Location"]
    assert alice.get(path).text == "page: request-answered"


def test_a_grant_that_was_ended_before_the_answer_gives_no_code(world: World) -> None:
    browser = world.browser()
    grant_id = world.reaches_consent(browser)
    path = world.approves(grant_id)
    world.services.grants.revoke_all(Actor(ALICE, "0"))
    _, answer = location(browser.get(path))
    assert answer["error"] == "access_denied"


def test_the_time_to_decide_ends(world: World) -> None:
    browser = world.browser()
    grant_id = world.reaches_consent(browser)
    world.watch.passes(601)
    assert world.grant(grant_id).status is GrantStatus.EXPIRED
    assert browser.get(world.grant(grant_id).return_path).text == "page: consent-expired"


@pytest.mark.fapi(56)
def test_a_redirect_uri_that_is_no_longer_registered_gets_no_visitor(world: World) -> None:
    request_uri = world.messenger.pushes().json["request_uri"]
    with world.services.database.write() as session:
        session.get_one(PlatformRow, "messenger").redirect_uris = ["https://elsewhere.test/cb"]
    query = urlencode({"client_id": "messenger", "request_uri": request_uri})
    assert world.browser().get(f"/oauth/authorize?{query}").text == "page: invalid-request"


@pytest.mark.fapi(56)
def test_a_platform_that_lost_its_purpose_is_told_so_without_asking_anybody(world: World) -> None:
    request_uri = world.messenger.pushes().json["request_uri"]
    with world.services.database.write() as session:
        session.get_one(PlatformRow, "messenger").purposes = []
    query = urlencode({"client_id": "messenger", "request_uri": request_uri})
    response = world.browser().get(f"/oauth/authorize?{query}")
    answer = parse_qs(urlsplit(response.headers["Location"]).query)
    assert (answer["error"], answer["iss"]) == (["access_denied"], [BASE])


def test_two_people_in_one_browser_do_not_share_a_proposal(world: World) -> None:
    browser = world.browser()
    _, query = location(world.messenger.sends(browser))
    first, _ = location(world.signs_in(browser, query["for"], user=ALICE))
    second, _ = location(world.signs_in(browser, query["for"], user=BOB))
    assert first != second


def test_old_requests_are_forgotten_a_day_after_their_end(world: World) -> None:
    request_uri = world.messenger.pushes().json["request_uri"]
    key = requests.key_of(request_uri)
    for hours, is_there in ((1, True), (25, False)):
        world.watch.passes(hours * 3600)
        with world.services.database.write() as session:
            requests.forget_old_requests(session, world.watch())
            assert (requests.find(session, world.services.sealer, key) is not None) is is_there


@pytest.mark.fapi(41)
def test_the_stored_request_reveals_nothing(world: World) -> None:
    request_uri = world.messenger.pushes().json["request_uri"]
    with world.services.database.read() as session:
        rows = [row for table in Base.metadata.sorted_tables for row in session.execute(table.select())]
    content = "".join(map(repr, rows))
    assert "messenger" in content
    for text in (request_uri.removeprefix(requests.URN), "state & more", SCOPES[3] + '", "detail'):
        assert text not in content
