"""A page that says "this test shows it" names a test that exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.pages import DOCS, REFERENCE, rows, section, text
from tests.architecture.tree import ROOT, name_of

_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
_THREATS = DOCS / "explanation" / "threat-model.md"
_RELIABILITY = REFERENCE / "reliability.md"
_ATTACKERS = ("A1", "A1a", "A2", "A3a", "A3b", "A5", "A7")
_LINDDUN = (
    "Linking",
    "Identifying",
    "Non-repudiation",
    "Detecting",
    "Data disclosure",
    "Unawareness",
    "Non-compliance",
)


@cache
def functions_in(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def missing(page: Path) -> list[str]:
    """What the page names and nobody has written."""
    gone = []
    for name, test in _NAMED.findall(text(page)):
        if not (ROOT / name).is_file() or (test and test not in functions_in(ROOT / name)):
            gone.append(f"{name}::{test}" if test else name)
    return gone


@pytest.mark.parametrize(
    "page",
    [page for page in sorted(DOCS.rglob("*.md")) if page != _RELIABILITY and _NAMED.search(text(page))],
    ids=name_of,
)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    assert missing(page) == []


def test_the_page_of_threats_names_every_attacker_with_a_test() -> None:
    found = {row[0].partition(" ")[0]: row for row in rows(section(_THREATS, "2. The attackers of FAPI 2.0"))}
    assert tuple(found) == _ATTACKERS
    assert all(_NAMED.search(row[-1]) for row in found.values())


def test_the_page_of_threats_answers_every_letter() -> None:
    told = rows(section(_THREATS, "3. STRIDE, element by element"))
    letters = {letter for row in told for letter in row[1].partition(":")[0].split(", ")}
    assert letters == set("STRIDE")
    assert all(row[2] and row[3] for row in told)
    assert tuple(row[0] for row in rows(section(_THREATS, "4. LINDDUN: privacy"))) == _LINDDUN


def test_every_row_of_reliability_names_a_control_and_a_sample() -> None:
    for row in rows(section(_RELIABILITY, "Rows")):
        assert all(row[:6]), row[0]


def test_every_row_of_reliability_has_its_test() -> None:
    gone = [
        pattern for pattern in re.findall(r"`(tests/[\w/*]+\.py)`", text(_RELIABILITY)) if not [*ROOT.glob(pattern)]
    ]
    assert gone == []
    assert missing(_RELIABILITY) == []
