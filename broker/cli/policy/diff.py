"""`broker policy diff`: puts what was decided to two folders of policies, and shows what comes out otherwise."""

import sys
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from broker.audit.decisions import decided, stretches
from broker.cli.audit.database import own_broker
from broker.cli.audit.telling import progress
from broker.cli.output import json_option, print_json, print_rows, printable
from broker.cli.policy.comparing import Comparison, Side, Tally
from broker.edge.services import Services
from broker.errors import ConfigurationInvalid, NotFound
from broker.policy import Catalogue
from broker.policy.loading import load_catalogue

_MOST_DAYS = 3_660
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_COLUMNS = ("change", "rule", "decisions", "words", "interactions")
_LONGEST = 200


@click.command()
@click.argument("old", type=_FOLDER)
@click.argument("new", type=_FOLDER, required=False)
@click.option("--days", type=click.IntRange(1, _MOST_DAYS), default=30, show_default=True, help="How far back to look.")
@click.option("--bank", "bank_id", default=None, help="Only the decisions of this bank; otherwise of all.")
@click.option("--fail-on-flip", is_flag=True, help="Exit code 1 when a decision comes out otherwise.")
@json_option
def diff(old: Path, new: Path | None, *, days: int, bank_id: str | None, fail_on_flip: bool, as_json: bool) -> None:
    """Replay the decisions of the log against two folders of policies; show which would be allowed or refused instead.

    NEW is the folder in force when it is not named. Each decision is put to both with what it was judged by then, which
    the log keeps. Facts that a bank had changed count as they were, cut down to each folder's file. What was read and
    gathered stays as it was: the budgets of harvest.yaml are not replayed (`make sim` tries them), nor is what leaves:
    fields, steps, and how far back. A ceiling of reads that was raised counts as it was.
    """
    with own_broker() as base:
        before = _loaded(old)
        after = base.catalogue if new is None else _loaded(new)
        since = base.clock() - timedelta(days=days)
        with base.database.read() as session:
            places, dropped = stretches(session, since, _banks(base, bank_id))
            owners = sorted({place.log.split("/")[-2] for place in places})
            found = Comparison(Side.of(session, before, owners), Side.of(session, after, owners))
        total, done = sum(place.end - place.first for place in places), 0
        with progress("decisions") as told:
            for place in places:
                for count, page in decided(base.database, base.sealer, place):
                    for one in page:
                        found.add(one)
                    done += count
                    told(done, total)
    if as_json:
        print_json(_as_json(found, days, dropped))
    else:
        _print(found, days, dropped)
    if fail_on_flip and found.flips:
        sys.exit(1)


def _loaded(folder: Path) -> Catalogue:
    try:
        return load_catalogue(folder)
    except ConfigurationInvalid as error:
        raise ConfigurationInvalid(f"{folder}: {error.detail}") from error


def _banks(base: Services, bank_id: str | None) -> Collection[str]:
    if bank_id is None:
        return ()
    with base.database.read() as session:
        if not stretches(session, base.clock() - timedelta(days=_MOST_DAYS), [bank_id])[0]:
            raise NotFound("There is no log of such a bank.")
    return [bank_id]


def _as_json(found: Comparison, days: int, dropped: list[str]) -> dict[str, Any]:
    return {
        "days": days,
        "old": found.old.catalogue.digest,
        "new": found.new.catalogue.digest,
        "decisions": found.total,
        "compared": found.compared,
        "same": found.same,
        "flips": [{"now": now, "rule": rule, **tally.to_json()} for (now, rule), tally in _sorted(found.flips)],
        "refusedByAnotherRule": [
            {"before": old, "rule": new, **tally.to_json()} for (old, new), tally in _sorted(found.otherwise)
        ],
        "notReplayable": [{"why": why, **tally.to_json()} for why, tally in _sorted(found.not_replayable)],
        "doesNotReplay": found.unrepeated.to_json(),
        "underOtherPolicies": {"decisions": found.other_policies, "otherOutcome": found.other_outcome},
        "logsDropped": dropped,
        "notCompared": _not_compared(found),
    }


def _print(found: Comparison, days: int, dropped: list[str]) -> None:
    old, new = found.old.catalogue.digest[:16], found.new.catalogue.digest[:16]
    click.echo(f"{found.total} decisions of the last {days} days; {found.compared} put to {old}… and to {new}….")
    rows = [
        *(_row(_ENDS[now], rule, tally) for (now, rule), tally in _sorted(found.flips)),
        *(_row(f"refused by {before} before", rule, tally) for (before, rule), tally in _sorted(found.otherwise)),
    ]
    if rows:
        print_rows(_COLUMNS, rows)
    click.echo(f"{found.same} come out as before." if rows else "Nothing comes out otherwise.")
    for why, tally in _sorted(found.not_replayable):
        click.echo(f"Not replayable: {tally.count}, {printable(why, _LONGEST)}: {_examples(tally)}")
    if found.unrepeated.count:
        click.echo(
            f"DOES NOT REPLAY: {found.unrepeated.count} come out otherwise under their own policies than the log says,"
            f" and are not compared: {_examples(found.unrepeated)}"
        )
    if found.other_policies:
        click.echo(
            f"{found.other_policies} of those compared were made under policies of neither folder; the first folder"
            f" ends {found.other_outcome} of them otherwise than they ended."
        )
    for log in dropped:
        click.echo(f"Not looked at: {printable(log, _LONGEST)} was dropped.")
    for what in _not_compared(found):
        click.echo(f"Not compared: {what}")


_ENDS = {"refused": "allowed → refused", "allowed": "refused → allowed"}


def _sorted(tallies: dict[Any, Tally]) -> list[tuple[Any, Tally]]:
    return sorted(tallies.items(), key=lambda item: (-item[1].count, item[0]))


def _row(change: str, rule: str, tally: Tally) -> dict[str, Any]:
    words = printable(tally.words, _LONGEST)
    return dict(zip(_COLUMNS, (change, rule, tally.count, words, _examples(tally)), strict=True))


def _examples(tally: Tally) -> str:
    told = ", ".join(map(printable, tally.examples))
    return f"{told} …" if tally.count > len(tally.examples) else told


def _not_compared(found: Comparison) -> list[str]:
    """Say in what the folders differ that no decision shows."""
    old, new = found.old.catalogue, found.new.catalogue
    told = []
    if old.harvest != new.harvest:
        told.append("harvest.yaml differs; counts and budgets stay as they were. `make sim` tries budgets.")
    if old.categories != new.categories:
        told.append("categories.yaml or a notice differs; which fields and steps leave is no decision.")
    return told
