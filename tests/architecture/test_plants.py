"""Every fault that a control plants still fits the code, so that no larger run finds out that it has moved away."""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

from tests.support.controls import Plant

ROOT = Path(__file__).resolve().parents[2]
_TESTS = ROOT / "tests"
_KINDS = (".py", ".cedar", ".html", ".yaml", ".js")
_PLANT = 3


def _plants() -> list[Path]:
    names = ("planted(", "Plant(")
    return [path for path in sorted(_TESTS.rglob("test_*.py")) if any(n in path.read_text("utf-8") for n in names)]


@pytest.mark.parametrize("path", _plants(), ids=lambda path: str(path.relative_to(_TESTS)))
def test_every_planted_fault_fits_the_code(path: Path) -> None:
    if path == Path(__file__):
        return
    module = _imported(path)
    found = {*_of_values(vars(module).values()), *_of_calls(module, path)}
    misplaced = [(file, old) for file, old in found if (ROOT / file).read_text("utf-8").count(old) != 1]
    assert misplaced == []


def _imported(path: Path) -> ModuleType:
    # The tests of a folder find each other by name, as when they are run.
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location(f"planting_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def _of_values(values: Any) -> Iterator[tuple[str, str]]:
    """Yield file and text of every plant among values, and of what begins with a file, an old text and a new one."""
    for value in values:
        if isinstance(value, Plant):
            yield value.file, value.old
        elif isinstance(value, tuple | list) and _is_plant(value):
            yield value[0], value[1]
        elif isinstance(value, tuple | list | dict):
            yield from _of_values(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, FunctionType):  # what it is parametrized with
            yield from _of_values(mark.args for mark in getattr(value, "pytestmark", ()))


def _is_plant(value: Any) -> bool:
    begins = value[:_PLANT]
    are_texts = len(begins) == _PLANT and all(isinstance(one, str) for one in begins)
    return are_texts and begins[0].endswith(_KINDS) and (ROOT / begins[0]).is_file()


def _of_calls(module: ModuleType, path: Path) -> Iterator[tuple[str, str]]:
    """Yield file and text of the calls whose arguments stand in the module itself."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "planted":
            words = ast.Tuple([*node.args[1:]], ast.Load())
            try:
                given = eval(compile(ast.fix_missing_locations(ast.Expression(words)), str(path), "eval"), vars(module))  # noqa: S307 - our own tests
            except NameError:  # a name of the function's own
                continue
            if _is_plant(given):
                yield given[0], given[1]
