"""The cases that come with the policies, and what becomes of a case that cannot be read or is decided differently."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from broker.cli.policy import policy
from broker.errors import ConfigurationInvalid
from broker.policy.cases import mistakes, read_cases
from broker.policy.loading import load_catalogue
from broker.settings import default_policies_dir
from tests.support.core import policies

SHIPPED = read_cases(default_policies_dir(), policies())
CASE = {"says": "A case.", "moment": "release", "rule": "grant.paused", "differs": {"status": "PAUSED"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_policies_dir(), tmp_path / "policies"))


def add(folder: Path, **changes: Any) -> None:
    case = {name: value for name, value in {**CASE, **changes}.items() if value is not None}
    (folder / "tests" / "DENY" / "added.json").write_text(json.dumps(case))


@pytest.mark.parametrize("case", SHIPPED, ids=lambda case: case.file.removeprefix("tests/"))
def test_each_shipped_case_is_decided_as_it_says(case: Any) -> None:
    assert list(mistakes(policies(), case)) == []


def test_every_rule_that_refuses_has_a_case() -> None:
    rules = {rule.id for rule in policies().engine.rulebook.rules.values() if not rule.is_permission}
    # Whatever the list forbids today is among what is never allowed: see test_policy_fail_closed.py.
    assert rules - {case.rule for case in SHIPPED} == {"purpose.forbidden"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rule": "grant.revoked"}, "refused by grant.paused first; expected grant.revoked"),
        ({"differs": {}}, "allowed; expected to be refused by grant.paused"),
    ],
)
def test_a_case_that_is_decided_differently_is_told(folder: Path, changes: dict[str, Any], told: str) -> None:
    add(folder, **changes)
    ran = CliRunner().invoke(policy, ["test", "--dir", str(folder)])
    assert ran.exit_code == 1
    assert f"tests/DENY/added.json: {told}" in ran.output


def test_a_case_that_should_be_allowed_and_is_refused_is_told(folder: Path) -> None:
    (folder / "tests" / "ALLOW" / "added.json").write_text(json.dumps({**CASE, "rule": None} | {"moment": "release"}))
    found = [told for case in read_cases(folder, policies()) for told in mistakes(policies(), case)]
    assert found == ["tests/ALLOW/added.json: refused by grant.paused; expected to be allowed: A case."]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"says": " "}, "says"),
        ({"moment": "later"}, "moment"),
        ({"rule": None}, "rule"),
        ({"expects": "x"}, "expects: is not known"),
        ({"differs": {"stauts": "PAUSED"}}, "there is no stauts"),
        ({"differs": {"status": "SLEEPING"}}, "SLEEPING"),
        ({"differs": {"reads": 5}}, "is no question"),
        ({"bank": {"maximum_days": 1}}, "maximum_days"),
    ],
)
def test_a_case_that_says_nothing_clear_is_refused(folder: Path, changes: dict[str, Any], told: str) -> None:
    add(folder, **changes)
    with pytest.raises(ConfigurationInvalid, match=r"tests/DENY/added\.json") as refusal:
        read_cases(folder, policies())
    assert told in refusal.value.detail


@pytest.mark.parametrize(
    ("content", "told"),
    [(b'{"says": \n ,}', ":2:2: "), (b"[]", "must be an object"), (b"\xff", "JSON"), (b" " * 70_000, "larger")],
)
def test_a_case_that_cannot_be_read_is_refused(folder: Path, content: bytes, told: str) -> None:
    (folder / "tests" / "DENY" / "added.json").write_bytes(content)
    with pytest.raises(ConfigurationInvalid, match=r"tests/DENY/added\.json") as refusal:
        read_cases(folder, policies())
    assert told in refusal.value.detail


def test_policies_without_cases_are_refused(folder: Path) -> None:
    shutil.rmtree(folder / "tests" / "ALLOW")
    shutil.rmtree(folder / "tests" / "DENY")
    with pytest.raises(ConfigurationInvalid, match="no cases"):
        read_cases(folder, policies())
    shutil.rmtree(folder / "tests")
    with pytest.raises(ConfigurationInvalid, match=r"tests/request\.json: cannot be read"):
        read_cases(folder, policies())


def test_the_cedar_files_are_written_as_the_formatter_does(folder: Path) -> None:
    check = ["format", "--check", "--dir", str(folder)]
    assert CliRunner().invoke(policy, check).exit_code == 0
    file = folder / "20-banks.cedar"
    as_shipped = file.read_text()
    file.write_text(as_shipped.replace("unless {", "unless    {"))
    assert CliRunner().invoke(policy, check).exit_code == 1
    assert "unless    {" in file.read_text()
    assert CliRunner().invoke(policy, ["format", "--dir", str(folder)]).exit_code == 0
    assert file.read_text() == as_shipped
    file.write_text("forbid (")
    refused = CliRunner().invoke(policy, check).exception
    assert isinstance(refused, ConfigurationInvalid)
    assert "20-banks.cedar" in refused.detail


def test_policy_check_counts_what_it_has_read() -> None:
    ran = CliRunner().invoke(policy, ["check"])
    assert ran.exit_code == 0
    assert f"{len(policies().engine.rulebook.rules)} rules" in ran.output


@pytest.mark.parametrize("command", ["check", "test", "format"])
def test_a_folder_that_is_not_there_is_told_as_such(tmp_path: Path, command: str) -> None:
    ran = CliRunner().invoke(policy, [command, "--dir", str(tmp_path / "nowhere")])
    assert (ran.exit_code, "does not exist" in ran.output) == (2, True)
    with pytest.raises(ConfigurationInvalid, match="there is no such folder"):
        load_catalogue(tmp_path / "nowhere")
