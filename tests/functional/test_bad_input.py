"""Hostile and mistaken callers: each gets a clear, coded error, nothing leaks, nothing is a 500."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from joserfc.jwk import ECKey

from tests.support.actors import Person, Staff
from tests.support.pages import Browser
from tests.support.platform_client import PlatformClient, Tokens, details
from tests.support.world import World


def url(info: dict[str, Any], name: str, account_id: str = "") -> str:
    return str(info["api"][name]).replace("{accountId}", account_id)


def problem(answer: requests.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    assert uuid.UUID(answer.headers["x-fapi-interaction-id"])
    return answer.status_code, answer.json()["code"]


def oauth_error(answer: requests.Response) -> tuple[int, str]:
    assert "no-store" in answer.headers["Cache-Control"]
    return answer.status_code, answer.json()["error"]


@pytest.fixture(scope="module")
def client(info: dict[str, Any]) -> PlatformClient:
    return PlatformClient.of(info)


@pytest.fixture(scope="module")
def maya(info: dict[str, Any]) -> Person:
    return Person.of(info, "harbor")


@pytest.fixture(scope="module")
def shared(client: PlatformClient, maya: Person) -> Tokens:
    return maya.shares(client, "balances", "transactions")


@pytest.fixture
def fault(info: dict[str, Any]) -> Iterator[Any]:
    """Sets a fault of Harbor Bank and takes it away again."""
    address = next(bank["faults_url"] for bank in info["banks"] if bank["id"] == "harbor")

    def set_fault(name: str) -> None:
        assert requests.post(address, data={"fault": name}, timeout=10).status_code == 204

    yield set_fault
    set_fault("none")


on_sqlite = pytest.mark.parametrize("world", ["sqlite"], indirect=True)
"""For what no database has a part in; the rest runs on both."""


@on_sqlite
class TestPushedRequests:
    def test_an_unknown_client_is_refused_without_saying_why(
        self, info: dict[str, Any], client: PlatformClient
    ) -> None:
        stranger = PlatformClient(info["issuer"], "nobody-knows-me", client.jwk)
        assert oauth_error(stranger.push(details("balances"))) == (401, "invalid_client")

    def test_a_known_client_with_another_key_is_refused(self, info: dict[str, Any], client: PlatformClient) -> None:
        key = ECKey.generate_key("P-256", {"kid": client.key.kid}).as_dict(private=True)
        thief = PlatformClient(info["issuer"], client.client_id, key)
        assert oauth_error(thief.push(details("balances"))) == (401, "invalid_client")

    @pytest.mark.parametrize("audience", [["{issuer}"], "{issuer}/oauth/token", "{issuer}/oauth/par", "{issuer}/"])
    @pytest.mark.fapi(12)
    def test_the_audience_of_an_assertion_is_the_issuer_as_one_string(
        self, client: PlatformClient, audience: str | list[str]
    ) -> None:
        named = json.loads(json.dumps(audience).replace("{issuer}", client.issuer))
        answer = client.push(details("balances"), client_assertion=client.assertion(aud=named))
        assert oauth_error(answer) == (401, "invalid_client")

    def test_an_assertion_serves_once(self, client: PlatformClient) -> None:
        assertion = client.assertion()
        assert client.push(details("balances"), client_assertion=assertion).status_code == 201
        assert oauth_error(client.push(details("balances"), client_assertion=assertion)) == (401, "invalid_client")

    @pytest.mark.parametrize(
        "uri",
        [
            "http://localhost:4199/cb/",
            "http://localhost:4199/cb?x=1",
            "http://localhost:4198/cb",
            "http://LOCALHOST:4199/cb",
            "http://localhost:4199/cb#f",
            "http://localhost:4199/./cb",
            "http://evil@localhost:4199/cb",
            "https://evil.example/cb",
            "javascript:alert(1)",
            "",
        ],
    )
    def test_a_redirect_uri_is_matched_exactly_and_never_followed(self, client: PlatformClient, uri: str) -> None:
        answer = client.push(details("balances"), redirect_uri=uri)
        assert oauth_error(answer) == (400, "invalid_request")
        assert "Location" not in answer.headers

    @pytest.mark.parametrize(
        "fields",
        [
            {"code_challenge": None},
            {"code_challenge_method": "plain"},
            {"code_challenge_method": None},
            {"code_challenge": "short"},
            {"response_type": "token"},
            {"response_type": None},
            {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        ],
    )
    def test_a_request_outside_the_profile_is_refused(self, client: PlatformClient, fields: dict[str, Any]) -> None:
        status, error = oauth_error(client.push(details("balances"), **fields))
        assert (status, error) in {(400, "invalid_request"), (400, "unsupported_response_type")}

    @pytest.mark.parametrize(
        ("wanted", "code"),
        [
            ("{not json", None),
            ("[]", None),
            ('{"type":"bank_data"}', None),
            ('[{"type":"payment"}]', None),
            ("[" * 5000, None),
            (details("balances")[0], None),
            (details("balances") * 2, None),
            ([{"type": "bank_data", "purpose": "chat_banking", "categories": []}], None),
            (details("passwords"), None),
            (details("balances", purpose="targeted_advertising"), "purpose-forbidden"),
            (details("balances", purpose="resale"), "purpose-forbidden"),
            (details("card_locations", purpose="balance_check"), "category-not-granted"),
            (details("balances", duration_days=366), "ceiling-exceeded"),
            (details("balances", lookback_days=100_000), "ceiling-exceeded"),
            (details("balances", duration_days=0), None),
            (details("balances", duration_days="90"), None),
            (details("balances", duration_type="ONE_TIME", duration_days=5), None),
            (details("balances", bank="nobank"), None),
            (details("balances", surprise=1), None),
            (details("balances", accounts=["x"]), None),
        ],
    )
    @pytest.mark.fapi(71)
    def test_bad_authorization_details_are_refused_with_a_code(
        self, client: PlatformClient, wanted: Any, code: str | None
    ) -> None:
        text = wanted if isinstance(wanted, str) else json.dumps(wanted)
        answer = client.push(authorization_details=text)
        assert oauth_error(answer) == (400, "invalid_authorization_details")
        if code is not None:
            assert answer.json()["code"] == code

    def test_an_unknown_scope_is_refused(self, client: PlatformClient) -> None:
        assert oauth_error(client.push(scope="balances everything")) == (400, "invalid_scope")

    def test_an_oversized_body_is_refused(self, client: PlatformClient) -> None:
        answer = client.push(details("balances"), state="x" * 300_000)
        assert answer.status_code == 413

    @pytest.mark.fapi(20)
    def test_an_unpushed_request_shows_a_page_and_redirects_nowhere(self, client: PlatformClient) -> None:
        for query in (
            {"client_id": client.client_id, "response_type": "code", "redirect_uri": client.redirect_uri},
            {"client_id": client.client_id, "request_uri": "urn:ietf:params:oauth:request_uri:unknown"},
            {"client_id": "nobody", "request_uri": client.begin(details("balances")).request_uri},
            {},
        ):
            address = f"{client.metadata['authorization_endpoint']}?{urlencode(query)}"
            answer = requests.get(address, allow_redirects=False, timeout=30)
            assert answer.status_code in {400, 404}
            assert "Location" not in answer.headers
            assert "text/html" in answer.headers["Content-Type"]

    def test_another_clients_request_uri_is_unknown(self, info: dict[str, Any], client: PlatformClient) -> None:
        pushed = client.begin(details("balances"))
        other = info["platforms"][1]["client_id"]
        page = Browser().get(pushed.url.replace(f"client_id={client.client_id}", f"client_id={other}"))
        assert page.status in {400, 404}


class TestCodesAndTokens:
    def test_a_code_with_a_wrong_verifier_gives_nothing(self, client: PlatformClient, maya: Person) -> None:
        pushed = client.begin(details("balances"))
        landed = maya.approves(pushed, "balances").url
        for verifier in ("x" * 43, None, ""):
            answer = client.redeem(pushed, landed, code_verifier=verifier)
            assert oauth_error(answer)[0] == 400
        assert client.redeem(pushed, landed, redirect_uri="http://localhost:8420/callback").status_code == 400

    def test_a_code_serves_once_and_its_replay_ends_the_tokens(
        self, info: dict[str, Any], client: PlatformClient, maya: Person
    ) -> None:
        pushed = client.begin(details("balances"))
        landed = maya.approves(pushed, "balances").url
        tokens = client.tokens(pushed, landed)
        assert client.call(url(info, "account_balances"), tokens.access).status_code == 200
        assert oauth_error(client.redeem(pushed, landed)) == (400, "invalid_grant")
        assert problem(client.call(url(info, "account_balances"), tokens.access)) == (401, "token-expired")
        assert oauth_error(client.refresh(str(tokens.refresh))) == (400, "invalid_grant")

    def test_a_code_belongs_to_its_client(self, info: dict[str, Any], client: PlatformClient, maya: Person) -> None:
        pushed = client.begin(details("balances"))
        landed = maya.approves(pushed, "balances").url
        thief = PlatformClient.of(info, 1)
        assert oauth_error(thief.redeem(pushed, landed)) == (400, "invalid_grant")
        assert client.redeem(pushed, landed).status_code == 200

    def test_a_refresh_token_belongs_to_its_client(
        self, info: dict[str, Any], client: PlatformClient, shared: Tokens
    ) -> None:
        thief = PlatformClient.of(info, 1)
        assert oauth_error(thief.refresh(str(shared.refresh))) == (400, "invalid_grant")
        answer = client.refresh(str(shared.refresh), scope="balances")
        assert answer.json()["scope"] == "balances"
        narrow = answer.json()["access_token"]
        assert client.call(url(info, "account_balances"), narrow).status_code == 200
        some = shared.answer["authorization_details"][0]["accounts"][0]
        assert problem(client.call(url(info, "transactions", some), narrow)) == (403, "category-not-granted")
        assert oauth_error(client.refresh(str(shared.refresh), scope="balances accounts")) == (400, "invalid_scope")

    @pytest.mark.fapi(7)
    def test_the_password_grant_does_not_exist(self, client: PlatformClient) -> None:
        fields = {"grant_type": "password", "username": "a", "password": "b"}
        assert oauth_error(client.form_post("token_endpoint", fields, dpop=True)) == (400, "unsupported_grant_type")

    def test_revoking_another_clients_token_changes_nothing(
        self, info: dict[str, Any], client: PlatformClient, shared: Tokens
    ) -> None:
        thief = PlatformClient.of(info, 1)
        assert thief.form_post("revocation_endpoint", {"token": shared.access}).status_code == 200
        assert client.call(url(info, "account_balances"), shared.access).status_code == 200

    def test_introspection_tells_a_resource_server_only_what_lives(
        self, info: dict[str, Any], client: PlatformClient, maya: Person
    ) -> None:
        server = info["resource_server"]
        jwk = json.loads(Path(server["jwk_file"]).read_text(encoding="utf-8"))
        resource_server = PlatformClient(info["issuer"], server["client_id"], jwk)
        tokens = maya.shares(client, "balances", "transactions")
        maya.acts("revoke", tokens.answer["grant_id"], category="transactions")
        seen = resource_server.form_post("introspection_endpoint", {"token": tokens.access}).json()
        assert (seen["active"], seen["scope"]) == (True, "balances")
        assert seen["cnf"]["jkt"]
        other = PlatformClient.of(info, 1)
        assert other.form_post("introspection_endpoint", {"token": tokens.access}).json() == {"active": False}
        maya.acts("revoke", tokens.answer["grant_id"])
        seen = resource_server.form_post("introspection_endpoint", {"token": tokens.access}).json()
        assert seen == {"active": False}


@on_sqlite
class TestDataCalls:
    @pytest.mark.fapi(34, 66)
    def test_calls_without_a_fitting_token_and_proof_are_refused(
        self, info: dict[str, Any], client: PlatformClient, shared: Tokens
    ) -> None:
        address = url(info, "account_balances")
        token = shared.access
        thief = PlatformClient.of(info)
        cases = {
            "token-missing": requests.get(address, timeout=30),
            "token-unknown": client.call(address, "bkr_at_" + "x" * 43),
            "dpop-proof-missing": requests.get(address, headers={"Authorization": f"DPoP {token}"}, timeout=30),
        }
        for code, answer in cases.items():
            assert problem(answer) == (401, code)
            assert answer.headers["WWW-Authenticate"].startswith("DPoP ")
        assert "error=" not in cases["token-missing"].headers["WWW-Authenticate"]
        assert problem(thief.call(address, token))[0] == 401
        assert problem(client.call(address, token, Authorization=f"Bearer {token}"))[0] == 401
        other_method = client.proof("POST", address, token)
        assert problem(client.call(address, token, proof=other_method)) == (401, "dpop-proof-invalid")
        other_url = client.proof("GET", url(info, "accounts"), token)
        assert problem(client.call(address, token, proof=other_url)) == (401, "dpop-proof-invalid")
        without_ath = client.proof("GET", address)
        assert problem(client.call(address, token, proof=without_ath)) == (401, "dpop-proof-invalid")

    def test_a_proof_serves_once(self, info: dict[str, Any], client: PlatformClient, shared: Tokens) -> None:
        address = url(info, "account_balances")
        proof = client.proof("GET", address, shared.access)
        assert client.call(address, shared.access, proof=proof).status_code == 200
        answer = client.call(address, shared.access, proof=proof)
        assert problem(answer) == (401, "dpop-proof-replayed")

    def test_anothers_account_and_no_account_get_the_same_answer(
        self, info: dict[str, Any], client: PlatformClient, shared: Tokens
    ) -> None:
        daniel = Person.of(info, "harbor", 1).shares(client, "balances")
        foreign = daniel.answer["authorization_details"][0]["accounts"][0]
        answers = []
        for account in (foreign, "nothing-like-this", "%00", "..%2f..", "a" * 500):
            answer = client.call(url(info, "balance", account), shared.access)
            body = answer.json()
            body.pop("instance")
            answers.append((answer.status_code, body))
        assert answers[0][0] == 403
        assert answers[0][1]["code"] == "account-not-granted"
        assert all(answer == answers[0] for answer in answers[:2])
        assert all(answer[0] in {403, 404} for answer in answers)

    @pytest.mark.parametrize(
        "query",
        [
            "page-size=0",
            "page-size=1000000000",
            "page-size=x",
            "cursor=AAAA",
            "cursor=%00",
            "oldest-time=yesterday",
            "oldest-time=2026-01-01T00:00:00",
            "newest-time=9999-12-31T23:59:59Z",
            "min-amount=NaN",
            "min-amount=1e999999",
            "max-amount=Infinity",
            "surprise=1",
            "page-size=1&page-size=2",
            "text=" + "x" * 101,
            "text=",
            "min-amount=%27%20OR%201%3D1--",
        ],
    )
    def test_a_bad_query_is_refused(
        self, info: dict[str, Any], client: PlatformClient, shared: Tokens, query: str
    ) -> None:
        account = shared.answer["authorization_details"][0]["accounts"][0]
        address = f"{url(info, 'transactions', account)}?{query}"
        assert problem(client.call(address, shared.access)) == (400, "invalid-request")

    def test_a_filter_on_a_field_that_is_not_granted_is_refused(
        self, info: dict[str, Any], client: PlatformClient, maya: Person
    ) -> None:
        wanted = [
            {
                "type": "bank_data",
                "purpose": "chat_banking",
                "categories": [{"name": "transactions", "detail": "basic"}],
            }
        ]
        pushed = client.begin(wanted)
        tokens = client.tokens(pushed, maya.approves(pushed, "transactions").url)
        account = tokens.answer["authorization_details"][0]["accounts"][0]
        address = url(info, "transactions", account)
        rows = client.call(address, tokens.access).json()["data"]["transactions"]
        assert rows
        assert not {"description", "merchantName"} & {name for row in rows for name in row}
        assert problem(client.call(f"{address}?text=rent", tokens.access)) == (403, "field-not-granted")

    def test_pages_of_a_list_follow_each_other_without_gap(
        self, info: dict[str, Any], client: PlatformClient, shared: Tokens
    ) -> None:
        account = shared.answer["authorization_details"][0]["accounts"][0]
        address = f"{url(info, 'transactions', account)}?page-size=1000"
        everything = client.call(address, shared.access).json()["data"]["transactions"]
        seen: list[dict[str, Any]] = []
        following: str | None = f"{url(info, 'transactions', account)}?page-size=40"
        while following:
            answer = client.call(following, shared.access).json()
            seen += answer["data"]["transactions"]
            following = answer["links"].get("next")
        assert len(everything) > 40
        assert seen == everything

    def test_unknown_routes_and_methods_are_coded(self, info: dict[str, Any]) -> None:
        base = info["issuer"]
        assert problem(requests.get(f"{base}/v1/nothing", timeout=30)) == (404, "not-found")
        assert problem(requests.post(url(info, "accounts"), timeout=30)) == (405, "method-not-allowed")


@on_sqlite
class TestBanks:
    @pytest.mark.parametrize(
        ("name", "status"), [("down", 503), ("huge", 502), ("not_json", 502), ("wrong_customer", 502)]
    )
    def test_a_broken_bank_gives_a_coded_error_and_leaks_nothing(
        self, info: dict[str, Any], client: PlatformClient, shared: Tokens, fault: Any, name: str, status: int
    ) -> None:
        fault(name)
        answer = client.call(url(info, "account_balances"), shared.access)
        assert problem(answer) == (status, "bank-unavailable")

    def test_another_bank_is_not_affected(self, info: dict[str, Any], client: PlatformClient, fault: Any) -> None:
        fault("down")
        tokens = Person.of(info, "meridian").shares(client, "balances")
        assert client.call(url(info, "account_balances"), tokens.access).status_code == 200

    def test_a_bank_that_is_down_at_consent_shows_a_page_and_makes_no_grant(
        self, client: PlatformClient, maya: Person, fault: Any
    ) -> None:
        pushed = client.begin(details("balances"))
        page = maya.arrives_at_consent(pushed)
        fault("down")
        broken = maya.browser.get(page.url)
        assert broken.status == 503
        assert "bank" in broken.text.lower()

    def test_a_failed_access_is_in_the_log(
        self, info: dict[str, Any], client: PlatformClient, shared: Tokens, fault: Any
    ) -> None:
        fault("not_json")
        answer = client.call(url(info, "account_balances"), shared.access)
        rows = Staff(info, "harbor").accesses()
        events = [r["event"] for r in rows if r["interaction_id"] == answer.headers["x-fapi-interaction-id"]]
        assert sorted(events) == ["access.failed", "access.requested"]


class TestPages:
    def test_a_form_without_its_csrf_token_changes_nothing(
        self, info: dict[str, Any], client: PlatformClient, maya: Person, shared: Tokens
    ) -> None:
        maya.opens("my_sharing")
        body = {"grant": shared.answer["grant_id"], "action": "revoke", "confirm": "yes"}
        page = maya.browser.post(info["pages"]["my_sharing"], body)
        assert page.status == 400
        assert "form-expired" in page.body
        assert client.call(url(info, "account_balances"), shared.access).status_code == 200

    def test_a_form_from_another_site_changes_nothing(self, maya: Person, shared: Tokens) -> None:
        page = maya.opens("my_sharing")
        form = next(f for f in page.forms if f.value("grant") == shared.answer["grant_id"])
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            answer = maya.browser.post(page.url, form.filled(action="revoke", confirm="yes"), **headers)
            assert answer.status == 400

    def test_nobody_acts_on_anothers_grant_or_consent(
        self, info: dict[str, Any], client: PlatformClient, shared: Tokens
    ) -> None:
        daniel = Person.of(info, "harbor", 1)
        page = daniel.opens("my_sharing")
        token = next(form.value("csrf_token") for form in page.forms if form.value("csrf_token"))
        body = {"csrf_token": str(token), "grant": shared.answer["grant_id"], "action": "revoke", "confirm": "yes"}
        assert daniel.browser.post(page.url, body).status == 404
        assert client.call(url(info, "account_balances"), shared.access).status_code == 200
        maya = Person.of(info, "harbor", 0)
        consent = maya.arrives_at_consent(client.begin(details("balances")))
        assert daniel.browser.get(consent.url).status == 404

    def test_a_consent_cannot_be_widened_by_a_forged_form(self, client: PlatformClient, maya: Person) -> None:
        pushed = client.begin(details("balances", "card_locations", duration_days=30, lookback_days=30))
        page = maya.arrives_at_consent(pushed)
        form = page.form("category", "account")
        accounts = form.choices("account")
        forged: list[dict[str, Any]] = [
            {"category": ["balances", "transactions"]},
            {"category": ["balances"], "duration": "365"},
            {"category": ["balances"], "history": "3650"},
            {"category": ["card_locations"], "precision": "exact"},
            {"category": ["balances"], "account": ["someone-elses"]},
            {"category": []},
            {"category": ["balances"], "account": []},
            {"category": ["balances"], "duration": "-1"},
            {"category": ["balances"], "duration": "many"},
            {"category": ["nonsense"]},
        ]
        for case in forged:
            answer = maya.browser.submit(page, form, **({"account": accounts, "decision": "approve"} | case))
            assert answer.status in {400, 409, 422}, (case, answer.status)
            assert not answer.url.startswith(client.redirect_uri)

    def test_a_decision_is_made_once(self, client: PlatformClient, maya: Person) -> None:
        pushed = client.begin(details("balances"))
        page = maya.arrives_at_consent(pushed)
        form = page.form("category", "account")
        fields: dict[str, Any] = {"category": ["balances"], "account": form.choices("account")}
        first = maya.browser.submit(page, form, decision="approve", **fields)
        assert first.url.startswith(client.redirect_uri)
        for decision in ("approve", "deny"):
            again = maya.browser.submit(page, form, decision=decision, **fields)
            assert not again.url.startswith(client.redirect_uri)
            assert again.status == 409

    def test_a_request_belongs_to_the_browser_that_opened_it_first(self, client: PlatformClient) -> None:
        pushed = client.begin(details("balances"))
        assert Browser().get(pushed.url).status == 200
        assert Browser().get(pushed.url).status in {400, 403, 404}

    def test_staff_see_their_own_bank_only_and_customers_no_console(self, info: dict[str, Any], maya: Person) -> None:
        auditor = Staff(info, "harbor")
        assert auditor.opens_console().status == 200
        other = next(bank["console_url"] for bank in info["banks"] if bank["id"] == "meridian")
        assert auditor.browser.get_json(other).status_code == 403
        assert auditor.browser.get_json(info["pages"]["my_sharing"]).status_code in {401, 403}
        maya.opens("my_sharing")
        assert maya.browser.get_json(other).status_code in {401, 403}
        assert not {row["bank"] for row in auditor.accesses()} - {"harbor", "Harbor Bank", None}

    def test_a_sign_in_with_a_wrong_password_leads_nowhere(self, info: dict[str, Any]) -> None:
        person = Person.of(info, "harbor", 2)
        person.password = "wrong-password"
        page = person.opens("my_sharing")
        assert page.url.startswith("http://localhost")
        assert page.status in {400, 401}
        assert person.browser.get_json(info["pages"]["my_sharing"]).status_code == 401

    @pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "/sign-out", "x"])
    def test_sign_in_leads_to_own_pages_only(self, info: dict[str, Any], target: str) -> None:
        person = Person.of(info, "harbor")
        page = person.browser.get(f"{info['issuer']}/sign-in?{urlencode({'next': target})}")
        assert person.signs_in_from(page).url == info["pages"]["my_sharing"]


def test_no_answer_of_the_whole_run_was_a_failure_of_ours(world: World) -> None:
    """Runs last in this file: the broker's log has no unhandled error."""
    log = (world.data_dir / "logs" / "broker.log").read_text(encoding="utf-8")
    assert "request.failed" not in log
    assert "Traceback" not in log
