"""A platform of the town on the whole way, in process: push, consent, code, tokens, calls. Every value can be a lie."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from broker.tokens.codes import Code, issue_code
from tests.support.edge import BASE
from tests.support.memory import folder_in_memory
from tests.support.platform_client import ASSERTION_TYPE, PlatformClient, details
from tests.support.presence import PRESENT
from tests.support.town import CALLBACK, Share, Town, csrf_token, open_town
from tests.support.town_client import client_of
from tests.support.town_facts import TownBank

VERIFIER = "v" * 43
BALANCES = "/v1/accounts/balances"
Answer = tuple[int, str]


def told(answer: TestResponse) -> Answer:
    """The status and the error of an answer: OAuth's word at OAuth's endpoints, ours at the API."""
    body = json.loads(answer.text)
    return answer.status_code, body.get("error", body.get("code", ""))


def landed(answer: TestResponse) -> dict[str, str]:
    """The parameters of a redirect."""
    assert answer.status_code == 303, answer.text
    query = parse_qs(urlsplit(answer.headers["Location"]).query, keep_blank_values=True)
    return {name: values[0] for name, values in query.items()}


@contextmanager
def open_honest_town() -> Iterator[Town]:
    """A town in memory whose banks tell each person their own accounts."""
    with folder_in_memory() as folder, open_town(folder) as town:
        for bank in town.house.banks.values():
            assert isinstance(bank, TownBank)
            bank.is_lying = False
        yield town


@dataclass
class Flow:
    """One platform; `at` is whose clock it reads, its own by default."""

    town: Town
    platform: str = "messenger"
    http: FlaskClient = field(init=False)
    client: PlatformClient = field(init=False)

    def __post_init__(self) -> None:
        self.http = self.town.app.test_client()
        self.client = client_of(self.town, self.platform)

    @property
    def now(self) -> int:
        return int(self.town.house.watch().timestamp())

    def assertion(self, **claims: Any) -> str:
        return self.client.assertion(**{"iat": self.now, "exp": self.now + 60, **claims})

    def proof(self, path: str, token: str | None = None, method: str = "POST", **claims: Any) -> str:
        return self.client.proof(method, BASE + path, token, **{"iat": self.now, **claims})

    def post(self, path: str, form: Mapping[str, Any], *, proof: str | None = None, **headers: str) -> TestResponse:
        """Post, authenticated; a field given as None is left out, one given as a list is sent more than once."""
        known = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion()}
        sent = MultiDict({name: value for name, value in {**known, **form}.items() if value is not None})
        proofs = {"DPoP": proof or self.proof(path)} if proof != "" else {}
        return self.http.post(path, data=sent, headers={**proofs, **headers}, buffered=True)

    def pushes(self, *, proof: str | None = None, **fields: Any) -> TestResponse:
        form = {"response_type": "code", "redirect_uri": CALLBACK, "state": "state-canary"}
        form |= {"code_challenge": create_s256_code_challenge(VERIFIER), "code_challenge_method": "S256"}
        if "scope" not in fields:
            form["authorization_details"] = json.dumps(details("balances", "transactions"))
        return self.post("/oauth/par", {**form, **fields}, proof=proof)

    def arrives(self, browser: FlaskClient, pushed: TestResponse) -> TestResponse:
        request_uri = json.loads(pushed.text)["request_uri"]
        query = urlencode({"client_id": self.platform, "request_uri": request_uri})
        return browser.get(f"/oauth/authorize?{query}")

    def reaches_consent(self, browser: FlaskClient, pushed: TestResponse, person: str = "alice") -> str:
        """Come, sign in, come again; return the path of the page that asks."""
        wish = landed(self.arrives(browser, pushed))["for"]
        with browser.session_transaction(base_url=BASE) as session:
            session["visitor"] = asdict(replace(self.town.visitor(person), wish=wish))
        path = str(self.arrives(browser, pushed).headers["Location"])
        assert path.startswith("/consent/")
        return path

    def decides(self, browser: FlaskClient, path: str, decision: str, **choice: Any) -> TestResponse:
        form = MultiDict({"csrf_token": csrf_token(browser), "decision": decision, **choice})
        return browser.post(path, data=form, base_url=BASE)

    def share(self, *names: str, person: str = "alice", bank: str = "harbor") -> Share:
        """Let a person give this platform a new grant of these categories for both accounts."""
        terms = self.town.terms(names or ("balances", "transactions"), Random(1))
        return self.town.shares_with(person, bank, self.platform, terms, (0, 1))

    def code(self, share: Share, jkt: str | None = None) -> str:
        code = Code(share.grant_id, self.platform, CALLBACK, create_s256_code_challenge(VERIFIER), jkt)
        with self.town.house.database.write() as session:
            return issue_code(session, code, self.town.house.watch())

    def redeems(self, code: str, *, proof: str | None = None, **fields: Any) -> TestResponse:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.post("/oauth/token", {**form, **fields}, proof=proof)

    def tokens(self, share: Share | None = None, **fields: Any) -> dict[str, Any]:
        answer = self.redeems(self.code(share or self.share()), **fields)
        assert answer.status_code == 200, answer.text
        return dict(json.loads(answer.text))

    def refreshes(self, token: str, *, proof: str | None = None, **fields: Any) -> TestResponse:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return self.post("/oauth/token", {**form, **fields}, proof=proof)

    def revokes(self, token: str, **fields: Any) -> TestResponse:
        return self.post("/oauth/revoke", {"token": token, **fields}, proof="")

    def introspects(self, token: str) -> dict[str, Any]:
        return dict(json.loads(self.post("/oauth/introspect", {"token": token}, proof="").text))

    def calls(self, token: str, path: str = BALANCES, *, proof: str | None = None, **claims: Any) -> TestResponse:
        sent = proof or self.proof(path, token, "GET", **claims)
        headers = {"Authorization": f"DPoP {token}", "DPoP": sent, **PRESENT}
        return self.http.get(path, headers=headers, buffered=True)

    def with_new_key(self) -> "Flow":
        """The same platform with another DPoP key."""
        other = Flow(self.town, self.platform)
        other.client.dpop_key = ECKey.generate_key("P-256")
        return other


def fresh(name: str = "jti") -> str:
    """A value that nobody has used."""
    return f"{name}-{secrets.token_urlsafe(12)}"
