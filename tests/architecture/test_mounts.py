"""The table of blueprints, prefixes and gates: nothing is reachable that is not in it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, g
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from broker.api.routes import CATEGORIES
from broker.edge import gates
from broker.errors import ScopeMissing
from broker.mounts import MOUNT_TABLE
from broker.policy import Catalogue
from broker.tokens.machine import MachineToken

_SAFE = {"GET", "HEAD", "OPTIONS"}
_GATES = {mount.blueprint.name: mount.gate for mount in MOUNT_TABLE}
_WITHOUT_COOKIES = {gates.client, gates.token, gates.machine, gates.registrant}


def rules_behind(app: Flask, gate: gates.Gate) -> Iterator[Rule]:
    for rule in app.url_map.iter_rules():
        blueprint = rule.endpoint.rpartition(".")[0]
        if blueprint and _GATES[blueprint] is gate:
            yield rule


def address_of(app: Flask, rule: Rule) -> str:
    """An address that the rule matches."""
    values: dict[str, Any] = dict.fromkeys(rule.arguments, "00000000-0000-7000-8000-000000000000")
    if "number" in values:
        values["number"] = 0
    return app.url_map.bind("localhost").build(rule.endpoint, values)


def told(answer: TestResponse) -> dict[str, Any]:
    body: dict[str, Any] = answer.get_json()
    return body


def test_the_registered_blueprints_are_those_of_the_mount_table(app: Flask) -> None:
    assert len(_GATES) == len(MOUNT_TABLE)
    assert set(app.blueprints) == set(_GATES)


def test_every_blueprint_has_exactly_one_gate_and_it_is_on_the_page_of_gates(app: Flask) -> None:
    for name, gate in _GATES.items():
        assert app.before_request_funcs[name] == [gate]
        assert getattr(gates, gate.__name__) is gate


def test_every_route_stands_behind_a_gate_but_static_files(app: Flask) -> None:
    outside = {rule.endpoint for rule in app.url_map.iter_rules() if "." not in rule.endpoint}
    assert outside == {"static"}


def test_each_data_route_has_exactly_one_category_and_it_is_in_the_catalogue(app: Flask, catalogue: Catalogue) -> None:
    endpoints = {rule.endpoint for rule in rules_behind(app, gates.token)}
    # A receipt holds no data: it belongs to no category, only to its own grant.
    assert endpoints - {"grant_receipts.receipt"} == set(CATEGORIES)
    assert set(CATEGORIES.values()) <= set(catalogue.categories)


def test_each_category_has_a_route(catalogue: Catalogue) -> None:
    assert set(catalogue.categories) == set(CATEGORIES.values())


def test_data_routes_only_read_and_questions_are_only_posted(app: Flask, catalogue: Catalogue) -> None:
    """What is asked stands in the body of a question, and in no address that is logged on the way."""
    for rule in rules_behind(app, gates.token):
        category = catalogue.categories.get(CATEGORIES.get(rule.endpoint, ""))
        if category is not None and category.questions is not None:
            assert (rule.methods or set()) - {"OPTIONS"} == {"POST"}, rule
        else:
            assert (rule.methods or set()) <= _SAFE, rule


def test_every_unsafe_method_under_a_cookie_needs_the_token_of_a_form(app: Flask) -> None:
    tried = 0
    for gate in {*_GATES.values()} - _WITHOUT_COOKIES:
        for rule in rules_behind(app, gate):
            for method in sorted((rule.methods or set()) - _SAFE):
                answer = app.test_client().open(
                    address_of(app, rule), method=method, headers={"Accept": "application/json"}
                )
                assert (answer.status_code, told(answer)["code"]) == (400, "form-expired"), rule
                tried += 1
    assert tried >= 3


@pytest.mark.fapi(20)
def test_every_client_endpoint_refuses_a_caller_without_an_assertion(app: Flask) -> None:
    form = {"token": "x", "grant_type": "authorization_code", "code": "x", "client_id": "messenger"}
    for rule in rules_behind(app, gates.client):
        answer = app.test_client().post(address_of(app, rule), data=form)
        assert (answer.status_code, told(answer)["error"]) == (401, "invalid_client"), rule


def test_every_data_route_refuses_a_caller_without_a_token(app: Flask) -> None:
    for rule in rules_behind(app, gates.token):
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = app.test_client().open(address_of(app, rule), method=method)
            assert (answer.status_code, told(answer)["code"]) == (401, "token-missing"), rule


def test_every_route_for_machines_refuses_a_caller_without_a_token(app: Flask) -> None:
    tried = 0
    for rule in rules_behind(app, gates.machine):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = app.test_client().open(address_of(app, rule), method=method)
            assert (answer.status_code, told(answer)["code"]) == (401, "token-missing"), rule
            tried += 1
    assert tried >= 2


def test_every_route_for_machines_needs_a_scope(app: Flask) -> None:
    """Its handler is asked with a token of no scope at all."""
    for rule in rules_behind(app, gates.machine):
        with app.test_request_context():
            g.machine = MachineToken("messenger", "jkt", (), False, *[datetime(2026, 11, 22, tzinfo=UTC)] * 2, None)
            with pytest.raises(ScopeMissing):
                app.view_functions[rule.endpoint](**dict.fromkeys(rule.arguments, "x"))


def test_every_page_for_signed_in_people_turns_a_stranger_away(app: Flask) -> None:
    for gate in (gates.person, gates.staff, gates.developer):
        for rule in rules_behind(app, gate):
            if "GET" in (rule.methods or set()):
                answer = app.test_client().get(address_of(app, rule), headers={"Accept": "application/json"})
                assert (answer.status_code, told(answer)["code"]) == (401, "sign-in-required"), rule


@pytest.mark.fapi(47, 49)
def test_every_answer_carries_the_security_headers_and_an_interaction_id(app: Flask) -> None:
    for address in ("/", "/healthz", "/v1/accounts", "/no-such-page", "/.well-known/oauth-authorization-server"):
        headers = app.test_client().get(address).headers
        assert headers["X-Content-Type-Options"] == "nosniff", address
        assert "default-src 'none'" in headers["Content-Security-Policy"], address
        assert headers["x-fapi-interaction-id"], address
