"""Small files, short functions, handlers that parse, call and answer."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import PACKAGE, functions, line_count, name_of, product_files

_METHODS = {"get", "post", "put", "patch", "delete", "route"}
_MIGRATIONS = PACKAGE / "storage" / "migrations" / "versions"  # a table after the other; nothing to split
_LONGEST_FILE, _MEDIAN, _NINETIETH = 300, 80, 220
_LONGEST_FUNCTION, _LONGEST_HANDLER = 40, 10


def test_no_file_is_longer_than_300_lines() -> None:
    assert {name_of(path): line_count(path) for path in product_files() if line_count(path) > _LONGEST_FILE} == {}


def test_half_of_the_files_fit_on_a_screen() -> None:
    counts = [count for path in product_files() if (count := line_count(path)) > 1]
    assert statistics.median(counts) <= _MEDIAN
    assert statistics.quantiles(counts, n=10)[-1] <= _NINETIETH


def test_no_function_is_longer_than_40_lines() -> None:
    long = {
        f"{name_of(path)}:{function.name}": length
        for path in product_files()
        if _MIGRATIONS not in path.parents
        for function in functions(path)
        if (length := _code_lines(function)) > _LONGEST_FUNCTION
    }
    assert long == {}


def test_no_handler_has_more_than_ten_statements() -> None:
    long = {
        f"{name_of(path)}:{handler.name}": length
        for folder in ("api", "web", "oauth", "edge")
        for path in sorted((PACKAGE / folder).rglob("*.py"))
        for handler in _handlers(path)
        if (length := _statements(handler)) > _LONGEST_HANDLER
    }
    assert long == {}


def _code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without the docstring: a long explanation is no fault."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _statements(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 2  # neither itself nor its docstring


def _handlers(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for function in functions(path):
        for decorator in function.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(called, ast.Attribute) and called.attr in _METHODS:
                yield function
                break
