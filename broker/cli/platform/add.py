"""`broker platform add`: registers a client by hand."""

from pathlib import Path

import click

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.cli.audit.database import own_broker
from broker.crypto.strict_json import read_object
from broker.errors import InvalidRequest, NotFound
from broker.platforms import service as platforms
from broker.platforms.key_sets import NO_KEYS
from broker.platforms.options import Options
from broker.platforms.service import Platform, PlatformKind
from broker.policy.vocabulary import MachineScope
from broker.settings import Mode

_LARGEST_FILE = 65_536
_MACHINE_SCOPES = click.Choice([scope.value for scope in MachineScope])


@click.command()
@click.argument("platform_id")
@click.option("--name", required=True, help="The name people see on the consent page.")
@click.option("--jwks", "jwks_file", type=click.Path(path_type=Path), help="Public keys (JWK Set), a file.")
@click.option("--jwks-uri", default=None, help="Where the client publishes its keys, in place of --jwks.")
@click.option("--kind", type=click.Choice([kind.value for kind in PlatformKind]), default=PlatformKind.PLATFORM.value)
@click.option("--bank", "bank_id", default=None, help="The bank that a client of the kind bank acts for.")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Exact redirect URI; may be repeated.")
@click.option("--scope", "scopes", multiple=True, help="Data category it may ask for; may be repeated.")
@click.option("--purpose", "purposes", multiple=True, help="Purpose it may name; may be repeated.")
@click.option("--default-purpose", default=None, help="The purpose of a plain `scope` request.")
@click.option(
    "--machine-scope", "machine_scopes", multiple=True, type=_MACHINE_SCOPES, help="What it may do for itself."
)
@click.option("--require-nonce", is_flag=True, help="Demand nonces of ours in its DPoP proofs.")
@click.option("--require-signed-requests", is_flag=True, help="Take signed authorization requests only.")
def add(
    platform_id: str,
    *,
    name: str,
    jwks_file: Path | None,
    jwks_uri: str | None,
    kind: str,
    bank_id: str | None,
    redirect_uris: tuple[str, ...],
    scopes: tuple[str, ...],
    purposes: tuple[str, ...],
    default_purpose: str | None,
    machine_scopes: tuple[str, ...],
    require_nonce: bool,
    require_signed_requests: bool,
) -> None:
    """Register a platform, or replace its registration."""
    options = Options(
        requires_nonce=require_nonce, requires_signed_requests=require_signed_requests, machine_scopes=machine_scopes
    )
    new = Platform(
        id=platform_id,
        kind=PlatformKind(kind),
        name=name,
        jwks=_read_jwks(jwks_file) if jwks_file else NO_KEYS,
        redirect_uris=redirect_uris,
        scopes=scopes,
        purposes=purposes,
        default_purpose=default_purpose,
        jwks_uri=jwks_uri,
        bank_id=bank_id,
        options=options,
    )
    with own_broker() as base, base.sequencer.transaction([None]) as transaction:
        if bank_id is not None and bank_id not in base.catalogue.banks:
            raise NotFound(f"There is no bank {bank_id}.")
        is_sandbox = base.settings.mode is Mode.SANDBOX
        platforms.add(transaction.session, base.catalogue, new, http_loopback=is_sandbox, now=base.clock())
        transaction.append(Entry(Event.PLATFORM_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, platform_id=platform_id))
    click.echo(f"Registered {name} as {platform_id}.")


def _read_jwks(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            return read_object(file.read(_LARGEST_FILE))
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"The key set {path} cannot be read as a JWK Set.") from error
