"""Makes the OpenAPI document out of the application's own routes, gates, schemas, policies and tables of errors."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import getdoc
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from broker import __version__
from broker.api.routes import CATEGORIES
from broker.edge import gates
from broker.policy import Catalogue
from broker.policy.vocabulary import MachineScope
from broker.reference import deletion_shapes, event_shapes, oauth_shapes, refusals, shapes
from broker.reference.asked import body, parameters
from broker.reference.operations import OPERATIONS, Operation

Json = dict[str, Any]

_PARAMETER = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
_IMPLIED = {"HEAD", "OPTIONS"}
_TAGS = {
    "api": ("Data", "Scoped by category; every answer carries the receipt of its own entry in the log."),
    "answers": ("Answers", "Questions about bank data that are answered with yes, no or unknown."),
    "deletions": ("Deletions", "What people have asked this client to delete, and what it says of it."),
    "fraud_alerts": ("Fraud alerts", "A bank says that there is an alert; an app that was told of it fetches it."),
    "bank_alerts": ("Fraud alerts", "A bank says that there is an alert; an app that was told of it fetches it."),
    "grant_receipts": ("Receipts", "Proof of what was given."),
    "oauth": (
        "OAuth",
        (
            "Pushed requests, tokens and what they are worth. Clients authenticate with private_key_jwt (RFC 7523): "
            "`client_assertion_type` and `client_assertion` stand in the form; the only audience is the issuer."
        ),
    ),
    "grant_resource": ("Grants", "Read a grant, or give it back."),
    "streams": ("Events", "Streams of signed events (Shared Signals 1.0)."),
    "stream_acts": ("Events", "Streams of signed events (Shared Signals 1.0)."),
    "ssf_metadata": ("Metadata", "What this server can do, and its keys."),
    "registration": ("Registration", "Look after a client."),
    "well_known": ("Metadata", "What this server can do, and its keys."),
    "audit_hashes": ("Audit log", "The transparency logs, for those who verify them."),
    "audit_entries": ("Audit log", "The transparency logs, for those who verify them."),
}
_PROOF: Json = {
    "name": "DPoP",
    "in": "header",
    "required": True,
    "description": "A DPoP proof (RFC 9449), new for each call.",
    "schema": {"type": "string"},
}
_PRESENT: Json = {
    "name": "x-fapi-customer-ip-address",
    "in": "header",
    "description": "The address of the person who is using the platform now; absent when nobody is there.",
    "schema": {"type": "string"},
}


@dataclass(frozen=True, slots=True)
class _Guard:
    """What a gate means for a caller: how to show who one is, and what one may be told."""

    security: tuple[Json, ...]
    responses: Callable[[], Json]
    headers: tuple[Json, ...] = ()


_GUARDS: dict[Callable[..., Any], _Guard] = {
    gates.public: _Guard((), lambda: refusals.told_as_problems(refusals.OF_ANYBODY)),
    gates.client: _Guard((), refusals.told_by_oauth),
    gates.machine: _Guard(({"clientToken": []},), lambda: refusals.told_as_problems(refusals.OF_MACHINE), (_PROOF,)),
    gates.registrant: _Guard(({"registrationToken": []},), refusals.told_by_oauth),
    gates.auditor: _Guard(({"auditCredential": []},), lambda: refusals.told_as_problems(refusals.OF_AUDITOR)),
    gates.token: _Guard(({"accessToken": []},), lambda: refusals.told_as_problems(refusals.OF_TOKEN), (_PROOF,)),
}


def document(app: Flask, catalogue: Catalogue, base_url: str) -> Json:
    """Return the OpenAPI 3.1 document of the API that this application serves at `base_url`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Consent Broker",
            "version": __version__,
            "summary": "Bank data by consent: OAuth, scoped data, grants and the audit log.",
        },
        "servers": [{"url": base_url}],
        "tags": [{"name": name, "description": text} for name, text in dict(_TAGS.values()).items()],
        "paths": _paths(app, catalogue),
        "components": {
            "schemas": {
                **shapes.records(catalogue),
                **oauth_shapes.components(catalogue),
                **event_shapes.components(),
                "Deletion": deletion_shapes.DELETION,
                "Problem": refusals.PROBLEM,
                "OAuthError": refusals.OAUTH_ERROR,
            },
            "securitySchemes": _security(catalogue, base_url),
        },
    }


def _paths(app: Flask, catalogue: Catalogue) -> Json:
    found: Json = {}
    for rule, operation in _routes(app):
        path = found.setdefault(_PARAMETER.sub(r"{\1}", rule.rule), {})
        for method in sorted((rule.methods or set()) - _IMPLIED):
            path[method.lower()] = _told(app, rule, operation, catalogue)
    return dict(sorted(found.items()))


def _routes(app: Flask) -> Iterator[tuple[Rule, Operation]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPERATIONS:
            yield rule, OPERATIONS[rule.endpoint]


def _told(app: Flask, rule: Rule, operation: Operation, catalogue: Catalogue) -> Json:
    blueprint = rule.endpoint.partition(".")[0]
    guard = _GUARDS[app.before_request_funcs[blueprint][0]]
    summary, _, rest = (getdoc(app.view_functions[rule.endpoint]) or "").partition("\n")
    category = CATEGORIES.get(rule.endpoint)
    told: Json = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [_TAGS[blueprint][0]],
        "summary": summary.rstrip("."),
        "description": " ".join(rest.split()),
        "security": [
            {name: [category] if category else scopes for name, scopes in one.items()} for one in guard.security
        ],
        "parameters": [*_in_path(rule), *guard.headers, *parameters(operation.query)],
        "responses": _answers(operation, guard, is_data=category is not None),
    }
    if category is not None:
        told["parameters"].append(_PRESENT)
        told["description"] = f"Category `{category}`: {catalogue.categories[category].title}."
    if operation.body is not None:
        told["requestBody"] = _request(operation)
    return told


def _in_path(rule: Rule) -> list[Json]:
    names = _PARAMETER.findall(rule.rule)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _request(operation: Operation) -> Json:
    schema = operation.body if isinstance(operation.body, dict) else body(operation.body) if operation.body else {}
    content: Json = {"schema": schema}
    if operation.example is not None:
        content["example"] = operation.example
    return {"required": True, "content": {operation.kind: content}}


def _answers(operation: Operation, guard: _Guard, *, is_data: bool) -> Json:
    content = {kind: {"schema": schema} for kind, schema in operation.answers.items()}
    good: Json = {"description": "It worked."} | ({"content": content} if content else {})
    told = refusals.OF_DATA if is_data else operation.refused
    refused = refusals.told_as_problems(told) if told else guard.responses()
    return {str(operation.status): good, **refused}


def _security(catalogue: Catalogue, base_url: str) -> Json:
    token_url = f"{base_url}/oauth/token"
    consent = {
        "authorizationUrl": f"{base_url}/oauth/authorize",
        "tokenUrl": token_url,
        "refreshUrl": token_url,
        "scopes": {category.name: category.title for category in catalogue.categories.values()},
    }
    own = {"tokenUrl": token_url, "scopes": {scope.value: "What a client may do for itself." for scope in MachineScope}}
    return {
        "accessToken": {
            "type": "oauth2",
            "description": "OAuth 2 under FAPI 2.0: pushed requests, PKCE S256, private_key_jwt. The token is bound to "
            "a key (RFC 9449): send it as `Authorization: DPoP …` with a new proof in the header `DPoP`.",
            "flows": {"authorizationCode": consent},
        },
        "clientToken": {
            "type": "oauth2",
            "description": "A client's token for itself, bound to a key in the same way.",
            "flows": {"clientCredentials": own},
        },
        "registrationToken": {
            "type": "http",
            "scheme": "bearer",
            "description": "An invitation (RFC 7591), or the client's own registration token (RFC 7592).",
        },
        "auditCredential": {"type": "http", "scheme": "bearer", "description": "A bank's audit credential."},
    }
