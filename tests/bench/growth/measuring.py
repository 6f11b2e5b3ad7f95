"""Times the operations on an empty and on a full database by turns, and compares them."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.growth.operations import OPERATIONS, SLOW, Scene

_WARM_UP = 5
GOAL = 1.5


@dataclass(frozen=True, slots=True)
class Run:
    """One operation in one run: milliseconds of its median and of its slowest hundredth."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One operation on both databases: medians over all runs."""

    empty: Run
    full: Run

    @property
    def ratios(self) -> tuple[float, float]:
        """Return how many times as long the full database takes: p50, p99."""
        return self.full.p50_ms / self.empty.p50_ms, self.full.p99_ms / self.empty.p99_ms


class Unanswered(Exception):
    """An operation was refused; its time would mean nothing."""


def measured(empty: Scene, full: Scene, runs: int, samples: int) -> dict[str, Compared]:
    """Measure all operations, run by run: empty, full, empty, full, …"""
    scenes = {"empty": empty, "full": full}
    found: dict[str, dict[str, list[Run]]] = {name: {"empty": [], "full": []} for name in OPERATIONS}
    for scene in scenes.values():
        for name in OPERATIONS:
            timed(scene, name, _WARM_UP)
    for _ in range(runs):
        for name in OPERATIONS:
            for which, scene in scenes.items():
                found[name][which].append(timed(scene, name, max(1, samples // 10) if name in SLOW else samples))
    return {name: Compared(_median(one["empty"]), _median(one["full"])) for name, one in found.items()}


def timed(scene: Scene, name: str, samples: int) -> Run:
    """Take so many samples of one operation.

    Raises:
        Unanswered: it did not succeed.
    """
    took = []
    for _ in range(samples):
        operation = OPERATIONS[name](scene)
        began = time.perf_counter()
        response = operation()
        took.append((time.perf_counter() - began) * 1_000)
        if response.status_code not in {200, 303}:
            raise Unanswered(f"{name}: {response.status_code} {response.text[:500]}")
    return Run(statistics.median(took), _highest(took))


def _highest(took: Sequence[float]) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * 0.99))]


def _median(runs: Sequence[Run]) -> Run:
    return Run(statistics.median(run.p50_ms for run in runs), statistics.median(run.p99_ms for run in runs))


def as_markdown(found: Mapping[str, Mapping[str, Compared]]) -> str:
    """Return the tables of all databases."""
    lines = []
    for database, compared in found.items():
        lines += [
            f"## {database}",
            "",
            "| operation | empty p50, p99 ms | full p50, p99 ms | ratio p50 | ratio p99 | goal |",
            "|---|---|---|---|---|---|",
        ]
        for name, one in compared.items():
            (p50, p99), empty, full = one.ratios, one.empty, one.full
            met = "met" if max(p50, p99) <= GOAL else "NOT met"
            times = f"{empty.p50_ms:.1f}, {empty.p99_ms:.1f} | {full.p50_ms:.1f}, {full.p99_ms:.1f}"
            lines.append(f"| {name} | {times} | {p50:.2f} | {p99:.2f} | {met} |")
        lines.append("")
    return "\n".join(lines)
