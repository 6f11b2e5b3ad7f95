"""What the product's source must not hold, where a linter has no rule for it."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeGuard

from tests.architecture.tree import PACKAGE, ROOT, kept_files, name_of, nodes, product_files

_EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "base_classes"}
_EMPTY_SUFFIXES = ("Manager", "Helper", "Util", "Utils", "Handler")
_CLOCKS = {PACKAGE / "clock.py", PACKAGE / "sandbox/bank/clock.py", PACKAGE / "sandbox/messenger/clock.py"}
_TOLD_BY_THE_CALLER = {"host", "host_url", "url", "base_url", "url_root", "root_url", "remote_addr", "access_route"}
_MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root)/")
# Put together here, so that this file does not name them either.
_REGISTRIES = [
    name + end
    for name, end in (("pypi", ".org"), ("pythonhosted", ".org"), ("npmjs", ".org"), ("proxy.golang", ".org"))
]


def found(wanted: Callable[[ast.AST], bool], files: Iterator[Path] | tuple[Path, ...]) -> list[str]:
    return [f"{name_of(p)}:{getattr(node, 'lineno', 0)}" for p in files for node in nodes(p) if wanted(node)]


def but(*exempt: Path) -> Iterator[Path]:
    return (path for path in product_files() if path not in exempt)


def is_attribute(node: ast.AST, owner: str, names: set[str]) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in names
        and isinstance(node.value, (ast.Name, ast.Attribute))
        and (node.value.id if isinstance(node.value, ast.Name) else node.value.attr) == owner
    )


def test_no_module_and_no_class_has_an_empty_name() -> None:
    modules = [name_of(path) for path in product_files() if {path.stem, path.parent.name} & _EMPTY_NAMES]
    classes = found(
        lambda node: isinstance(node, ast.ClassDef) and node.name.endswith(_EMPTY_SUFFIXES), product_files()
    )
    assert modules + classes == []


def test_nothing_catches_everything() -> None:
    def catches_all(node: ast.AST) -> bool:
        if not isinstance(node, ast.ExceptHandler):
            return False
        return node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"}

    # Every request is answered; and the parent of all workers outlives whatever a policy file brings about.
    assert found(catches_all, but(PACKAGE / "edge/problems.py", PACKAGE / "cli/serving/policies.py")) == []


def test_no_rule_of_the_product_is_an_assert() -> None:
    assert found(lambda node: isinstance(node, ast.Assert), product_files()) == []


def test_only_the_clocks_read_the_time() -> None:
    def reads(node: ast.AST) -> bool:
        return (
            is_attribute(node, "datetime", {"now", "utcnow", "today"})
            or is_attribute(node, "date", {"today"})
            or is_attribute(node, "time", {"time", "time_ns"})
        )

    assert found(reads, but(*_CLOCKS)) == []


def test_only_the_settings_read_the_environment() -> None:
    def reads(node: ast.AST) -> bool:
        return is_attribute(node, "os", {"environ", "environb", "getenv", "putenv"})

    assert found(reads, but(PACKAGE / "settings.py")) == []


def test_no_link_and_no_check_is_built_from_what_the_caller_says_of_our_address() -> None:
    others = (
        *(PACKAGE / "sandbox").rglob("*.py"),
        *(PACKAGE / "outbound").rglob("*.py"),
    )  # their requests are not ours

    def trusts(node: ast.AST) -> bool:
        is_external = isinstance(node, ast.keyword) and node.arg == "_external"
        return is_external or is_attribute(node, "request", _TOLD_BY_THE_CALLER)

    assert found(trusts, but(*others)) == []


def test_nothing_is_left_for_later_in_the_source() -> None:
    marks = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XXX)\b")
    assert [name_of(path) for path in product_files() if marks.search(path.read_text(encoding="utf-8"))] == []


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    named = []
    for path in kept_files():
        content = path.read_bytes().decode("utf-8", "replace")
        if _MACHINE_PATH.search(content) or any(host in content for host in _REGISTRIES):
            named.append(path.relative_to(ROOT).as_posix())
    assert named == []


def test_what_happens_to_a_grant_is_logged_and_announced_in_one_place() -> None:
    def appends(node: ast.AST) -> bool:
        return is_attribute(node, "transaction", {"append"})

    acts = [path for path in product_files() if path.parent == PACKAGE / "grants"]
    # Whose page a grant stands on is nothing that a platform is told of: the events of linking are not a grant's.
    assert {name_of(path) for path in acts if any(map(appends, nodes(path)))} == {
        "broker/grants/announcing.py",
        "broker/grants/linking.py",
    }
    linked = {node.attr for node in nodes(PACKAGE / "grants/linking.py") if is_event(node)}
    assert linked == {"IDENTITY_LINKED", "IDENTITY_UNLINKED"}


def is_event(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Event"
