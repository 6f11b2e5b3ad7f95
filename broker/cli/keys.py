"""`broker keys`: the key file."""

import json
from base64 import b64encode

import click

from broker.app import build_services
from broker.audit.retention import name_of
from broker.audit.tree import listed
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.clock import system_clock
from broker.crypto import log_keys
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.edge.services import Services
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
def upgrade() -> None:
    """Add the key that signs the audit logs to a key file from before there was one."""
    path = load_settings().key_file
    done = log_keys.add_first(path)
    click.echo(f"Added to {path}. Back the file up again." if done else "Nothing to do: the key is there.")


@keys.command()
def rotate() -> None:
    """Begin with a new key for the audit logs; the present one signs along until `broker keys retire`.

    Says so in every log. Restart the broker afterwards, give banks and witnesses the new key, then retire the old one.
    """
    settings = load_settings()
    log_keys.begin_next(settings.key_file)
    base = build_services(settings)
    _say(base)
    click.echo("The new key is in use beside the old one. Restart the broker, then hand out the new keys:")
    _print_vkeys(base)


@keys.command()
def retire() -> None:
    """End a rotation: the old key for the audit logs signs no more, and is deleted."""
    settings = load_settings()
    log_keys.end_last(settings.key_file)
    _say(build_services(settings))
    click.echo(f"The old key is gone from {settings.key_file}. Restart the broker.")


@keys.command()
def logs() -> None:
    """Print the keys by which everybody verifies the audit logs (C2SP signed-note verifier keys)."""
    _print_vkeys(build_services(load_settings()))


def _say(base: Services) -> None:
    """Write the change into every current log, signed by the keys in use from now on."""
    banks = [name_of(head.origin).bank_id for head in base.sequencer.look_up(listed) if head.is_current]
    stated = {"logKeys": [b64encode(key).decode() for key in base.log_keys.signing_keys]}
    with base.sequencer.transaction(banks) as transaction:
        for bank in banks:
            transaction.append(Entry(Event.KEYS_ROTATED, Initiator.DATA_ACCESS_PLATFORM, bank_id=bank, stated=stated))


def _print_vkeys(base: Services) -> None:
    for head in base.sequencer.look_up(listed):
        for vkey in base.log_keys.vkeys(head.origin):
            click.echo(vkey)


@keys.command()
def public() -> None:
    """Print the public key set that banks register for the broker (JWK Set)."""
    click.echo(json.dumps(load_keyset(load_settings().key_file).public_jwks(), indent=2))
