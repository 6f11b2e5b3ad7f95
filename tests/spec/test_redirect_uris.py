"""A redirect URI is one string (FAPI 2.0 §5.3.2.2, RFC 9700 §4.1.3): 300 others like it are refused everywhere."""

import json
import re
from dataclasses import replace
from random import Random

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from werkzeug.test import TestResponse

from broker.errors import InvalidRequest
from broker.platforms.service import Platform, add, find
from broker.tokens.codes import Code, issue_code
from tests.support.platform_client import details
from tests.support.prompt import promptly
from tests.support.redirect_corpus import REGISTERED, forms
from tests.support.town import Town
from tests.support.town_client import client_post

FORMS = forms()
VERIFIER = "v" * 43
_NO_HTTPS_ADDRESS = ("http:", "javascript:", "JavaScript:", "data:", "file:", "//", "/", " ", "\t", "\x00")
_DANGEROUS = re.compile(r"[#\\*\s\x00-\x1f]|^https://[^/?]*@")
_REGISTRABLE = ("https://m.example/cb", "https://m.example:8443/cb?x=1", "https://xn--mnchen-3ya.example/cb")


@pytest.fixture(scope="module", autouse=True)
def careful(town: Town) -> Platform:
    """A platform with the one redirect URI that all others are compared with."""
    town.keys["careful"] = town.keys["messenger"]
    with town.house.database.read() as session:
        known = find(session, "messenger")
    assert known is not None
    platform = replace(known, id="careful", redirect_uris=(REGISTERED,))
    _register(town, platform)
    return platform


def _register(town: Town, platform: Platform) -> None:
    with town.house.database.write() as session:
        add(session, town.services.catalogue, platform, http_loopback=True, now=town.house.watch())


def _pushes(town: Town, uri: str) -> TestResponse:
    form = {"response_type": "code", "code_challenge": create_s256_code_challenge(VERIFIER), "redirect_uri": uri}
    form |= {"code_challenge_method": "S256", "authorization_details": json.dumps(details("balances"))}
    return client_post(town, "careful", "/oauth/par", form)


def _error(answer: TestResponse) -> tuple[int, str]:
    assert "Location" not in answer.headers
    return answer.status_code, json.loads(answer.text)["error"]


def test_there_are_more_than_300_forms_and_each_is_another_string() -> None:
    assert len(set(FORMS)) == len(FORMS) >= 300
    assert REGISTERED not in FORMS


def test_the_registered_uri_itself_is_taken(town: Town) -> None:
    assert _pushes(town, REGISTERED).status_code == 201


@pytest.mark.parametrize("uri", FORMS, ids=[f"form-{number}" for number in range(len(FORMS))])
@pytest.mark.fapi(11, 42)
def test_a_redirect_uri_like_the_registered_one_is_refused_when_pushed(town: Town, uri: str) -> None:
    answer = promptly(lambda: _pushes(town, uri))
    assert _error(answer) == (400, "invalid_request"), uri
    assert len(uri) < 20 or uri not in answer.text


@pytest.mark.fapi(42)
def test_a_code_is_not_redeemed_with_any_other_form_of_its_redirect_uri(town: Town) -> None:
    share = town.shares_with("alice", "harbor", "careful", town.terms(("balances",), Random(1)), (0,))
    issued = Code(share.grant_id, "careful", REGISTERED, create_s256_code_challenge(VERIFIER), None)
    with town.house.database.write() as session:
        code = issue_code(session, issued, town.house.watch())

    def redeems(uri: str) -> TestResponse:
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "redirect_uri": uri}
        return client_post(town, "careful", "/oauth/token", form)

    for uri in FORMS:
        error = _error(redeems(uri))
        # What no form may hold at all is refused as a request, before the code is looked for.
        assert error == (400, "invalid_request" if "\x00" in uri else "invalid_grant"), uri
    assert redeems(REGISTERED).status_code == 200


def test_what_the_browser_says_of_redirect_uris_is_not_read(town: Town) -> None:
    browser = town.browser(None)
    for uri in FORMS[::20]:
        query = {"client_id": "careful", "request_uri": "urn:ietf:params:oauth:request_uri:x", "redirect_uri": uri}
        answer = promptly(lambda query=query: browser.get("/oauth/authorize", query_string=query))  # type: ignore[misc] # a bound lambda
        assert answer.status_code in {400, 404}
        assert "Location" not in answer.headers


@pytest.mark.parametrize("uri", _REGISTRABLE)
def test_an_address_of_https_can_be_registered(town: Town, careful: Platform, uri: str) -> None:
    _register(town, replace(careful, id="another", redirect_uris=(uri,)))


@pytest.mark.fapi(24)
def test_what_leads_no_browser_safely_home_cannot_be_registered(town: Town, careful: Platform) -> None:
    dangerous = [uri for uri in FORMS if uri.startswith(_NO_HTTPS_ADDRESS) or _DANGEROUS.search(uri)]
    assert len(dangerous) >= 80
    taken = []
    for uri in dangerous:
        try:
            _register(town, replace(careful, id="another", redirect_uris=(uri,)))
        except InvalidRequest:
            continue
        taken.append(uri)
    assert taken == []
