"""What went wrong at other authorization servers, each mistake as a test of its own.

Of Keycloak, Fosite, django-oauth-toolkit, node-oidc-provider, Authlib and marshmallow, by their advisories and issues.
"""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey

from broker.app import create_app
from broker.crypto.digests import base64url, digest
from broker.grants.service import Part
from broker.storage.single_use import forget_expired
from tests.support.edge import BASE
from tests.support.hostile import sound
from tests.support.jose_corpus import EVERYWHERE, Good
from tests.support.platform_client import details
from tests.support.town import CALLBACK
from tests.support.town_flow import BALANCES, VERIFIER, Flow, fresh, told

_FORMS = ("/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/introspect")
_URN = "urn:ietf:params:oauth:grant-type:"


# Keycloak


@pytest.mark.parametrize(
    "who", ["the person ends the grant", "the platform ends its refresh token", "the code is replayed"]
)
def test_a_refresh_that_races_a_revoke_leaves_no_token_alive(messenger: Flow, who: str) -> None:
    share = messenger.share()
    code = messenger.code(share)
    tokens = json.loads(messenger.redeems(code).text)
    ends = {
        "the person ends the grant": lambda: messenger.town.ends(share, "revoked"),
        "the platform ends its refresh token": lambda: messenger.revokes(tokens["refresh_token"]),
        "the code is replayed": lambda: messenger.redeems(code),
    }[who]
    flows = [Flow(messenger.town) for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        racing = [pool.submit(flow.refreshes, tokens["refresh_token"]) for flow in flows]
        pool.submit(ends).result()
        answers = [one.result() for one in racing]
    issued = [json.loads(answer.text)["access_token"] for answer in answers if answer.status_code == 200]
    assert {answer.status_code for answer in answers} <= {200, 400}
    # After the end none refreshes, and whatever was issued before it opens nothing.
    assert told(messenger.refreshes(tokens["refresh_token"])) == (400, "invalid_grant")
    for token in [*issued, tokens["access_token"]]:
        assert messenger.calls(token).status_code in {401, 403}
        assert messenger.introspects(token) == {"active": False}


@pytest.mark.parametrize("what", ["access", "refresh", "code", "assertion", "proof"])
def test_a_restart_revives_nothing_that_was_spent(messenger: Flow, what: str) -> None:
    share = messenger.share()
    code, assertion, proof = messenger.code(share), messenger.assertion(), messenger.proof("/oauth/token")
    tokens = json.loads(messenger.redeems(code, proof=proof, client_assertion=assertion).text)
    if what in {"access", "refresh"}:
        assert messenger.revokes(tokens["refresh_token"]).status_code == 200
    again = Flow(messenger.town)
    again.http = create_app(messenger.town.services).test_client()  # nothing but the database has stayed
    answer = {
        "access": lambda: again.calls(tokens["access_token"]),
        "refresh": lambda: again.refreshes(tokens["refresh_token"]),
        "code": lambda: again.redeems(code),
        "assertion": lambda: again.refreshes(tokens["refresh_token"], client_assertion=assertion),
        "proof": lambda: again.refreshes(tokens["refresh_token"], proof=proof),
    }[what]()
    expected = {
        "access": (401, "token-expired"),
        "assertion": (401, "invalid_client"),
        "proof": (400, "invalid_dpop_proof"),
    }
    assert told(answer) == expected.get(what, (400, "invalid_grant"))


@pytest.mark.parametrize(
    "grant_type",
    [
        *("password", "implicit", "token", "refresh_token ", "authorization_code\t", "AUTHORIZATION_CODE"),
        *(f"{_URN}{name}" for name in ("jwt-bearer", "saml2-bearer", "token-exchange", "device_code", "uma-ticket")),
        *("urn:openid:params:grant-type:ciba", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ],
)
@pytest.mark.fapi(7)
def test_no_other_grant_type_goes_past_the_person(messenger: Flow, grant_type: str) -> None:
    assertion = messenger.assertion()
    form = {"grant_type": grant_type, "assertion": assertion, "subject_token": assertion, "scope": "balances"}
    form |= {
        "username": "alice",
        "password": "x",
        "device_code": "x",
        "auth_req_id": "x",
        "refresh_token": "x",
        "code": "x",
    }
    assert told(messenger.post("/oauth/token", form)) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("first", ["an assertion", "a proof", "a proof of another key", "another client's assertion"])
@pytest.mark.parametrize("second", ["an assertion", "a proof"])
def test_one_value_of_jti_is_used_once_for_each_purpose_and_no_purpose_takes_it_from_another(
    messenger: Flow, rival: Flow, first: str, second: str
) -> None:
    value, refresh = fresh(), messenger.tokens()["refresh_token"]

    def uses(what: str) -> int:
        if what == "another client's assertion":
            return rival.post(
                "/oauth/introspect", {"token": "x", "client_assertion": rival.assertion(jti=value)}
            ).status_code
        if what == "an assertion":
            return messenger.refreshes(refresh, client_assertion=messenger.assertion(jti=value)).status_code
        flow = messenger if what == "a proof" else messenger.with_new_key()
        return flow.refreshes(refresh, proof=flow.proof("/oauth/token", jti=value)).status_code

    assert uses(first) == 200
    assert uses(second) == (200 if first != second else 401 if second == "an assertion" else 400)


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 61, 119, 300, 599, 600, 605, 609, 611, 660, 700])
def test_a_long_assertion_is_remembered_for_as_long_as_it_would_be_good(messenger: Flow, seconds: int) -> None:
    assertion = messenger.assertion(exp=messenger.now + 600)
    form = {"token": "x", "client_assertion": assertion}
    assert messenger.post("/oauth/introspect", form, proof="").status_code == 200
    _wait(messenger, seconds)
    assert told(messenger.post("/oauth/introspect", form, proof="")) == (401, "invalid_client")


@pytest.mark.parametrize("ahead", [0, 10])
@pytest.mark.parametrize("seconds", [0, 1, 30, 59, 60, 61, 69, 70, 71, 90, 120])
@pytest.mark.fapi(69)
def test_a_proof_is_remembered_for_as_long_as_it_would_be_good(messenger: Flow, seconds: int, ahead: int) -> None:
    tokens = messenger.tokens()
    proof = messenger.proof(BALANCES, tokens["access_token"], "GET", iat=messenger.now + ahead)
    assert messenger.calls(tokens["access_token"], proof=proof).status_code == 200
    _wait(messenger, seconds)
    status, code = told(messenger.calls(tokens["access_token"], proof=proof))
    assert (status, code) in {(401, "dpop-proof-replayed"), (401, "dpop-proof-invalid")}


def _wait(flow: Flow, seconds: float) -> None:
    """Let time pass, and forget what may be forgotten, as the worker does."""
    flow.town.house.watch.passes(seconds=seconds)
    with flow.town.house.database.write() as session:
        forget_expired(session, flow.town.house.watch())


_TOKEN = "bkr_at_" + "x" * 43


@pytest.mark.parametrize(
    "ath",
    [
        *(None, "", base64url(digest(_TOKEN)), base64url(digest("")), 7, True, [], {}),
        *("{token}", "{digest}=", "{hex}", "{short}", "{upper}", ["{digest}"]),
    ],
    ids=str,
)
@pytest.mark.fapi(60)
def test_a_proof_names_the_token_it_comes_with(messenger: Flow, ath: Any) -> None:
    token = messenger.tokens()["access_token"]
    named = base64url(digest(token))
    words = {"{token}": token, "{digest}=": f"{named}=", "{hex}": digest(token).hex(), "{short}": named[:-1]}
    words |= {"{upper}": named.swapcase()}
    value = words.get(ath, ath) if isinstance(ath, str) else [named] if ath == ["{digest}"] else ath
    claims = {"jti": fresh(), "htm": "GET", "htu": BASE + BALANCES, "iat": messenger.now}
    good = Good(messenger.client.dpop_key.private_key, _proof_header(messenger), {**claims, "ath": value})
    assert told(messenger.calls(token, proof=good.with_claims())) == (401, "dpop-proof-invalid")
    assert messenger.calls(token).status_code == 200


def _proof_header(flow: Flow) -> dict[str, Any]:
    return {"alg": "ES256", "typ": "dpop+jwt", "jwk": flow.client.dpop_key.as_dict(private=False)}


@pytest.mark.parametrize(
    "uri",
    [
        *("http://localhost:4199/..;/cb", "http://localhost:4199/cb/..;/", "http://localhost:4199/cb..;/x"),
        *(
            "http://localhost:4199@a@evil.example/cb",
            "http://a@b@localhost:4199/cb",
            "http://evil.example@localhost:4199/cb",
        ),
        *("JavaScript:alert(1)", "javascript://localhost:4199/cb", "data:text/html,x", "http://localhost:4198/cb"),
        *("http://localhost/cb", "http://localhost:41999/cb", "http://127.0.0.1:4199/cb", "http://[::1]:4199/cb"),
        *("http://user:pass@localhost:4199/cb", "http://localhost:4199/cb/*", "http://localhost:4199/cb%2f..%2fevil"),
    ],
)
def test_no_trick_with_a_redirect_uri_gets_past_the_comparison(messenger: Flow, uri: str) -> None:
    answer = messenger.pushes(redirect_uri=uri)
    assert told(answer) == (400, "invalid_request")
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "secret", ["state-canary", "request_uri:", CALLBACK, "bank_data", "balances", "code_challenge"]
)
def test_no_parameter_of_a_request_is_in_a_cookie(messenger: Flow, secret: str) -> None:
    browser = messenger.town.browser(None)
    arrived = messenger.arrives(browser, messenger.pushes())
    cookies = arrived.headers.getlist("Set-Cookie")
    assert len(cookies) == 1
    value = cookies[0].partition("=")[2].partition(";")[0]
    assert value.startswith("bkr_ws_")  # a random id, and its content is sealed in the database
    assert len(value) < 64
    assert secret not in cookies[0]
    assert base64url(secret.encode())[:-2] not in cookies[0]


@pytest.fixture(scope="module")
def trap() -> Iterator[socket.socket]:
    """An address inside that nobody is to call."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.mark.parametrize(
    "place", ["request_uri", "logo_uri", "jwks_uri", "client_uri", "policy_uri", "tos_uri", "jku", "x5u"]
)
def test_no_address_of_a_request_is_ever_called(messenger: Flow, trap: socket.socket, place: str) -> None:
    address = f"http://127.0.0.1:{trap.getsockname()[1]}/{place}"
    if place in {"jku", "x5u"}:
        good = Good(messenger.client.key.private_key, {"alg": "ES256", place: address}, {"sub": "messenger"})
        proof = Good(
            ECKey.generate_key("P-256").private_key, {**_proof_header(messenger), place: address}, {"jti": "x"}
        )
        messenger.pushes(client_assertion=good.text())
        messenger.pushes(proof=proof.text())
    else:
        messenger.pushes(**{place: address})
        messenger.town.browser(None).get("/oauth/authorize", query_string={"client_id": "messenger", place: address})
    with pytest.raises(BlockingIOError):
        trap.accept()


@pytest.mark.parametrize("what", ["code", "refresh", "revoke", "introspect", "request_uri", "account"])
def test_what_is_checked_for_one_is_never_done_for_another(messenger: Flow, rival: Flow, what: str) -> None:
    mine, theirs = messenger.tokens(), rival.tokens(rival.share(person="bob"))
    theirs_code = rival.code(rival.share(person="bob"))
    if what == "request_uri":
        pushed = rival.pushes()
        assert messenger.arrives(messenger.town.browser(None), pushed).status_code in {400, 404}
        return
    if what == "account":
        account = theirs["authorization_details"][0]["accounts"][0]
        assert told(messenger.calls(mine["access_token"], f"/v1/accounts/{account}/balance"))[0] in {403, 404}
        return
    answer = {
        "code": lambda: told(messenger.redeems(theirs_code, client_id="messenger")),
        "refresh": lambda: told(messenger.refreshes(theirs["refresh_token"], client_id="messenger")),
        "revoke": lambda: (messenger.revokes(theirs["access_token"]).status_code, "nothing said"),
        "introspect": lambda: (200, f"active: {messenger.introspects(theirs['access_token'])['active']}"),
    }[what]()
    assert answer in {(400, "invalid_grant"), (200, "nothing said"), (200, "active: False")}
    assert messenger.redeems(theirs_code, client_id="ledgerly").status_code == 401
    assert rival.calls(theirs["access_token"]).status_code == 200
    assert rival.redeems(theirs_code).status_code == 200


# Fosite


@pytest.mark.parametrize("path", _FORMS)
def test_what_could_not_be_stored_is_answered_with_503(messenger: Flow, path: str) -> None:
    tokens = messenger.tokens()
    form = {"token": tokens["access_token"], "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    form |= {
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    form["authorization_details"] = json.dumps(details("balances"))
    messenger.town.house.runs("ALTER TABLE single_use RENAME TO gone")
    answer = messenger.post(path, form)
    messenger.town.house.runs("ALTER TABLE gone RENAME TO single_use")
    assert told(answer) == (503, "temporarily_unavailable")
    assert answer.headers["Retry-After"]
    assert messenger.calls(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("first", _FORMS)
@pytest.mark.parametrize("second", _FORMS)
def test_an_assertion_used_at_one_endpoint_is_used_at_all(messenger: Flow, first: str, second: str) -> None:
    assertion = messenger.assertion()
    form = {"client_assertion": assertion, "token": "x", "grant_type": "refresh_token", "refresh_token": "x"}
    form |= {
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    form["authorization_details"] = json.dumps(details("balances"))
    assert messenger.post(first, form).status_code != 401
    assert told(messenger.post(second, form)) == (401, "invalid_client")


@pytest.mark.parametrize(
    "query",
    [
        {"redirect_uri": "https://evil.example/"},
        {"client_id": "messenger", "redirect_uri": "https://evil.example/"},
        {"client_id": "messenger", "redirect_uri": CALLBACK, "response_type": "code"},
        {"client_id": "messenger", "redirect_uri": CALLBACK, "response_type": "token"},
        {"client_id": "messenger", "redirect_uri": CALLBACK, "scope": "everything", "state": "x"},
        {"client_id": "nobody", "redirect_uri": "https://evil.example/", "response_type": "code"},
        {"client_id": "messenger", "redirect_uri": CALLBACK, "request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"client_id": "messenger", "request_uri": "https://evil.example/request.jwt"},
        {"client_id": "messenger", "request": "eyJhbGciOiJub25lIn0.e30.", "redirect_uri": CALLBACK},
        {"client_id": "messenger", "redirect_uri": CALLBACK, "response_mode": "form_post", "prompt": "none"},
        {"client_id": "messenger\x00", "redirect_uri": CALLBACK},
        {"error": "access_denied", "redirect_uri": "https://evil.example/"},
    ],
    ids=" ".join,
)
@pytest.mark.fapi(48)
def test_no_error_redirects_before_the_request_has_been_checked(messenger: Flow, query: dict[str, str]) -> None:
    answer = messenger.town.browser(None).get(f"/oauth/authorize?{urlencode(query)}")
    assert answer.status_code in {400, 404}
    assert "Location" not in answer.headers
    assert answer.mimetype == "text/html"


# django-oauth-toolkit


@pytest.mark.parametrize("fate", ["revoked", "paused", "category-revoked", "account-removed"])
@pytest.mark.fapi(86)
def test_what_a_person_ends_is_ended_for_the_refresh_token_too(messenger: Flow, fate: str) -> None:
    share = messenger.share("balances")
    tokens = messenger.tokens(share)
    messenger.town.ends(share, fate)
    refreshed = messenger.refreshes(tokens["refresh_token"])
    if fate in {"revoked", "category-revoked"}:
        assert told(refreshed) == (400, "invalid_grant")
        return
    token = json.loads(refreshed.text)["access_token"]
    answer = messenger.calls(token)
    if fate == "paused":
        assert told(answer) == (403, "grant-paused")
        return
    removed, kept = share.accounts
    assert answer.status_code == 200
    assert removed not in answer.text
    assert kept in answer.text


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "id_token", "\x07"])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.fapi(76)
def test_revoking_another_clients_token_ends_nothing(messenger: Flow, rival: Flow, kind: str, hint: str | None) -> None:
    theirs = rival.tokens()
    assert messenger.revokes(theirs[kind], token_type_hint=hint).status_code == 200
    assert rival.calls(theirs["access_token"]).status_code == 200
    assert rival.refreshes(theirs["refresh_token"]).status_code == 200


# node-oidc-provider


@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("seconds", [61, 90, 91, 300, 3_600, 10**9, 10**18])
@pytest.mark.fapi(17)
def test_an_assertion_from_the_future_is_refused(messenger: Flow, claim: str, seconds: int) -> None:
    assertion = messenger.assertion(**{claim: messenger.now + seconds, "exp": messenger.now + 300})
    assert told(messenger.post("/oauth/introspect", {"token": "x", "client_assertion": assertion})) == (
        401,
        "invalid_client",
    )


@pytest.mark.parametrize(
    "name",
    [
        *(
            "authorization_details[0]",
            "authorization_details[0][type]",
            "authorization_details[]",
            "authorization_details[9]",
        ),
        *(
            "authorization_details.type",
            "authorization_details[0].type",
            "AUTHORIZATION_DETAILS",
            " authorization_details",
        ),
    ],
)
def test_a_sparse_array_among_the_parameters_is_no_array(messenger: Flow, name: str) -> None:
    answer = messenger.pushes(authorization_details=None, **{name: json.dumps(details("balances"))})
    assert told(answer) == (400, "invalid_request")


@pytest.mark.parametrize(
    "name",
    ["response_type", "redirect_uri", "state", "code_challenge", "code_challenge_method", "authorization_details"],
)
@pytest.mark.parametrize("second", ["the same", "another", ""])
def test_a_parameter_that_stands_twice_is_refused(messenger: Flow, name: str, second: str) -> None:
    form = {"response_type": "code", "redirect_uri": CALLBACK, "state": "s", "code_challenge": "c" * 43}
    form |= {"code_challenge_method": "S256", "authorization_details": json.dumps(details("balances"))}
    twice = [form[name], form[name] if second == "the same" else second]
    assert told(messenger.pushes(**{name: twice})) == (400, "invalid_request")


@pytest.mark.parametrize(
    "htu", [7, True, [BASE + BALANCES], {"href": BASE + BALANCES}, {"toString": "x"}, 1.5, []], ids=str
)
def test_an_htu_that_is_no_text_is_refused(messenger: Flow, htu: Any) -> None:
    token = messenger.tokens()["access_token"]
    assert told(messenger.calls(token, htu=htu)) == (401, "dpop-proof-invalid")


# Authlib


@pytest.mark.parametrize(
    "name",
    [
        *(
            "alg 'none'",
            "none without a signature",
            "crit of something unknown",
            "crit that is empty",
            "zip with a bomb",
        ),
        *(
            "HS256 with the public key as PEM",
            "a header of 30,000 characters",
            "60,000 letters",
            "a header that is a list",
        ),
        *("claims that are null", "two dots", "nothing", "claims that are deep", "letters of another script"),
    ],
)
@pytest.mark.parametrize("path", _FORMS)
def test_an_assertion_that_upset_a_library_is_refused_without_an_accident(
    messenger: Flow, path: str, name: str
) -> None:
    claims = {"iss": "messenger", "sub": "messenger", "aud": BASE, "jti": fresh(), "iat": messenger.now}
    header = {"alg": "ES256", "kid": messenger.client.key.kid, "jwk": messenger.client.key.as_dict(private=False)}
    good = Good(messenger.client.key.private_key, header, {**claims, "exp": messenger.now + 60})
    answer = messenger.post(path, {"client_assertion": EVERYWHERE[name](good), "token": "x"})
    sound(answer)
    assert told(answer) == (401, "invalid_client")


def test_the_key_that_an_assertion_brings_along_is_not_looked_at(messenger: Flow) -> None:
    own = ECKey.generate_key("P-256")
    claims = {"iss": "messenger", "sub": "messenger", "aud": BASE, "jti": fresh(), "iat": messenger.now}
    header = {"alg": "ES256", "jwk": own.as_dict(private=False)}
    forged = Good(own.private_key, header, {**claims, "exp": messenger.now + 60}).text()
    assert told(messenger.post("/oauth/introspect", {"token": "x", "client_assertion": forged})) == (
        401,
        "invalid_client",
    )


# marshmallow


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("scope", value) for value in (" ", "  ", ",", "[]", "\t", "balances,transactions")),
        *(
            ("authorization_details", value)
            for value in ("[]", "[{}]", "null", '[{"type":"bank_data","categories":[]}]')
        ),
        *(
            ("authorization_details", value)
            for value in ('[{"type":"bank_data"}]', '[{"type":"bank_data","categories":{}}]')
        ),
        ("authorization_details", '[{"type":"bank_data","categories":null}]'),
        ("authorization_details", '[{"type":"bank_data","categories":[{}]}]'),
    ],
)
def test_a_list_of_nothing_never_means_everything(messenger: Flow, field: str, value: str) -> None:
    tokens = messenger.tokens()
    error = "invalid_scope" if field == "scope" else "invalid_authorization_details"
    assert told(messenger.refreshes(tokens["refresh_token"], **{field: value})) == (400, error)
    assert told(messenger.redeems(messenger.code(messenger.share()), **{field: value})) == (400, error)
    share = messenger.share("balances", "transactions")
    messenger.town.services.grants.revoke(messenger.town.people["alice"], share.grant_id, Part(category="balances"))
    assert json.loads(messenger.redeems(messenger.code(share), code_verifier=VERIFIER).text)["scope"] == "transactions"
