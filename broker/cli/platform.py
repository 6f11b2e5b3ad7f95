"""`broker platform`: the clients of the broker."""

import json
from pathlib import Path

import click

from broker.app import build_services
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import InvalidRequest
from broker.platforms import service as platforms
from broker.platforms.service import Platform, PlatformKind
from broker.settings import Mode, load_settings


@click.group()
def platform() -> None:
    """Look after platforms (OAuth clients)."""


@platform.command()
@click.argument("platform_id")
@click.option("--name", required=True, help="The name people see on the consent page.")
@click.option("--jwks", "jwks_file", required=True, type=click.Path(path_type=Path), help="Public keys (JWK Set).")
@click.option("--kind", type=click.Choice([kind.value for kind in PlatformKind]), default=PlatformKind.PLATFORM.value)
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Exact redirect URI; may be repeated.")
@click.option("--scope", "scopes", multiple=True, help="Data category it may ask for; may be repeated.")
@click.option("--purpose", "purposes", multiple=True, help="Purpose it may name; may be repeated.")
@click.option("--default-purpose", default=None, help="The purpose of a plain `scope` request.")
def add(
    platform_id: str,
    *,
    name: str,
    jwks_file: Path,
    kind: str,
    redirect_uris: tuple[str, ...],
    scopes: tuple[str, ...],
    purposes: tuple[str, ...],
    default_purpose: str | None,
) -> None:
    """Register a platform, or replace its registration."""
    base = build_services(load_settings())
    new = Platform(
        id=platform_id,
        kind=PlatformKind(kind),
        name=name,
        jwks=_read_jwks(jwks_file),
        redirect_uris=redirect_uris,
        scopes=scopes,
        purposes=purposes,
        default_purpose=default_purpose,
    )
    is_sandbox = base.settings.mode is Mode.SANDBOX
    with base.sequencer.transaction([None]) as transaction:
        platforms.add(transaction.session, base.catalogue, new, http_loopback=is_sandbox, now=base.clock())
        transaction.append(Entry(Event.PLATFORM_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, platform_id=platform_id))
    click.echo(f"Registered {name} as {platform_id}.")


def _read_jwks(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"The key set {path} cannot be read as JSON.") from error
    if not isinstance(value, dict):
        raise InvalidRequest(f"The key set {path} is not a JWK Set.")
    return value
