"""`make sim`: runs honest years and harvests, prints and draws what came of them. Exit code 1: a goal was missed."""

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from broker.policy.harvest import Budgets
from broker.policy.loading import load_catalogue
from broker.settings import default_policies_dir
from tests.simulation import plots
from tests.simulation.attacks import SHAPES, Outcome, Shape, run
from tests.simulation.honest import Honest, honest_days
from tests.simulation.population import CHAT, HOURLY, NIGHTLY, QUIET, Kind, Platform

_WARM_DAYS = 70
_HARVEST_DAYS = 60
# What stays below every budget; docs/explanation/harvest.md says what bounds it.
PATIENT = frozenset({"slow sweep", "slow sleepers", "patient drip", "shadow"})


def honest_years(people: int, days: int, budgets: Budgets, seed: int) -> Iterator[Honest]:
    """Run platforms of several kinds and sizes, the largest last."""
    sizes: tuple[tuple[Kind, int], ...] = (
        (CHAT, 40),
        (CHAT, 300),
        (CHAT, 3_000),
        (CHAT, people // 4),
        (NIGHTLY, min(people, 2_000)),
        (HOURLY, min(people, 150)),
        (CHAT, people),
    )
    for kind, size in sizes:
        yield honest_days(kind, size, days, budgets, seed=seed + size)


def warmed(kind: Kind, people: int, budgets: Budgets, seed: int, days: int = _WARM_DAYS) -> Platform:
    """Let a platform live for some weeks, so that a harvest begins among ordinary traffic."""
    platform = Platform(kind, budgets, random.Random(seed))
    platform.seed_people(people // 2 if kind is QUIET else people, 30 if kind is QUIET else 200)
    platform.next_hour()
    for _ in range(days * 24):
        if kind is QUIET and platform.hour % 24 == 12:
            platform.join(people // 2 // days, read=False)
        platform.honest_hour()
        platform.next_hour()
    return platform


def harvests(
    people: int, budgets: Budgets, seed: int, shapes: tuple[Shape, ...] = SHAPES, days: int = _HARVEST_DAYS
) -> Iterator[Outcome]:
    """Run every shape against a platform of so many people, each from the same beginning."""
    usual = warmed(CHAT, people, budgets, seed)
    for shape in shapes:
        if shape.clients > 1:
            clients = [warmed(CHAT, people // shape.clients, budgets, seed + 1 + n) for n in range(shape.clients)]
        else:
            clients = [usual if shape.kind is CHAT else warmed(shape.kind, people, budgets, seed)]
        yield run(clients, shape, days, seed)


def main() -> int:
    """Run everything and print it; return 1 when an honest platform was held or a shape came further than it should."""
    parser = argparse.ArgumentParser(prog="make sim", description="Simulates harvests and honest years.")
    parser.add_argument("--people", type=int, default=100_000, help="people of the largest platform")
    parser.add_argument("--days", type=int, default=365, help="honest days")
    parser.add_argument("--seed", type=int, default=6, help="the same seed gives the same numbers")
    parser.add_argument("--plots", type=Path, default=None, help="folder for the two plots (SVG)")
    asked = parser.parse_args()
    budgets = load_catalogue(default_policies_dir()).harvest
    years, outcomes = [], []
    click.echo(f"{'honest platform':46}{'people':>9}{'days':>6}{'reads':>13}{'false holds':>13}  fullest budget")
    for year in honest_years(asked.people, asked.days, budgets, asked.seed):
        years.append(year)
        code, share = year.nearest
        click.echo(
            f"{year.kind.name:46}{year.people:>9,}{year.days:>6}{year.reads:>13,}{len(year.false_holds):>13}"
            f"  {code} {share:.0%}",
        )
    click.echo(f"\n{'harvest':20}{'people':>9}{'reads':>9}{'hours':>7}  {'stopped by':22}goal")
    for one in harvests(asked.people, budgets, asked.seed):
        outcomes.append(one)
        goal = "met" if one.is_within_goal else "stays below the budgets" if one.shape.name in PATIENT else "MISSED"
        click.echo(
            f"{one.shape.name:20}{one.people:>9,}{one.reads:>9,}{one.hours:>7}  {one.stopped_by or '-':22}{goal}",
        )
    if asked.plots is not None:
        asked.plots.mkdir(parents=True, exist_ok=True)
        (asked.plots / "harvests.svg").write_text(plots.harvests(outcomes, asked.people), encoding="utf-8")
        (asked.plots / "honest-days.svg").write_text(plots.fullness(years), encoding="utf-8")
    missed = [one for one in outcomes if not one.is_within_goal and one.shape.name not in PATIENT]
    return int(bool(missed or any(year.false_holds for year in years)))


if __name__ == "__main__":
    sys.exit(main())
