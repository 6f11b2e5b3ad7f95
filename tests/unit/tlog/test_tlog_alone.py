"""A verifier needs neither the rest of the broker nor what it stands on."""

import subprocess
import sys

from tests.architecture.tree import PACKAGE

MODULES = sorted(f"broker.tlog.{path.stem}" for path in (PACKAGE / "tlog").glob("*.py") if path.stem != "__init__")
SCRIPT = """
import importlib, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(name)
foreign = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
own = {name for name in sys.modules if name.startswith("broker.") and not name.startswith("broker.tlog")}
print(*sorted(foreign | own))
"""


def loaded_by(*modules: str) -> set[str]:
    command = [sys.executable, "-c", SCRIPT, *modules]
    return set(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split())


def test_a_new_interpreter_loads_cryptography_and_nothing_else() -> None:
    assert len(MODULES) >= 13
    assert loaded_by(*MODULES) <= {"broker", "cryptography", "_cffi_backend", "_openssl"}


def test_the_same_look_finds_what_other_parts_load() -> None:
    assert {"sqlalchemy", "broker.storage"} <= loaded_by("broker.audit.models")
