"""`broker audit tail`: shows what is being logged."""

import json
import time

import click

from broker.app import build_services
from broker.audit import reader
from broker.clock import rfc3339
from broker.settings import load_settings

_PAUSE_S = 1.0


@click.command()
@click.option("--lines", default=20, show_default=True, type=click.IntRange(1, 500), help="How many to begin with.")
@click.option("--follow", is_flag=True, help="Go on with new entries until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def tail(lines: int, follow: bool, as_json: bool) -> None:
    """Print the newest entries of all logs, without personal details."""
    base = build_services(load_settings())
    after: dict[str, int] = {}
    with base.database.read() as session:
        entries = reader.tail(session, after=after)[-lines:]
    while True:
        for entry in entries:
            after[entry.log] = max(entry.number, after.get(entry.log, -1))
            _print(entry, as_json)
        if not follow:
            return
        time.sleep(_PAUSE_S)
        with base.database.read() as session:
            entries = reader.tail(session, after=after)


def _print(entry: reader.LoggedEntry, as_json: bool) -> None:
    row = {
        "time": rfc3339(entry.at),
        "log": entry.log,
        "number": entry.number,
        "event": entry.event.value,
        "decision": entry.decision,
        "platform": entry.platform_id,
        "category": entry.category,
        "grant_id": entry.grant_id,
        "interaction_id": entry.interaction_id,
        "records": entry.records,
        "reasons": list(entry.reasons),
    }
    if as_json:
        click.echo(json.dumps(row))
    else:
        shown = {**row, "reasons": " ".join(entry.reasons)}
        parts = [f"{value}" for name, value in shown.items() if value not in (None, "")]
        click.echo("  ".join(parts))
