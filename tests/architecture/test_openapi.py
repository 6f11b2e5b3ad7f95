"""The OpenAPI document has every route of the API and nothing else."""

import json
import re
from typing import Any

import pytest
from flask import Flask

from broker.edge import gates
from broker.mounts import MOUNT_TABLE
from broker.policy import Catalogue
from broker.reference.shapes import _FIELDS, _TEXT
from tests.support.json_schema import faults, resolved

_MACHINES = {gates.client, gates.token, gates.machine, gates.registrant, gates.auditor}
_OPEN = ("/.well-known", "/audit")
# Fields of which the reference says no more than that they are text.
_PLAIN = {
    *("accountId", "displayName", "nickname", "maskedNumber", "productCategory", "transactionId", "type"),
    *("description", "merchantName", "cardTransactionId", "source", "alertId"),
}


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    answer = app.test_client().get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def routes_of_the_api(app: Flask) -> set[tuple[str, str]]:
    own = {one.blueprint.name for one in MOUNT_TABLE if one.gate in _MACHINES or one.prefix in _OPEN}
    return {
        (re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in own
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def told(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(path, method) for path, methods in document["paths"].items() for method in methods}


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(references, part.values())) if part else own
    return set().union(*map(references, part)) if isinstance(part, list) and part else set()


def test_every_route_and_method_of_the_api_is_in_the_document_and_nothing_else(
    app: Flask, document: dict[str, Any]
) -> None:
    assert told(document) == routes_of_the_api(app)
    assert ("/v1/accounts", "get") in told(document)


def test_a_route_that_the_document_left_out_would_be_found(app: Flask, document: dict[str, Any]) -> None:
    shortened = {**document, "paths": {path: one for path, one in document["paths"].items() if path != "/oauth/par"}}
    assert routes_of_the_api(app) - told(shortened) == {("/oauth/par", "post")}


def test_every_reference_within_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    found = references(document)
    assert len(found) > 10
    assert all(resolved(document, reference) for reference in found)


def test_every_operation_has_its_own_name_a_summary_and_its_parameters(document: dict[str, Any]) -> None:
    operations = [(path, one) for path, methods in document["paths"].items() for one in methods.values()]
    assert len({one["operationId"] for _, one in operations}) == len(operations)
    schemes = set(document["components"]["securitySchemes"])
    for path, one in operations:
        assert one["summary"], path
        in_path = {parameter["name"] for parameter in one["parameters"] if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        assert {name for security in one["security"] for name in security} <= schemes


def test_every_field_that_can_leave_has_a_shape_of_its_own_or_is_text(catalogue: Catalogue) -> None:
    names = {field.name for category in catalogue.categories.values() for field in category.fields}
    assert names == set(_FIELDS) | _PLAIN
    assert _TEXT == {"type": "string"}


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    seen = 0
    for methods in document["paths"].values():
        for one in methods.values():
            contents = [*one.get("requestBody", {}).get("content", {}).values()]
            contents += [c for answer in one["responses"].values() for c in answer.get("content", {}).values()]
            for content in contents:
                values = [case["value"] for case in content.get("examples", {}).values()]
                values += [content["example"]] if "example" in content else []
                for value in values:
                    assert list(faults(document, content["schema"], value)) == []
                    seen += 1
    assert seen > 20


def test_what_does_not_fit_a_schema_would_be_found(document: dict[str, Any]) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    good = {"title": "T", "status": 400, "code": "not-found", "detail": "D.", "instance": "urn:uuid:0"}
    assert list(faults(document, problem, good)) == []
    assert len(list(faults(document, problem, {**good, "code": "Not Found", "status": "400", "more": 1}))) == 3


def test_only_the_explorer_may_set_styles_from_its_scripts(app: Flask) -> None:
    client = app.test_client()
    policies = {
        path: client.get(path).headers["Content-Security-Policy"]
        for path in ("/", "/developers", "/developers/reference", "/developers/reference/explorer")
    }
    explorer = policies.pop("/developers/reference/explorer")
    assert "script-src 'self'" in explorer
    assert "'unsafe-eval'" not in explorer
    assert all("unsafe" not in policy and "script-src" not in policy for policy in policies.values())


def test_the_plain_reference_names_every_route_and_runs_nothing(app: Flask, document: dict[str, Any]) -> None:
    page = app.test_client().get("/developers/reference").get_data(as_text=True)
    for path, method in told(document):
        assert f'<span class="method">{method.upper()}</span> <code>{path}</code>' in page
    assert "<script" not in page
    assert json.dumps(document)  # plain JSON, nothing that only Python can say
