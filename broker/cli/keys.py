"""`broker keys`: the key file."""

import json

import click

from broker.clock import system_clock
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.settings import load_settings


@click.group()
def keys() -> None:
    """Look after the key file."""


@keys.command()
def generate() -> None:
    """Make a new key file; an existing one is never overwritten."""
    settings = load_settings()
    generate_keyset(settings.key_file, system_clock())
    click.echo(f"Keys written to {settings.key_file}. Back this file up: without it nothing sealed can be read.")


@keys.command()
def public() -> None:
    """Print the public key set that banks register for the broker (JWK Set)."""
    click.echo(json.dumps(load_keyset(load_settings().key_file).public_jwks(), indent=2))
