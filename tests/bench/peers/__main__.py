"""`python -m tests.bench.peers [--rounds N] [--seconds S] [--databases D,D] [--folder DIR]`: one interleaved run.

It ends with 1 when a request of ours failed; a goal that is missed is told, and no failure.
"""

import argparse
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.peers import starting
from tests.bench.peers.goals import goals
from tests.bench.peers.measuring import fsync_ms, interleaved, revoke_ms, started
from tests.bench.peers.report import markdown, write
from tests.support.fleet import ROOT

_VERSIONS = ("Flask", "gunicorn", "cryptography", "SQLAlchemy", "psycopg", "cedarpy")


def main() -> int:
    """Start everybody, measure in turns, write and say what was found."""
    given = _arguments()
    with ExitStack() as stack:
        (ROOT / ".bench").mkdir(exist_ok=True)
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=ROOT / ".bench")))
        data.chmod(0o711)
        machine = _machine(data)
        beside: dict[str, Any] = {"start": started(data), "revoke_ms": revoke_ms(data / "revoke")}
        contenders = stack.enter_context(starting.peers(data))
        for database in given.databases.split(","):
            own = data / database
            own.mkdir()
            contenders += stack.enter_context(starting.ours(database, own))
        found = interleaved(contenders, given.rounds, given.seconds, _say)
    judged = list(goals(found, beside))
    write(given.folder, machine, found, beside, judged)
    _say(markdown(machine, found, beside, judged))
    own_names = [one for one in found if "call" in one or one.startswith("token endpoint")]
    failed = {name: one.failures for name in own_names for rows in found[name].values() for one in rows if one.failed}
    if failed:
        _say(f"requests of ours that failed: {failed}")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each turn")
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--folder", type=Path, default=ROOT / ".bench" / "results")
    return parser.parse_args()


def _machine(folder: Path) -> dict[str, Any]:
    versions = {name: importlib.metadata.version(name) for name in _VERSIONS}
    if node := shutil.which("node"):
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
        versions["node"] = said.stdout.strip()
    return {
        "machine": f"{os.cpu_count()} processors, {platform.platform()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "one fsync of 4 kB in ms": fsync_ms(folder),
    }


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
