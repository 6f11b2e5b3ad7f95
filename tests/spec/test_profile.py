"""Sentences of the profile that no other test says alone (FAPI 2.0, RFC 9449, RFC 9728, Grant Management)."""

import json
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.edge import BASE
from tests.support.town_flow import BALANCES, Flow, landed, told

_SECRET = re.compile(r"[A-Za-z0-9_-]{43,}")


def _decided(messenger: Flow, browser: FlaskClient, decision: str, **fields: str) -> TestResponse:
    """Walk to the end of the browser's way: the redirect that leads home to the platform."""
    page = messenger.reaches_consent(browser, messenger.pushes(**fields))
    accounts = re.findall(r'name="account"[^>]*value="([^"]+)"', browser.get(page).text)
    choice = {"category": "balances", "account": accounts[0], "duration": "30", "history": "30"}
    decided = messenger.decides(browser, page, decision, **choice)
    assert decided.status_code == 303
    return browser.get(decided.headers["Location"])


@pytest.mark.fapi(26)
@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_every_redirect_of_the_way_is_a_303(messenger: Flow, decision: str) -> None:
    browser = messenger.town.browser(None)
    assert messenger.arrives(browser, messenger.pushes()).status_code == 303
    assert _decided(messenger, messenger.town.browser(None), decision).status_code == 303


@pytest.mark.fapi(30)
@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_a_state_of_2000_characters_comes_back_whole(messenger: Flow, decision: str) -> None:
    state = "\u00e9&=+% /?#" * 222 + "xx"
    answer = _decided(messenger, messenger.town.browser(None), decision, state=state)
    assert landed(answer)["state"] == state


@pytest.mark.fapi(31)
def test_a_token_response_says_nothing_of_who_the_person_is(messenger: Flow) -> None:
    tokens = messenger.tokens()
    assert set(tokens) == {
        *("access_token", "token_type", "expires_in", "refresh_token"),
        *("scope", "grant_id", "authorization_details"),
    }
    assert messenger.town.people["alice"].user_id not in json.dumps(tokens)
    assert "alice" not in json.dumps(tokens).lower()


@pytest.mark.fapi(34)
@pytest.mark.parametrize("place", ["access_token", "token", "authorization", "body"])
def test_a_token_in_the_address_or_the_body_is_not_read(messenger: Flow, place: str) -> None:
    token = messenger.tokens()["access_token"]
    headers = {"DPoP": messenger.proof(BALANCES, token, "GET")}
    if place == "body":
        answer = messenger.http.get(BALANCES, data={"access_token": token}, headers=headers)
    else:
        answer = messenger.http.get(BALANCES, query_string={place: token}, headers=headers)
    assert told(answer) == (401, "token-missing")


@pytest.mark.fapi(35)
def test_what_is_guessed_has_256_random_bits(messenger: Flow) -> None:
    share = messenger.share()
    tokens, other = messenger.tokens(share), messenger.tokens(share)
    secrets = [tokens["access_token"], tokens["refresh_token"], messenger.code(share)]
    secrets += [other["access_token"], json.loads(messenger.pushes().text)["request_uri"]]
    assert all(_SECRET.fullmatch(re.split(r"bkr_.._|request_uri:", secret)[1]) for secret in secrets)
    assert len(set(secrets)) == len(secrets)


@pytest.mark.fapi(43)
@pytest.mark.parametrize(
    "fields",
    [
        {"code_challenge": None},
        {"code_challenge": ""},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
    ],
    ids=str,
)
def test_a_verifier_without_a_challenge_cannot_come_about(messenger: Flow, fields: dict[str, str | None]) -> None:
    assert told(messenger.pushes(**fields)) == (400, "invalid_request")


@pytest.mark.fapi(50)
@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For", "Forwarded", "X-Original-URL", "Host"]
)
def test_no_header_of_a_proxy_is_believed(messenger: Flow, header: str) -> None:
    value = {"Forwarded": "host=evil.example;proto=https", "X-Forwarded-Proto": "https"}.get(header, "evil.example")
    token = messenger.tokens()["access_token"]
    told_of = messenger.http.get("/.well-known/oauth-authorization-server", headers={header: value})
    assert json.loads(told_of.text)["issuer"] == BASE
    assert "evil" not in told_of.text
    proof = messenger.proof(BALANCES, token, "GET")
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof, header: value}
    assert messenger.http.get(BALANCES, headers=headers).status_code == 200
    stolen = messenger.proof(BALANCES, token, "GET", htu=f"http://evil.example{BALANCES}")
    answer = messenger.http.get(BALANCES, headers={**headers, "DPoP": stolen})
    assert told(answer) == (401, "dpop-proof-invalid")


@pytest.mark.fapi(80)
def test_the_challenge_says_where_the_metadata_of_the_api_is(messenger: Flow) -> None:
    challenge = messenger.http.get(BALANCES).headers["WWW-Authenticate"]
    (address,) = re.findall(r'resource_metadata="([^"]+)"', challenge)
    assert address == f"{BASE}/.well-known/oauth-protected-resource"
    assert json.loads(messenger.http.get(address.removeprefix(BASE)).text)["resource"] == BASE


@pytest.mark.fapi(84)
def test_the_redirect_does_not_name_the_grant_and_the_token_response_does(messenger: Flow) -> None:
    answer = landed(_decided(messenger, messenger.town.browser(None), "approve"))
    assert set(answer) == {"code", "state", "iss"}
    assert json.loads(messenger.redeems(answer["code"]).text)["grant_id"]
