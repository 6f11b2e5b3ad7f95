"""`broker audit close-years` and `broker audit drop`: how long logs are kept."""

import click

from broker.app import build_services
from broker.audit import retention
from broker.settings import load_settings


@click.command(name="close-years")
def close_years() -> None:
    """Close the logs of years that are over and open this year's (`broker worker` does it too)."""
    base = build_services(load_settings())
    for log in retention.close_finished_years(base.sequencer, base.clock()):
        click.echo(f"Closed {log}.")


@click.command()
@click.option("--log", required=True, help="The log's name, e.g. broker.example/audit/harbor/2020.")
@click.option(
    "--keep-years",
    default=retention.YEARS_KEPT,
    show_default=True,
    type=click.IntRange(1, 100),
    help="How many whole years after its own a log is kept.",
)
@click.confirmation_option(prompt="The log's entries and details will be deleted for ever. Go on?")
def drop(log: str, keep_years: int) -> None:
    """Delete a closed year's entries and details; its last checkpoint stays. Mirror or export it before."""
    base = build_services(load_settings())
    head = retention.drop(base.database, log, base.clock(), keep_years)
    click.echo(f"Dropped the {head.size} entries of {head.origin}.")
