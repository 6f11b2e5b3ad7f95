"""`make sim`: runs honest years and harvests, prints and draws what came of them. Exit code 1: a goal was missed."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from broker.policy.loading import load_catalogue
from broker.settings import default_policies_dir
from tests.simulation import plots
from tests.simulation.attacks import Outcome
from tests.simulation.honest import Honest
from tests.simulation.runs import Everything


def show_years(years: Sequence[Honest]) -> None:
    """Print what the honest platforms did, and every false hold."""
    click.echo(f"\n{'honest platform':42}{'people':>9}{'days':>6}{'reads':>13}{'false holds':>13}  fullest budget")
    for year in years:
        code, share = year.nearest
        click.echo(
            f"{year.kind.name:42}{year.people:>9,}{year.days:>6}{year.reads:>13,}{len(year.false_holds):>13}"
            f"  {code} {share:.0%}",
        )
        for held in year.false_holds[:3]:
            click.echo(f"    FALSE HOLD on {held}")


def show_harvests(outcomes: Sequence[Outcome]) -> None:
    """Print how far each shape came; those that stay below by nature with the reason."""
    click.echo(f"\n{'harvest':20}{'people':>9}{'reads':>9}{'hours':>7}  {'stopped by':22}goal")
    for one in outcomes:
        goal = "met" if one.is_within_goal else "MISSED" if one.is_missed else "stays below, as declared"
        click.echo(
            f"{one.shape.name:20}{one.people:>9,}{one.reads:>9,}{one.hours:>7}  {one.stopped_by or '-':22}{goal}",
        )
    click.echo()
    for one in outcomes:
        if not one.is_within_goal and one.shape.stays_below is not None:
            got = f"{one.people:,} of {one.of_people:,} people in {one.hours} hours"
            click.echo(f"stays below: {one.shape.name}, {got}: {one.shape.stays_below}")


def show_released(years: Sequence[Honest], outcomes: Sequence[Outcome]) -> None:
    """Print of how many people data was released for each of them who had agreed."""
    most = max(one.released_per_agreed for one in (*years, *outcomes))
    asked = sum(one.strangers for one in outcomes)
    click.echo(
        f"people released / those of them who agreed: {most:.2f}; people asked for who had not agreed: {asked:,}"
    )


def verdict(years: Sequence[Honest], outcomes: Sequence[Outcome]) -> int:
    """Return 1 when an honest platform was held, a shape missed its goal, or data of a stranger was released."""
    is_held = any(year.false_holds for year in years)
    is_strange = any(one.released_per_agreed > 1 for one in (*years, *outcomes))
    return int(is_held or is_strange or any(one.is_missed for one in outcomes))


def main() -> int:
    """Run everything and print it; return the exit code."""
    parser = argparse.ArgumentParser(prog="make sim", description="Simulates harvests and honest years.")
    parser.add_argument("--people", type=int, default=100_000, help="people of the largest platform")
    parser.add_argument("--days", type=int, default=365, help="honest days")
    parser.add_argument("--seed", type=int, default=6, help="the same seed gives the same numbers")
    parser.add_argument("--plots", type=Path, default=None, help="folder for the two plots (SVG)")
    asked = parser.parse_args()
    click.echo("As shipped this takes some ten minutes on two cores.", err=True)
    budgets = load_catalogue(default_policies_dir()).harvest
    everything = Everything(asked.people, asked.days, asked.seed, budgets, lambda told: click.echo(told, err=True))
    years, outcomes = everything.run()
    show_years(years)
    show_harvests(outcomes)
    show_released(years, outcomes)
    if asked.plots is not None:
        asked.plots.mkdir(parents=True, exist_ok=True)
        (asked.plots / "harvests.svg").write_text(plots.harvests(outcomes, asked.people), encoding="utf-8")
        (asked.plots / "honest-days.svg").write_text(plots.fullness(years), encoding="utf-8")
    return verdict(years, outcomes)


if __name__ == "__main__":
    sys.exit(main())
