"""`broker platform people`: who may see a platform's own pages."""

import click

from broker.cli.audit.database import own_broker
from broker.cli.output import json_option, print_json, print_rows, printable
from broker.clock import rfc3339
from broker.platforms import people as people_of_platforms

_COLUMNS = ("id", "name", "status", "invited", "seen")


@click.group()
def people() -> None:
    """Look after the people of a platform, who see its own pages."""


@people.command()
@click.argument("platform_id")
@click.option("--name", required=True, help="The person's name, shown on the pages when they are signed in.")
def invite(platform_id: str, *, name: str) -> None:
    """Invite somebody and print the one-time link, this once; it is good for 24 hours."""
    with own_broker() as base, base.database.write() as session:
        _, secret = people_of_platforms.invite(session, platform_id, name, base.clock())
    click.echo(_link(base.settings.base_url, secret))


@people.command()
@click.argument("person_id")
def link(person_id: str) -> None:
    """Print another one-time link for somebody; the one before is worth nothing any more."""
    with own_broker() as base, base.database.write() as session:
        _, secret = people_of_platforms.link_again(session, person_id, base.clock())
    click.echo(_link(base.settings.base_url, secret))


@people.command("list")
@click.argument("platform_id")
@json_option
def list_people(platform_id: str, *, as_json: bool) -> None:
    """List the people of a platform, without removed ones."""
    with own_broker() as base, base.database.read() as session:
        rows = [
            {
                "id": one.id,
                "name": one.name if as_json else printable(one.name),
                "status": "signed in before" if one.seen_at else "invited",
                "invited": rfc3339(one.created_at),
                "seen": one.seen_at and rfc3339(one.seen_at),
            }
            for one in people_of_platforms.people_of(session, platform_id)
        ]
    if as_json:
        print_json(rows)
    else:
        print_rows(_COLUMNS, rows)


@people.command()
@click.argument("person_id")
def remove(person_id: str) -> None:
    """Shut a person out: their link and their sessions are worth nothing from now on."""
    with own_broker() as base, base.database.write() as session:
        people_of_platforms.remove(session, person_id, base.clock())
    click.echo(f"{person_id} is shut out.")


def _link(base_url: str, secret: str) -> str:
    return f"{base_url}/developers/sign-in?link={secret}"
