"""What the running API answers is what the OpenAPI document says that it answers."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.actors import Person
from tests.support.json_schema import faults
from tests.support.platform_client import PlatformClient, details

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)
ALL = ("accounts", "balances", "transactions", "card_locations", "balance_answers", "location_answers")


class Document:
    """The document of a running broker, against which answers are held."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.told: dict[str, Any] = requests.get(f"{issuer}/openapi.json", timeout=30).json()

    def differs(self, answer: requests.Response) -> list[str]:
        """Name everything in an answer that the document does not have."""
        operation = self.operation(answer)
        told = operation["responses"].get(str(answer.status_code))
        if told is None:
            return [f"{answer.url}: status {answer.status_code}"]
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        if "content" not in told:
            return [f"{answer.url}: a body"] if answer.content else []
        if kind not in told["content"]:
            return [f"{answer.url}: {kind}"]
        return list(faults(self.told, told["content"][kind]["schema"], answer.json())) if "json" in kind else []

    def operation(self, answer: requests.Response) -> dict[str, Any]:
        path, method = urlsplit(answer.url).path, str(answer.request.method).lower()
        fits = [name for name in self.told["paths"] if _fits(name, path)]
        found: dict[str, Any] = self.told["paths"][min(fits, key=lambda name: name.count("{"))][method]
        return found


def _fits(template: str, path: str) -> bool:
    parts, named = path.split("/"), template.split("/")
    return len(parts) == len(named) and all(n.startswith("{") or n == p for n, p in zip(named, parts, strict=True))


@pytest.fixture(scope="module")
def document(info: dict[str, Any]) -> Document:
    return Document(info["issuer"])


@pytest.fixture(scope="module")
def answers(info: dict[str, Any]) -> list[requests.Response]:
    return list(_answers(info))


def _answers(info: dict[str, Any]) -> Iterator[requests.Response]:
    client, person, api = PlatformClient.of(info), Person.of(info, "harbor", 1), info["api"]
    yield client.push(details(*ALL, lookback_days=365))
    tokens = person.shares(client, *ALL)
    listed = client.call(api["accounts"], tokens.access)
    account = listed.json()["data"]["accounts"][0]
    yield listed
    for name in ("account_balances", "card_locations"):
        yield client.call(api[name], tokens.access)
    for name in ("account", "balance", "transactions"):
        yield client.call(api[name].format(accountId=account["accountId"]), tokens.access)
    yield client.call(f"{api['accounts']}?odd=1", tokens.access)
    yield client.call(api["account"].format(accountId="nobody"), tokens.access)
    yield client.call(api["accounts"], "bkr_at_unknown")
    yield client.push(details("balances", purpose="advertising"))
    yield client.form_post("introspection_endpoint", {"token": tokens.access})
    yield client.form_post("introspection_endpoint", {"token": "unknown"})
    yield client.form_post("introspection_endpoint", {"token": "unknown", "client_assertion": "bad"})
    yield client.form_post("revocation_endpoint", {"token": tokens.access})
    yield from _of_a_deletion(info, client, person, tokens.answer["grant_id"])
    for path in ("oauth-authorization-server", "oauth-protected-resource", "jwks.json", "bank_data.schema.json"):
        yield requests.get(f"{info['issuer']}/.well-known/{path}", timeout=30)
    yield requests.get(f"{info['issuer']}/audit/harbor/1999/checkpoint", timeout=30)


def _of_a_deletion(
    info: dict[str, Any], client: PlatformClient, person: Person, grant: str
) -> Iterator[requests.Response]:
    asked, token, address = person.asks_to_delete(grant)["id"], client.for_itself("deletions"), info["issuer"]
    yield client.call(f"{address}/v1/deletions?page-size=1", token)
    for body in ({"statement": "partly-retained"}, {"statement": "partly-retained", "reason": "legal-claims"}):
        yield client.asks(f"{address}/v1/deletions/{asked}/completion", token, body)
    yield client.asks(f"{address}/v1/deletions/{asked}/completion", token, {"statement": "completed"})
    yield client.asks(f"{address}/v1/deletions/{asked}/acknowledgement", token, {})
    yield client.call(f"{address}/v1/deletions?status=completed", token)


def test_every_answer_of_the_running_api_is_as_the_document_says(
    document: Document, answers: list[requests.Response]
) -> None:
    assert [fault for answer in answers for fault in document.differs(answer)] == []
    assert {answer.status_code for answer in answers} >= {200, 201, 400, 401, 403, 404, 409}


def test_the_same_answers_do_not_fit_another_document(document: Document, answers: list[requests.Response]) -> None:
    """The negative control: a document without a field, a status or a media type is found to be wrong."""
    listed = next(answer for answer in answers if answer.url.endswith("/v1/accounts") and answer.status_code == 200)
    fields = document.told["components"]["schemas"]["accounts"]["properties"]
    taken = fields.pop("maskedNumber")
    try:
        assert document.differs(listed)
    finally:
        fields["maskedNumber"] = taken
    assert document.differs(listed) == []


def test_every_parameter_that_the_document_names_is_taken(document: Document, info: dict[str, Any]) -> None:
    client, person = PlatformClient.of(info), Person.of(info, "harbor", 1)
    tokens = person.shares(client, "transactions", "accounts")
    account = client.call(info["api"]["accounts"], tokens.access).json()["data"]["accounts"][0]["accountId"]
    values = {"page-size": "5", "oldest-time": "2026-01-01T00:00:00Z", "min-amount": "-10", "text": "x"}
    operation = document.told["paths"]["/v1/accounts/{account_id}/transactions"]["get"]
    named = [one["name"] for one in operation["parameters"] if one["in"] == "query"]
    assert set(values) < set(named)
    for name, value in values.items():
        url = info["api"]["transactions"].format(accountId=account)
        answer = client.call(f"{url}?{name}={value}", tokens.access)
        assert answer.json().get("code") != "invalid-request", (name, answer.text)
