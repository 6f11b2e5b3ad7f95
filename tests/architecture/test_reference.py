"""The reference pages name everything that there is, and nothing that there is not."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import click
import pytest
from flask import Flask

from broker.api.routes import CATEGORIES
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.cli.main import cli
from broker.mounts import MOUNT_TABLE
from broker.oauth.client_metadata import told
from broker.oauth.details import MEMBERS, NUMBERS, TYPE, asked_by
from broker.oauth.schema import bank_data_schema
from broker.platforms.options import Options
from broker.platforms.service import Platform, PlatformKind
from broker.policy import Catalogue
from broker.policy.catalogue import Category, Field
from broker.policy.vocabulary import Detail, DurationType, Precision
from broker.settings import Settings, load_settings
from broker.web.log_rows import FilterForm
from tests.architecture.pages import REFERENCE, code_blocks, first_cells, headings, markdown_files, rows, section, text
from tests.architecture.tree import PACKAGE, functions, nodes, product_files, text_of

_SETTINGS, _CLI, _ROUTES = REFERENCE / "settings.md", REFERENCE / "cli.md", REFERENCE / "routes.md"
_SCOPES, _EVENTS = REFERENCE / "scopes.md", REFERENCE / "events.md"
_GLOSSARY, _METADATA = REFERENCE / "glossary.md", REFERENCE / "metadata.md"
_DETAILS, _SCHEMA = REFERENCE / "authorization-details.md", REFERENCE / "bank_data.schema.json"


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    told = first_cells(section(_SETTINGS, "Settings").partition("\n## ")[0])
    assert told == [f"BROKER_{field.name.upper()}" for field in fields(Settings)]


def test_every_setting_is_the_variable_that_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"BROKER_HOST": "127.0.0.9", "BROKER_PORT": "8499", "BROKER_WORKERS": "7", "BROKER_THREADS": "9"}
    for name, value in {**values, "BROKER_BASE_URL": "https://broker.example"}.items():
        monkeypatch.setenv(name, value)
    found = load_settings()
    assert (found.host, found.port, found.workers, found.threads) == ("127.0.0.9", 8499, 7, 9)


def test_every_plain_default_is_the_documented_one(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {name: default for name, default, _ in rows(section(_SETTINGS, "Settings").partition("\n## ")[0])}
    for name in told:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BROKER_BASE_URL", "https://broker.example")
    found = load_settings()
    for field in fields(Settings):
        value, default = getattr(found, field.name), told[f"BROKER_{field.name.upper()}"]
        if isinstance(value, (int, float, str)) and field.name not in {"base_url", "database_url"}:
            assert str(value) == default, field.name


def commands(group: click.Group = cli, path: str = "broker") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_every_command_is_documented_and_nothing_else_is() -> None:
    told = [title for title in headings(_CLI) if title.startswith("broker ")]
    assert sorted(told) == sorted(path for path, _ in commands())


def test_every_option_of_every_command_is_documented_and_nothing_else_is() -> None:
    for path, command in commands():
        options = {param.opts[0] for param in command.params if isinstance(param, click.Option)}
        assert set(first_cells(section(_CLI, path))) == options, path
        arguments = [param.name.upper() for param in command.params if isinstance(param, click.Argument)]
        if arguments:
            assert f"`{path} {' '.join(arguments)} …`" in section(_CLI, path), path


def test_every_route_is_documented_with_its_gate_and_nothing_else_is(app: Flask) -> None:
    gates = {mount.blueprint.name: mount.gate.__name__ for mount in MOUNT_TABLE} | {"": "static"}
    there = {
        f"{method} {rule.rule}": gates[rule.endpoint.rpartition(".")[0]]
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    titles = ("Data", "Deletions", "Receipts", "Fraud alerts", "OAuth", "Events", "Audit log", "Pages", "Health")
    told = [row for title in titles for row in rows(section(_ROUTES, title))]
    assert len(told) == len(there)
    assert {row[0]: row[1] for row in told} == there


def test_every_gate_is_documented() -> None:
    told = first_cells(section(_ROUTES, "Routes").partition("\n## ")[0])
    assert sorted(told) == sorted({mount.gate.__name__ for mount in MOUNT_TABLE} | {"static"})


def test_every_data_route_is_documented_with_its_category(app: Flask) -> None:
    told = {row[0]: row[2] for row in rows(section(_ROUTES, "Data"))}
    rules = {
        rule.endpoint: f"{'POST' if 'POST' in (rule.methods or ()) else 'GET'} {rule.rule}"
        for rule in app.url_map.iter_rules()
    }
    assert told == {rules[endpoint]: category for endpoint, category in CATEGORIES.items()}


@pytest.mark.parametrize(
    ("title", "module"),
    [
        ("A row of history or console", "log_rows.py"),
        ("A row of calls", "developer/calls.py"),
        ("A row of My sharing", "card_rows.py"),
    ],
)
def test_every_member_of_a_row_is_documented_and_nothing_else_is(title: str, module: str) -> None:
    as_json = next(function for function in functions(PACKAGE / "web" / module) if function.name == "as_json")
    answered = next(node.value for node in as_json.body if isinstance(node, ast.Return))
    assert isinstance(answered, ast.Dict)
    assert first_cells(section(_ROUTES, title)) == [text_of(key) for key in answered.keys]


def test_every_filter_of_the_rows_is_documented() -> None:
    told = set(re.findall(r"`([a-z_]+)`", section(_ROUTES, "Rows as JSON").partition("\n### ")[0]))
    assert set(FilterForm().fields) - {"before"} <= told


def test_every_category_is_documented_with_the_words_people_read(catalogue: Catalogue) -> None:
    told = {row[0]: row[1] for row in rows(section(_SCOPES, "Data categories").partition("\n## ")[0])}
    assert told == {name: category.title for name, category in catalogue.categories.items()}


def test_every_field_that_can_leave_is_documented_and_nothing_else_is(catalogue: Catalogue) -> None:
    for name, category in catalogue.categories.items():
        told = rows(section(_SCOPES, f"Fields of {name}"))
        assert [row[0] for row in told] == [field.name for field in category.fields]
        if category.details or category.precisions:
            assert [row[1] for row in told] == [_least_step(category, field) for field in category.fields], name


def _least_step(category: Category, field: Field) -> str:
    steps = [*category.details, *category.precisions]
    return (field.from_detail or field.from_precision or steps[0]).value


def test_every_purpose_is_documented_with_its_ceilings(catalogue: Catalogue) -> None:
    told = {row[0]: row[1:] for row in rows(section(_SCOPES, "Purposes")) if len(row) > 1}
    assert {code: [cells[0].replace("`", "").split(), *map(int, cells[1:])] for code, cells in told.items()} == {
        purpose.code: [
            list(purpose.needs),
            purpose.maximum.duration_days,
            purpose.maximum.lookback_days,
            purpose.maximum.frequency_per_day,
            purpose.maximum_attended_per_day,
            purpose.maximum.data_life_days,
        ]
        for purpose in catalogue.purposes.values()
    }
    forbidden = [row[0] for row in rows(section(_SCOPES, "Purposes")) if len(row) == 1]
    assert forbidden == list(catalogue.forbidden)


def test_every_event_is_documented_with_its_decision_and_nothing_else_is() -> None:
    told = {event: decision for event, _, decision in rows(section(_EVENTS, "Events"))}
    assert told == {event.value: Entry(event, Initiator.INDIVIDUAL).decision for event in Event}


def test_every_member_of_the_metadata_is_documented_and_nothing_else_is(app: Flask) -> None:
    for title, document in (
        ("Authorization server", "oauth-authorization-server"),
        ("The API", "oauth-protected-resource"),
    ):
        answer = app.test_client().get(f"/.well-known/{document}")
        assert answer.json is not None
        told = first_cells(section(_METADATA, title))
        assert len(told) == len(set(told))
        assert set(told) == set(answer.json)


def test_the_schema_of_bank_data_is_the_one_that_is_served(app: Flask, catalogue: Catalogue) -> None:
    answer = app.test_client().get("/.well-known/bank_data.schema.json")
    assert answer.content_type == "application/schema+json"
    assert answer.json == bank_data_schema(catalogue) == json.loads(text(_SCHEMA))


def test_the_schema_of_bank_data_has_the_members_that_the_broker_reads(catalogue: Catalogue) -> None:
    items = json.loads(text(_SCHEMA))["items"]
    assert set(items["properties"]) == MEMBERS
    assert items["properties"]["type"]["const"] == TYPE
    assert items["properties"]["purpose"]["enum"] == list(catalogue.purposes)
    assert set(items["properties"]["duration_type"]["enum"]) == set(DurationType)
    assert all(items["properties"][name]["type"] == "integer" for name in NUMBERS)


def test_the_schema_of_bank_data_has_every_category_with_its_steps_and_defaults(catalogue: Catalogue) -> None:
    told: dict[str, tuple[Any, ...]] = {}
    for shape in json.loads(text(_SCHEMA))["items"]["properties"]["categories"]["items"]["oneOf"]:
        parts = shape["properties"]
        for name in parts["name"].get("enum", [parts["name"].get("const")]):
            told[name] = tuple(
                (parts[step]["enum"], parts[step]["default"]) if step in parts else None for step in _STEPS
            )
    assert told == {
        name: (_steps(c.details, c.least().detail), _steps(c.precisions, c.least().precision))
        for name, c in catalogue.categories.items()
    }


_STEPS = ("detail", "precision")


def _steps(steps: Any, default: Detail | Precision | None) -> tuple[list[str], str] | None:
    return ([str(step) for step in steps], str(default)) if steps else None


def test_every_member_of_a_registration_is_documented_and_nothing_else_is() -> None:
    client = Platform("c_x", PlatformKind.PLATFORM, "X", {"keys": []}, ("https://x.example/",), default_purpose="x")
    choices: dict[str, Any] = {field.name: "ES256" for field in fields(Options) if field.name.endswith("_alg")}
    here = told(replace(client, options=Options(**choices)), datetime.now(UTC))
    elsewhere = told(replace(client, jwks_uri="https://x.example/jwks"), datetime.now(UTC))
    managed = {"registration_client_uri", "registration_access_token"}
    assert set(first_cells(section(_ROUTES, "A registration"))) == here.keys() | elsewhere.keys() | managed


def test_every_member_of_bank_data_is_documented_and_nothing_else_is() -> None:
    assert set(first_cells(section(_DETAILS, "Members"))) == MEMBERS


def test_the_broker_reads_every_example_of_a_request(catalogue: Catalogue) -> None:
    platform = Platform("messenger", PlatformKind.PLATFORM, "Messenger", {})
    examples = [
        block for block in code_blocks(_DETAILS, "json") if block.startswith("[") and '"accounts": [' not in block
    ]
    assert len(examples) >= 2
    for example in examples:
        assert asked_by({"authorization_details": example}, platform, catalogue).categories


def test_the_glossary_is_in_order_and_every_word_of_it_is_used_elsewhere() -> None:
    words = first_cells(section(_GLOSSARY, "Glossary"))
    assert words == sorted(words, key=str.casefold)
    assert len(words) == len(set(words))
    prose = " ".join(text(page) for page in markdown_files() if page != _GLOSSARY).casefold()
    assert [word for word in words if word.partition(" (")[0].casefold() not in prose] == []


def test_no_module_and_no_class_has_a_name_that_the_glossary_turns_down() -> None:
    # These are turned down as another word for one thing, and are the right word for another.
    fitting = {
        "",
        "app",
        "consent",
        "event",
        "grant",
        "item",
        "lock",
        "metadata",
        "nonce",
        "record",
        "response",
        "send",
    }
    turned_down = {
        word.strip().casefold()
        for _, _, others in rows(section(_GLOSSARY, "Glossary"))
        for word in re.sub(r"\([^)]*\)", "", others).split(",")
    }
    names = {
        name.casefold()
        for path in product_files()
        if PACKAGE / "sandbox" not in path.parents
        for name in (path.stem, *(node.name for node in nodes(path) if isinstance(node, ast.ClassDef)))
    }
    assert {"hit", "tpp", "guard", "middleware", "gateway", "adapter"} <= turned_down
    assert names & (turned_down - fitting) == set()
