"""What `make sim` runs: honest years of several kinds and sizes, and every shape of harvest, on all processors."""

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final

from broker.policy.harvest import Budgets
from tests.simulation.attacks import SHAPES, Outcome, Shape, run
from tests.simulation.honest import Honest, honest_days
from tests.simulation.population import CHAT, HOURLY, NIGHTLY, QUIET, Kind, Platform

HARVEST_DAYS: Final = 60
_WARM_DAYS: Final = 70
_SAY_AFTER_S: Final = 30


def sizes(people: int) -> tuple[tuple[Kind, int], ...]:
    """Return the honest platforms, the largest last."""
    return (
        (CHAT, 40),
        (CHAT, 300),
        (CHAT, 3_000),
        (CHAT, people // 4),
        (NIGHTLY, min(people, 2_000)),
        (HOURLY, min(people, 150)),
        (CHAT, people),
    )


def warmed(kind: Kind, people: int, budgets: Budgets, seed: int, days: int = _WARM_DAYS) -> Platform:
    """Let a platform live for some weeks, so that a harvest begins among ordinary traffic."""
    platform = Platform(kind, budgets, random.Random(seed))
    platform.seed_people(people // 2 if kind == QUIET else people, 30 if kind == QUIET else 200)
    platform.next_hour()
    for _ in range(days * 24):
        if kind == QUIET and platform.hour % 24 == 12:
            platform.join(people // 2 // days, read=False)
        platform.honest_hour()
        platform.next_hour()
    return platform


def harvests(
    people: int, budgets: Budgets, seed: int, shapes: tuple[Shape, ...] = SHAPES, days: int = HARVEST_DAYS
) -> Iterator[Outcome]:
    """Run every shape against a platform of so many people, each from the same beginning."""
    usual = warmed(CHAT, people, budgets, seed)
    for shape in shapes:
        if _is_usual(shape):
            yield run([usual], shape, days, seed)
        else:
            yield _run_own(shape, people, budgets, seed, days)


@dataclass
class Everything:
    """All runs side by side, the longest first; `say` is told now and then how far it is."""

    people: int
    days: int
    seed: int
    budgets: Budgets
    say: Callable[[str], None]
    processes: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    _began_s: float = field(default_factory=time.monotonic)

    def run(self) -> tuple[list[Honest], list[Outcome]]:
        """Return the honest years and the harvests, in the order in which they are declared."""
        with ProcessPoolExecutor(self.processes) as pool:
            usual = pool.submit(warmed, CHAT, self.people, self.budgets, self.seed)
            years = [
                pool.submit(honest_days, kind, size, self.days, self.budgets, seed=self.seed + size)
                for kind, size in reversed(sizes(self.people))
            ]
            own = {
                shape.name: pool.submit(_run_own, shape, self.people, self.budgets, self.seed, HARVEST_DAYS)
                for shape in SHAPES
                if not _is_usual(shape)
            }
            self._await([usual], "the weeks before the harvests")
            outcomes = [
                own.get(shape.name) or pool.submit(run, [usual.result()], shape, HARVEST_DAYS, self.seed)
                for shape in SHAPES
            ]
            self._await([*years, *outcomes], "honest years and harvests")
        return [year.result() for year in reversed(years)], [one.result() for one in outcomes]

    def _await(self, runs: list[Future[Any]], what: str) -> None:
        left = set(runs)
        while left:
            _, left = wait(left, timeout=_SAY_AFTER_S, return_when=FIRST_COMPLETED)
            done = len(runs) - len(left)
            self.say(f"{time.monotonic() - self._began_s:6.0f} s: {what}: {done} of {len(runs)} done")


def _is_usual(shape: Shape) -> bool:
    return shape.kind == CHAT and shape.clients == 1


def _run_own(shape: Shape, people: int, budgets: Budgets, seed: int, days: int) -> Outcome:
    if shape.clients == 1:
        clients = [warmed(shape.kind, people, budgets, seed)]
    else:
        clients = [warmed(shape.kind, people // shape.clients, budgets, seed + 1 + n) for n in range(shape.clients)]
    return run(clients, shape, days, seed)
