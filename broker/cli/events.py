"""`broker events`: who is told of events, what waits, and what was given up; it sends that again."""

import click

from broker.cli.audit.database import own_broker
from broker.cli.output import counted, json_option, print_json, print_rows, printable
from broker.errors import InvalidRequest
from broker.events.letters import letters, replay
from broker.events.streams import all_streams
from broker.events.vocabulary import DeliveryState

_STREAM_COLUMNS = ("receiver", "method", "endpoint", "status", "failures", "waiting", "dead")
_LETTER_COLUMNS = ("jti", "receiver", "grant_id", "sequence", "event", "attempts", "error", "created_at")


@click.group()
def events() -> None:
    """Look after the events that go to platforms and banks."""


@events.command()
@json_option
def streams(as_json: bool) -> None:
    """List who is told of events, and what waits for them."""
    with own_broker() as base, base.database.read() as session:
        rows = all_streams(session)
    if as_json:
        print_json(rows)
    else:
        print_rows(_STREAM_COLUMNS, rows)


@events.command()
@click.option("--receiver", help="One platform or bank, by its client id.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many at most.")
@json_option
def dead(receiver: str | None, limit: int, as_json: bool) -> None:
    """List the events that were given up (dead letters), the newest first."""
    with own_broker() as base, base.database.read() as session:
        found = letters(session, receiver=receiver, state=DeliveryState.DEAD, limit=limit)
    rows = [one.as_json() for one in found]
    if as_json:
        print_json(rows)
    else:
        print_rows(_LETTER_COLUMNS, ({**row, "error": printable(row["error"] or "", 100)} for row in rows))


@events.command("replay")
@click.argument("jti", nargs=-1)
@click.option("--receiver", help="Only of one platform or bank, by its client id.")
@click.option("--all", "is_all", is_flag=True, help="All that were given up, in place of naming them.")
@json_option
def replay_dead(jti: tuple[str, ...], receiver: str | None, is_all: bool, as_json: bool) -> None:
    """Send events again that were given up."""
    if bool(jti) is is_all:
        raise InvalidRequest("Name events by their jti, or say --all.")
    with own_broker() as base, base.database.write() as session:
        count = replay(session, None if is_all else jti, receiver, base.clock())
    if as_json:
        print_json({"replayed": count})
    else:
        click.echo(f"{counted(count, 'event')} will be sent again.")
