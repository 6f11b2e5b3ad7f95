"""`python -m tests.bench.growth`: loads large databases and compares the operations with those on empty ones.

Options: `--grants N --entries N --database sqlite|postgresql|both --runs N --samples N --folder DIR`, `--load-only`,
`--measure-only`. A database that was loaded before is used again. At full size a database takes about 36 GB and most
of an hour to load.
"""

import argparse
import json
import logging
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from tests.bench.growth.measuring import Compared, as_markdown, measured
from tests.bench.growth.operations import Scene
from tests.bench.growth.places import EMPTY_GRANTS, Place, Stamp, opened, place
from tests.bench.growth.stories import recorded

ROOT = Path(__file__).parents[3]
SIZES = {"empty", "full"}


def stamps(where: Place, asked: argparse.Namespace) -> dict[str, Stamp]:
    """Return what stands in both databases of a place, after they were loaded where that was asked for.

    The empty one is loaded anew each time: measuring uses its few live grants up.
    """
    full = where.stamp("full")
    if asked.measure_only and full is None:
        raise SystemExit("There is no loaded database here: run it without --measure-only first.")
    stories = recorded()
    where.forget("empty")
    if full is None or not asked.measure_only:
        full = where.loaded("full", asked.grants, asked.entries, stories)
    return {"empty": where.loaded("empty", EMPTY_GRANTS, EMPTY_GRANTS * 10, stories), "full": full}


def compared(where: Place, asked: argparse.Namespace) -> dict[str, Compared]:
    """Measure both databases of a place by turns."""
    with ExitStack() as stack:
        houses = {
            name: stack.enter_context(opened(where.store(name), where.folder / f"{name}-house")) for name in SIZES
        }
        return measured(Scene.of(houses["empty"]), Scene.of(houses["full"]), asked.runs, asked.samples)


def report(folder: Path, found: dict[str, dict[str, Compared]], loaded: dict[str, dict[str, Stamp]]) -> None:
    """Write the figures as JSON and Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {
        database: {
            "loaded": {name: asdict(stamp) for name, stamp in loaded[database].items()},
            "operations": {name: asdict(one) | {"ratios": one.ratios} for name, one in operations.items()},
        }
        for database, operations in found.items()
    }
    (folder / "growth.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    (folder / "growth.md").write_text(as_markdown(found), encoding="utf-8")


def _asked(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth")
    parser.add_argument("--grants", type=int, default=1_000_000)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--folder", type=Path, default=ROOT / ".bench" / "growth")
    parser.add_argument("--results", type=Path, default=ROOT / ".bench" / "results")
    parser.add_argument("--load-only", action="store_true")
    parser.add_argument("--measure-only", action="store_true")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> None:
    asked = _asked(given)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    found, loaded = {}, {}
    for kind in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
        with place(kind, asked.folder) as where:
            loaded[kind] = stamps(where, asked)
            print(f"{kind}: {loaded[kind]}", flush=True)  # noqa: T201 - the output of a command
            if not asked.load_only:
                found[kind] = compared(where, asked)
    if found:
        report(asked.results, found, loaded)
        print(as_markdown(found))  # noqa: T201 - the output of a command


if __name__ == "__main__":
    main()
