"""Audit credentials: made, listed and revoked for a bank (`broker bank audit-credential`) or the operator."""

import click

from broker.audit import credentials
from broker.audit.vocabulary import OPERATOR_LOG
from broker.cli.audit.database import own_broker
from broker.cli.output import json_option, print_json, print_rows
from broker.clock import rfc3339

_COLUMNS = ("id", "created", "expires", "revoked")
days_option = click.option(
    "--days",
    type=click.IntRange(1, credentials.LONGEST_DAYS),
    default=credentials.DEFAULT_DAYS,
    show_default=True,
    help="For how long it is valid.",
)


@click.group()
def credential() -> None:
    """Look after the credentials that open the operator's own log."""


@credential.command()
@days_option
def create(days: int) -> None:
    """Make a credential and print it, this once."""
    create_for(OPERATOR_LOG, days)


@credential.command("list")
@json_option
def list_credentials(as_json: bool) -> None:
    """List the credentials, without their secrets."""
    list_for(OPERATOR_LOG, as_json=as_json)


@credential.command()
@click.argument("credential_id")
def revoke(credential_id: str) -> None:
    """End a credential at once."""
    revoke_for(OPERATOR_LOG, credential_id)


def create_for(owner: str, days: int) -> None:
    """Make a credential for the logs of an owner; the secret alone goes to standard output."""
    with own_broker() as base, base.database.write() as session:
        made, secret = credentials.create(session, owner, base.clock(), days)
    click.echo(f"Credential {made.id}, valid until {rfc3339(made.expires_at)}. It is shown this once:", err=True)
    click.echo(secret)


def list_for(owner: str, *, as_json: bool) -> None:
    """List the credentials of an owner."""
    with own_broker() as base, base.database.read() as session:
        rows = [
            {
                "id": one.id,
                "created": rfc3339(one.created_at),
                "expires": rfc3339(one.expires_at),
                "revoked": None if one.revoked_at is None else rfc3339(one.revoked_at),
            }
            for one in credentials.listed(session, owner)
        ]
    if as_json:
        print_json(rows)
    else:
        print_rows(_COLUMNS, rows)


def revoke_for(owner: str, credential_id: str) -> None:
    """End a credential of an owner."""
    with own_broker() as base, base.database.write() as session:
        credentials.revoke(session, owner, credential_id, base.clock())
    click.echo("Revoked: it opens nothing any more.")
