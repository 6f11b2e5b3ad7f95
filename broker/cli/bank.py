"""`broker bank`: the banks that the broker speaks to."""

import click

from broker.app import build_services
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks import service as banks
from broker.cli.audit import credentials
from broker.cli.audit.database import own_broker
from broker.cli.bank_facts import facts
from broker.cli.output import json_option, print_json, print_rows
from broker.errors import ConfigurationInvalid, NotFound
from broker.settings import load_settings

_SCOPES = {
    "fdx": "openid profile offline_access fdx:customerpersonal:read fdx:accountdetailed:read fdx:transactions:read",
    "obie": "openid profile offline_access accounts",
}
_COLUMNS = ("id", "name", "standard", "issuer", "api_base", "client_id")


@click.group()
def bank() -> None:
    """Look after banks."""


@bank.command()
@click.argument("bank_id")
@click.option("--name", required=True, help="The name people know.")
@click.option("--standard", required=True, type=click.Choice(sorted(_SCOPES)), help="What its data API speaks.")
@click.option("--issuer", required=True, help="The bank's OpenID Connect issuer (URL).")
@click.option("--api-base", required=True, help="The base URL of its data API.")
@click.option("--client-id", required=True, help="The client id that the bank gave to the broker.")
@click.option("--scope", default=None, help="What to ask for at sign-in; a sensible default for each standard.")
def add(
    bank_id: str, *, name: str, standard: str, issuer: str, api_base: str, client_id: str, scope: str | None
) -> None:
    """Add a bank, or replace what is known of it. Its facts must stand in policies/banks/BANK_ID.yaml."""
    base = build_services(load_settings())
    if bank_id not in base.catalogue.banks:
        raise ConfigurationInvalid(f"There are no facts for this bank: write banks/{bank_id}.yaml among the policies.")
    new = banks.Bank(
        bank_id, name, standard, issuer.rstrip("/"), api_base.rstrip("/"), client_id, scope or _SCOPES[standard]
    )
    with base.sequencer.transaction([bank_id]) as transaction:
        banks.add(transaction.session, new, base.clock())
        transaction.append(Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, bank_id=bank_id))
    click.echo(f"Added {name}. The broker's redirect URI there: {base.settings.base_url}/sign-in/{bank_id}/callback")


@bank.command("list")
@json_option
def list_banks(as_json: bool) -> None:
    """List the banks."""
    base = build_services(load_settings())
    with base.database.read() as session:
        rows = [{name: getattr(one, name) for name in _COLUMNS} for one in banks.all_banks(session)]
    if as_json:
        print_json(rows)
    else:
        print_rows(_COLUMNS, rows)


@bank.group("audit-credential")
def audit_credential() -> None:
    """Look after the credentials by which a bank's auditors read its logs."""


@audit_credential.command()
@click.argument("bank_id")
@credentials.days_option
def create(bank_id: str, days: int) -> None:
    """Make a credential for the logs of a bank and print it, this once."""
    _check_bank(bank_id)
    credentials.create_for(bank_id, days)


@audit_credential.command("list")
@click.argument("bank_id")
@json_option
def list_credentials(bank_id: str, as_json: bool) -> None:
    """List the credentials of a bank, without their secrets."""
    credentials.list_for(bank_id, as_json=as_json)


@audit_credential.command()
@click.argument("bank_id")
@click.argument("credential_id")
def revoke(bank_id: str, credential_id: str) -> None:
    """End a credential of a bank at once."""
    credentials.revoke_for(bank_id, credential_id)


def _check_bank(bank_id: str) -> None:
    with own_broker() as base, base.database.read() as session:
        if banks.find(session, bank_id) is None:
            raise NotFound("There is no such bank.")


bank.add_command(facts)
