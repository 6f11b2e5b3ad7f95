"""`python -m tests.bench.appending [--seconds S] [--rounds N] [--folder DIR] [--json FILE]`: all ways, interleaved.

Every commit is durable (fsync on); the folder's disk decides the figures, so one fsync of it is printed beside them.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.storage import schema
from broker.storage.engine import Database
from tests.bench.appending.ways import WAYS, open_log
from tests.support import postgres

_PROCESSES, _THREADS = 4, 16
_ROOT = Path(__file__).resolve().parents[3]
_OURS, _PLAIN, _SINGLE = WAYS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.appending")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way is measured")
    parser.add_argument("--folder", type=Path, default=_ROOT / ".bench", help="on the disk to measure")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def _measure(way: str, url: str, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.appending.clients", way, url, str(_THREADS), str(seconds)]
    running = [
        subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(_PROCESSES)
    ]
    for process in running:
        assert process.stdout is not None
        process.stdout.readline()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    took = sorted(one for process in running for one in json.loads(process.communicate()[0]))
    return {
        "appends/s": round(len(took) / seconds, 1),
        "p50 ms": round(took[len(took) // 2] * 1_000, 2),
        "p99 ms": round(took[len(took) * 99 // 100] * 1_000, 2),
    }


def _fsync_ms(folder: Path) -> float:
    with tempfile.TemporaryFile(dir=folder) as file:
        took = []
        for _ in range(200):
            begun = time.monotonic()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            took.append(time.monotonic() - begun)
    return round(statistics.median(took) * 1_000, 3)


@contextmanager
def _databases(kind: str, folder: Path) -> Iterator[Callable[[str], str]]:
    """Yield what names a new database; PostgreSQL's files stand in the same folder as SQLite's."""
    if kind == "sqlite":
        yield lambda name: f"sqlite:///{folder / name}.db"
        return
    folder.chmod(0o711)  # PostgreSQL runs as another user where root starts it
    with postgres.own_server(folder) as server:
        yield lambda _name: server.new_database()


def _round(kind: str, seconds: float, number: int, new: Callable[[str], str]) -> dict[str, dict[str, float]]:
    figures = {}
    for place, way in enumerate(WAYS):
        url = new(f"{number}-{place}")
        database = Database(url)
        schema.upgrade(database)
        open_log(database)
        database.close()
        figures[way] = _measure(way, url, seconds)
        print(f"{kind:11} round {number + 1}  {way:45} {figures[way]}", flush=True)  # noqa: T201 - the output of a command
    return figures


_TIMES, _TAIL, _COST = (
    "times the appends of one commit for each access",
    "of its p99",
    "cost on top of plain grouped inserts",
)
_GOALS = {"sqlite": {_TIMES: 5.0, _TAIL: 0.1, _COST: 0.25}, "postgresql": {_TIMES: 8.0, _TAIL: 0.1, _COST: 0.25}}


def _ratios(medians: dict[str, dict[str, float]]) -> dict[str, float]:
    ours, plain, single = medians[_OURS], medians[_PLAIN], medians[_SINGLE]
    return {
        _TIMES: round(ours["appends/s"] / single["appends/s"], 2),
        _TAIL: round(ours["p99 ms"] / single["p99 ms"], 3),
        _COST: round(plain["appends/s"] / ours["appends/s"] - 1, 3),
    }


def _judged(kind: str, ratios: dict[str, float]) -> Iterator[str]:
    for name, found in ratios.items():
        goal = _GOALS[kind][name]
        is_met = found >= goal if name == _TIMES else found <= goal
        sign = ">=" if name == _TIMES else "<="
        yield f"{kind:11} {found:6} {name} (goal {sign} {goal}): {'met' if is_met else 'NOT met'}"


def main() -> None:
    arguments = _arguments()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, object] = {
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
        "clients": _PROCESSES * _THREADS,
        "fsync ms": _fsync_ms(arguments.folder),
    }
    for kind in ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder, _databases(kind, Path(folder)) as new:
            rounds = [_round(kind, arguments.seconds, n, new) for n in range(arguments.rounds)]
        medians = {
            way: {figure: statistics.median(one[way][figure] for one in rounds) for figure in rounds[0][way]}
            for way in WAYS
        }
        results[kind] = {"medians": medians, "rounds": rounds, "ratios": _ratios(medians)}
        print("\n".join(_judged(kind, _ratios(medians))), flush=True)  # noqa: T201 - the output of a command
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
