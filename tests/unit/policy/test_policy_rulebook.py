"""A set of rules that is broken, or that could fail open, is not loaded; the complaint names the place."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.errors import ConfigurationInvalid
from broker.policy.files import read_folder
from broker.policy.loading import load_catalogue
from broker.policy.rulebook import PLACES, Rule, read_rules
from broker.policy.statements import statements
from broker.settings import default_policies_dir
from tests.support.core import policies

BANKS = "20-banks.cedar"
ADDED = "99-added.cedar"
SHIPPED = read_folder(default_policies_dir())
NOTES = '@id("added") @code("added") @reason("Words.")\n'
FORBID = 'forbid (principal, action == Action::"release", resource)'


def refused(text: str, name: str = ADDED) -> str:
    with pytest.raises(ConfigurationInvalid) as refusal:
        read_rules({**SHIPPED, name: text.encode()})
    return refusal.value.detail


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        # Not Cedar at all.
        ("forbid (principal, action resource);", ":1:27: ", "unexpected token `resource`"),
        (
            f"// first\n\n{NOTES}forbid (principal, action, resource)\nwhen {{ context.off containz 1 }};",
            ":5:20: ",
            "contai",
        ),
        (f"{NOTES}{FORBID}", ":1: ", "no end"),
        (f'{NOTES}{FORBID} when {{ context.category == "; // }} ;" }}', ":1: ", "no end"),
        (f"{NOTES}{FORBID};;", ":2:", "unexpected token `;`"),
        # Not about what the schema knows.
        (f'{NOTES}{FORBID} when {{ context.categry == "x" }};', ":1: ", "`categry` in context"),
        (f"{NOTES}{FORBID} when {{ context.reads.today > 4 }};", ":1: ", "today"),
        (f"{NOTES}{FORBID} when {{ context.category == 5 }};", ":1: ", "not compatible"),
        (f'{NOTES}forbid (principal, action == Action::"relaese", resource);', ":1: ", "relaese"),
        (f"{NOTES}forbid (principal is User, action, resource);", ":1: ", "User"),
        # Without what a refusal is told by.
        (f'@code("c") @reason("r") {FORBID};', ":1: ", "@id"),
        (f'@id("") @code("c") @reason("r") {FORBID};', ":1: ", "@id"),
        (f'@id("Added") @code("c") @reason("r") {FORBID};', ":1: ", "@id"),
        (f'@id("{"a" * 41}") @code("c") @reason("r") {FORBID};', ":1: ", "@id"),
        (f'@id("added") @reason("r") {FORBID};', ":1: ", "@code"),
        (f'@id("added") @code("Not a code") @reason("r") {FORBID};', ":1: ", "@code"),
        (f'@id("added") @code("c") {FORBID};', ":1: ", "@reason"),
        (f'@id("added") @code("c") @reason(" ") {FORBID};', ":1: ", "@reason"),
        (f'@id("added") @code("c") @reason("{"r" * 201}") {FORBID};', ":1: ", "@reason"),
        (f'@id("added") @code("c") @reason("r") @resaon("r") {FORBID};', ":1: ", "@resaon is not known"),
        (f'@id("added") @code("c") @reason("Of {{person}}.") {FORBID};', ":1: ", "{person} is not known"),
        # What would widen, or say the same twice.
        (f"{NOTES}{FORBID};\n{NOTES}{FORBID};", ":3: ", f"the id added stands at {ADDED}:1"),
        (
            f"{NOTES.replace('added', 'release.reads', 1)}{FORBID};",
            ":1: ",
            "release.reads would pass for a rule of the",
        ),
        (f"{NOTES.replace('added', 'bank.purposes', 1)}{FORBID};", ":1: ", f"bank.purposes stands at {BANKS}"),
        ('@id("added") permit (principal, action, resource);', ":1: ", "only 00-baseline.cedar permits"),
        (f"{NOTES}forbid (principal == ?principal, action, resource);", ":1: ", "template"),
    ],
)
def test_a_broken_rule_is_refused_with_its_place(text: str, place: str, told: str) -> None:
    detail = refused(text)
    assert detail.startswith(f"{ADDED}{place}")
    assert told in detail


DEEP = {
    "brackets": ("(" * 1_000 + "true" + ")" * 1_000, "nested deeper than 32 brackets"),
    "brackets after others that close": (")" * 1_000 + "(" * 1_000, "nested deeper than 32 brackets"),
    "sets": ("[" * 1_000 + "]" * 1_000, "nested deeper than 32 brackets"),
    "a chain": (" || ".join(["1 == 1"] * 1_500), "more than 256 operators"),
    "a chain that Cedar reads and cannot write down": (" || ".join(["true"] * 120), "nest"),
    "negations": ("!" * 5_000 + "true", "more than 256 operators"),
    "members": ("context" + ".off" * 2_000, "more than 256 operators"),
    "conditions": ("if true then true else " * 600 + "true", "more than 256 operators"),
    "comparisons between brackets": ("(1 > " * 1_000, "nested deeper than 32 brackets"),
    "behind a text of two lines": ('"a\n" == "' + "(" * 1_000 + '"', "no end in its line"),
    "a long text": ('context.category == "' + "x" * 17_000 + '"', "longer than 16384 characters"),
}


@pytest.mark.parametrize("name", list(DEEP))
def test_what_cedar_could_not_bear_is_refused_before_it_is_asked(name: str) -> None:
    """Some of these end a process that lets Cedar read them: a broken file would end the broker."""
    condition, told = DEEP[name]
    detail = refused(f"{NOTES}{FORBID} when {{ {condition} }};")
    assert detail.startswith(f"{ADDED}:1: ")
    assert told in detail


def test_a_schema_that_is_nested_too_deep_is_refused() -> None:
    nested = "entity Platform = { x: " + "Set<" * 1_000 + "Long" + ">" * 1_000 + " };"
    assert "more than 256 operators" in refused(nested, "schema.cedarschema")
    assert "nested deeper" in refused("entity Platform = " + "{ x: " * 1_000, "schema.cedarschema")


@pytest.mark.parametrize(
    "condition",
    ["(" * 31 + "true" + ")" * 31, '"((((((((((((((((((((((((((((((((((" == "]"', "true // " + "(" * 100 + "\n"],
)
def test_what_is_not_deep_is_read(condition: str) -> None:
    assert read_rules({**SHIPPED, ADDED: f"{NOTES}{FORBID} when {{ {condition} }};".encode()})


def test_a_missing_or_broken_schema_is_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match=r"schema\.cedarschema: the file is missing"):
        read_rules({name: text for name, text in SHIPPED.items() if name != "schema.cedarschema"})
    assert refused("entity Platform;\nentity Bank = { x: Long ;", "schema.cedarschema").startswith(
        "schema.cedarschema:2:25: "
    )
    assert "Sting" in refused("entity Platform = { x: Sting };", "schema.cedarschema")


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(ConfigurationInvalid, match=r"20-banks\.cedar: is not UTF-8"):
        read_rules({**SHIPPED, BANKS: b"\xff"})


@pytest.mark.parametrize("kept", [("00-baseline.cedar",), ()])
def test_without_rules_that_forbid_there_is_no_set(kept: tuple[str, ...]) -> None:
    files = {name: text for name, text in SHIPPED.items() if not name.endswith(".cedar") or name in kept}
    if kept:
        permits = [one.text for one in statements(kept[0], files[kept[0]].decode()) if "permit (" in one.text]
        files[kept[0]] = "\n".join(permits).encode()
    with pytest.raises(ConfigurationInvalid, match="must be rules"):
        read_rules(files)


def test_the_broker_does_not_load_what_is_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(default_policies_dir(), tmp_path / "policies"))
    with (folder / BANKS).open("a") as file:
        file.write("forbid (principal, action resource);\n")
    lines = (folder / BANKS).read_text().count("\n")
    with pytest.raises(ConfigurationInvalid, match=rf"20-banks\.cedar:{lines}:27: unexpected token"):
        load_catalogue(folder)


@pytest.mark.parametrize(
    "change", [lambda text: text + "\n// a comment\n", lambda text: text.replace("PAUSED", "paused", 1)]
)
@pytest.mark.parametrize("name", ["00-baseline.cedar", "schema.cedarschema"])
def test_the_digest_is_over_rules_and_schema_too(tmp_path: Path, name: str, change: Callable[[str], str]) -> None:
    folder = Path(shutil.copytree(default_policies_dir(), tmp_path / "policies"))
    (folder / name).write_text(change((folder / name).read_text()))
    assert load_catalogue(folder).digest != policies().digest


def test_the_rules_stand_in_the_order_of_their_files() -> None:
    rules = list(policies().engine.rulebook.rules.values())
    assert [rule.where.split(":")[0] for rule in rules] == sorted(rule.where.split(":")[0] for rule in rules)
    assert [rule.id for rule in rules if rule.is_permission] == ["baseline.request", "baseline.release"]
    for rule in rules:
        file, line = rule.where.split(":")
        assert f'"{rule.id}"' in SHIPPED[file].decode().splitlines()[int(line) - 1]


def test_only_known_places_of_the_words_are_filled_in() -> None:
    rule = Rule("a", is_permission=False, code="a", words="{category} of {purpose}", is_alone=False, where="a:1")
    assert rule.said({"category": "{purpose}", "purpose": "p"}) == "{purpose} of p"
    assert rule.said({}) == "? of ?"
    assert {"category", "bank.maximumDurationDays"} <= PLACES
