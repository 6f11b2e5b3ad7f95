"""`broker platform invite`: initial access tokens, by which clients register themselves."""

import click

from broker.cli.audit.database import own_broker
from broker.cli.output import json_option, print_json, print_rows
from broker.clock import rfc3339
from broker.platforms import initial_tokens
from broker.platforms.initial_tokens import DEFAULT_DAYS, LONGEST_DAYS, MOST_USES

_COLUMNS = ("id", "label", "scopes", "uses", "most_uses", "expires", "revoked")


@click.group()
def invite() -> None:
    """Let clients register themselves."""


@invite.command()
@click.argument("label")
@click.option("--purpose", "purposes", multiple=True, help="Purpose that a client may name; may be repeated.")
@click.option("--scope", "scopes", multiple=True, help="Scope that a client may have; may be repeated.")
@click.option("--uses", type=click.IntRange(1, MOST_USES), default=1, help="How many clients may register; 1.")
@click.option("--days", type=click.IntRange(1, LONGEST_DAYS), default=DEFAULT_DAYS, help="For how long it is valid.")
def create(label: str, *, purposes: tuple[str, ...], scopes: tuple[str, ...], uses: int, days: int) -> None:
    """Make an initial access token and print it, this once; LABEL says for whom it is."""
    with own_broker() as base, base.database.write() as session:
        _, secret = initial_tokens.create(
            session,
            base.catalogue,
            label=label,
            purposes=purposes,
            scopes=scopes,
            most_uses=uses,
            days=days,
            now=base.clock(),
        )
    click.echo(secret)


@invite.command("list")
@json_option
def list_tokens(as_json: bool) -> None:
    """List initial access tokens, ended ones too, without their secrets."""
    with own_broker() as base, base.database.read() as session:
        rows = [
            {
                "id": one.id,
                "label": one.label,
                "purposes": " ".join(one.purposes),
                "scopes": " ".join(one.scopes),
                "uses": one.uses,
                "most_uses": one.most_uses,
                "created": rfc3339(one.created_at),
                "expires": rfc3339(one.expires_at),
                "revoked": one.revoked_at and rfc3339(one.revoked_at),
            }
            for one in initial_tokens.listed(session)
        ]
    if as_json:
        print_json(rows)
    else:
        print_rows(_COLUMNS, rows)


@invite.command()
@click.argument("token_id")
def revoke(token_id: str) -> None:
    """End an initial access token at once; clients that registered with it stay."""
    with own_broker() as base, base.database.write() as session:
        initial_tokens.revoke(session, token_id, base.clock())
    click.echo(f"{token_id} is revoked.")
