"""`python -m tests.bench.steady [--seconds S] [--per-second N] [--database D] [--json FILE]`: a steady load.

Real processes, a bank over HTTP, fsync on, data on the disk of `.bench`. Calls are due at an open rate. It ends with 1
when more than 0.002 % failed, an answer is not in the log, the rate was not kept, or a process grew.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.fleet import ROOT, Fleet, running_fleet
from tests.support.postgres import own_server
from tests.support.steady import MOST_GROWTH_AN_HOUR, Steady, steady_load, wrong_in

_PEOPLE, _WORKERS = 64, 2
_MOST_RESIDENT = 150 << 20
_MIB = 1 << 20
_LONG_S = 600.0  # in less time nobody sees a leak


def main() -> int:
    """Run the load on each database, one after the other; tell what was seen."""
    given = _arguments()
    databases = ("sqlite", "postgresql") if given.database == "both" else (given.database,)
    told, wrong = {}, []
    for database in databases:
        with _fleet(database) as fleet:
            found = steady_load(fleet, given.per_second, given.seconds, _PEOPLE)
            told[database] = _figures(found)
            mistakes = wrong_in(fleet, found) + _too_much(found, given.per_second)
        sys.stdout.write(f"{database}: {_words(told[database])}\n" + "".join(f"  NOT MET: {one}\n" for one in mistakes))
        wrong += mistakes
    if given.json:
        given.json.write_text(json.dumps(told, indent=2), encoding="utf-8")
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.steady")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--per-second", type=float, default=150.0)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


@contextmanager
def _fleet(database: str) -> Iterator[Fleet]:
    (ROOT / ".bench").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".bench") as name:
        folder = Path(name)
        folder.chmod(0o711)  # a PostgreSQL that root starts runs as somebody else, who has to get to its data
        if database == "sqlite":
            with running_fleet(folder, workers=_WORKERS) as fleet:
                yield fleet
            return
        with (
            own_server(folder) as server,
            running_fleet(folder, server.new_database(), workers=_WORKERS) as fleet,
        ):
            yield fleet


def _too_much(found: Steady, per_second: float) -> list[str]:
    wrong = [] if found.per_second >= 0.99 * per_second else [f"{found.per_second:.1f} calls a second"]
    largest = max(one.resident_bytes for one in found.footprints)
    wrong += [f"a process of {largest / _MIB:.0f} MiB"] if largest > _MOST_RESIDENT else []
    if found.seconds < _LONG_S:
        return wrong
    grown = {pid: growth for pid, growth in found.growth_bytes_an_hour().items() if growth > MOST_GROWTH_AN_HOUR}
    wrong += [f"process {pid} grew by {growth / _MIB:.1f} MiB an hour" for pid, growth in grown.items()]
    begun, ended = ({one.pid for one in found.footprints if (one.at_s > found.seconds / 2) is late} for late in (0, 1))
    return wrong + ([] if begun == ended else ["a process was replaced"])


def _figures(found: Steady) -> dict[str, Any]:
    return {
        "calls": found.calls,
        "seconds": round(found.seconds, 1),
        "per_second": round(found.per_second, 1),
        "failed": dict(found.failures),
        "p50_ms": round(found.percentile(0.5) * 1e3, 1),
        "p99_ms": round(found.percentile(0.99) * 1e3, 1),
        "largest_process_mib": round(max(one.resident_bytes for one in found.footprints) / _MIB, 1),
        "growth_mib_an_hour": [round(one / _MIB, 2) for one in found.growth_bytes_an_hour().values()],
        "descriptors": sorted({one.descriptors for one in found.footprints}),
        "threads": sorted({one.threads for one in found.footprints}),
    }


def _words(told: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items())


if __name__ == "__main__":
    sys.exit(main())
