"""No secret is handed to a log line in the first place: redaction is the second net, not the first."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.pages import REFERENCE, rows, section
from tests.architecture.tree import PACKAGE, called, name_of, nodes, product_files, text_of

_PAGE = REFERENCE / "logs.md"
_LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
_EVENT = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")
_SECRET_NAMES = re.compile(
    r"token|secret|password|passphrase|assertion|proof|cookie|credential|authorization|verifier|sealed|headers|body|query"
    r"|form|sub(ject)?_?(id|name)?$|email|^name$|balance|amount"
)


def log_calls() -> Iterator[tuple[Path, ast.Call]]:
    """Calls such as `_log.info(…)` of the product; the sandbox's outsiders have logs of their own."""
    for path in product_files():
        for node in nodes(path) if PACKAGE / "sandbox" not in path.parents else ():
            if called(node) in _LEVELS and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                if (isinstance(owner, ast.Name) and owner.id in {"_log", "log", "logger"}) or called(
                    owner
                ) == "get_logger":
                    yield path, node


def test_a_log_line_has_a_constant_event_and_named_values() -> None:
    """An f-string would carry values past the redaction by name, and no two lines could be counted together."""
    found = list(log_calls())
    assert len(found) >= 5
    odd = [
        f"{name_of(path)}:{call.lineno}"
        for path, call in found
        if len(call.args) != 1 or not _EVENT.fullmatch(text_of(call.args[0]) or "")
    ]
    assert odd == []


def test_every_log_line_is_documented_with_its_level_and_nothing_else_is() -> None:
    told = [(row[0], row[1]) for row in rows(section(_PAGE, "Log lines").partition("\n## ")[0])]
    assert set(told) == {(text_of(call.args[0]), called(call)) for _, call in log_calls()}
    assert [line for line in told if told.count(line) > 1] == [], "one line of the page for each"


def test_no_log_line_is_given_a_value_that_is_called_like_a_secret() -> None:
    odd = [
        f"{name_of(path)}:{call.lineno} {keyword.arg}"
        for path, call in log_calls()
        for keyword in call.keywords
        if keyword.arg is not None and keyword.arg != "event_names" and _SECRET_NAMES.search(keyword.arg)
    ]
    assert odd == []


def test_only_commands_print() -> None:
    spoken = {PACKAGE / "cli", PACKAGE / "sandbox"}
    printing = [
        f"{name_of(path)}:{node.lineno}"
        for path in product_files()
        if not spoken & set(path.parents)
        for node in nodes(path)
        if isinstance(node, ast.Call) and called(node) == "print"
    ]
    assert printing == []
