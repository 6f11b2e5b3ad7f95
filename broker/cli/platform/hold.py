"""`broker platform holds` and `unhold`: what harvest limits stopped, and its end by the operator."""

import click

from broker.cli.audit.database import own_broker
from broker.cli.output import json_option, print_json, print_rows
from broker.clock import rfc3339
from broker.harvest import holds

_COLUMNS = ("platform", "category", "since", "budget", "counted", "ceiling")


@click.command("holds")
@json_option
def list_holds(as_json: bool) -> None:
    """List the platforms that are held in a category, and which budget each broke."""
    with own_broker() as base, base.database.read() as session:
        found = [
            {
                "platform": hold.platform_id,
                "category": hold.category,
                "since": rfc3339(hold.placed_at),
                "budget": hold.budget,
                "counted": hold.counted,
                "ceiling": hold.ceiling,
            }
            for hold in holds.holds(session)
        ]
    if as_json:
        print_json(found)
    else:
        print_rows(_COLUMNS, found)


@click.command()
@click.argument("platform_id")
@click.option("--category", required=True, help="The data category that is held.")
@click.option("--reason", required=True, help="Why it may go on; stands in the logs.")
def unhold(platform_id: str, *, category: str, reason: str) -> None:
    """Let a platform that was held go on; what it read until now counts no longer."""
    with own_broker() as base:
        holds.lift(base.sequencer, platform_id, category, reason, base.clock())
    click.echo(f"{platform_id} gets {category} again.")
