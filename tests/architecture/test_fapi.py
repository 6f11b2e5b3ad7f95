"""The page of the profile cannot lie: each number has code that exists and tests that name it themselves."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.architecture.pages import REFERENCE, rows, section
from tests.architecture.tree import ROOT, functions, name_of, nodes, parsed

_PAGE = REFERENCE / "fapi.md"
_TITLE = "Numbers"
_MUST = (
    *(6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 29, 31, 32, 33, 34, 35, 36),
    *(37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62),
    *(63, 64, 65, 66, 67, 68, 70, 71, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88),
)
LEVELS = {str(number): "M" for number in _MUST} | {"14": "m", "18": "S", "28": "S", "30": "note", "69": "S", "72": "m"}
"""The numbers of the list from which this server was built, and how much each binds: must, should, may."""

NOT_APPLICABLE = {"29", "81"}
"""What this server cannot break, because it does not do it; the row says why."""

_PLACE = re.compile(r"\b(broker/[\w/]+\.py):(\w+)")
_TEST = re.compile(r"\b(tests/[\w/]+\.py)::(\w+)")
_UNFIT = {"skip", "skipif", "xfail", "campaign", "control", "interop"}


def _table() -> list[list[str]]:
    return rows(section(_PAGE, _TITLE))


def _marks(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, list[str]]:
    """The names of the marks on a test, and their arguments as text."""
    found: dict[str, list[str]] = {}
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(called, ast.Attribute):
            given = decorator.args if isinstance(decorator, ast.Call) else []
            found.setdefault(called.attr, []).extend(ast.unparse(one) for one in given)
    return found


def _marked() -> set[tuple[str, str]]:
    """The pairs of number and test, as the tests themselves say."""
    return {
        (number, f"{name_of(path)}::{function.name}")
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for function in functions(path)
        for number in _marks(function).get("fapi", [])
    }


def _defined(path: Path) -> set[str]:
    named = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in nodes(path) if isinstance(node, named)}


def test_each_number_stands_once_with_its_level() -> None:
    told = _table()
    assert [number for number, count in Counter(row[0] for row in told).items() if count > 1] == []
    assert {row[0]: row[1] for row in told} == LEVELS


def test_no_must_is_missing_and_what_does_not_apply_says_why() -> None:
    for number, _, what, where, tests in _table():
        assert what, number
        if number in NOT_APPLICABLE:
            assert where.startswith("does not apply: "), number
            assert tests == "none", number
        else:
            assert _PLACE.search(where), number
            assert _TEST.search(tests), number


def test_everything_that_is_named_exists() -> None:
    gone = []
    for row in _table():
        for name, function in _PLACE.findall(row[3]):
            if not (ROOT / name).is_file() or function not in _defined(ROOT / name):
                gone.append(f"{row[0]}: {name}:{function}")
        for name, function in _TEST.findall(row[4]):
            if not (ROOT / name).is_file() or function not in {one.name for one in functions(ROOT / name)}:
                gone.append(f"{row[0]}: {name}::{function}")
    assert gone == []


def test_the_rows_and_the_marks_of_the_tests_say_the_same() -> None:
    """Who writes a row must have a test that names the number, and who marks a test must have a row."""
    told = {(row[0], f"{name}::{function}") for row in _table() for name, function in _TEST.findall(row[4])}
    assert told == _marked()


@pytest.mark.parametrize("row", _table(), ids=lambda row: row[0])
def test_the_tests_of_a_row_run_in_every_build(row: list[str]) -> None:
    for name, wanted in _TEST.findall(row[4]):
        (function,) = [one for one in functions(ROOT / name) if one.name == wanted]
        assert not _UNFIT & set(_marks(function)), wanted
        module = [node for node in parsed(ROOT / name).body if isinstance(node, ast.Assign)]
        names = {target.id for node in module for target in node.targets if isinstance(target, ast.Name)}
        assert "pytestmark" not in names, f"{name} marks all its tests"
