"""A wheel holds every package of the tree and, inside the broker, the policies."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = "broker.shipped_policies"


def packaging() -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    return settings


def test_every_package_is_named() -> None:
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "broker").rglob("__init__.py")}
    assert set(packaging()["packages"]) == found | {SHIPPED}


def test_every_policy_file_is_shipped_inside_the_package() -> None:
    folder = ROOT / packaging()["package-dir"][SHIPPED]
    globs = packaging()["package-data"][SHIPPED]
    for path in (path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        assert any(fnmatch(name.as_posix(), glob) and len(name.parts) == len(Path(glob).parts) for glob in globs), name
