"""`broker keys`: the key file."""

import json
import sys

import click

from broker.app import build_services
from broker.audit.rotation import tell_logs
from broker.audit.tree import listed
from broker.audit.vouching import vkeys_of
from broker.cli.output import printable
from broker.clock import system_clock
from broker.crypto import key_file, log_keys, signing_keys
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.edge.services import Services
from broker.errors import ConfigurationInvalid
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
    """Add the keys that a key file of an earlier version has not."""
    path = load_settings().key_file
    done = key_file.add_missing(path, system_clock())
    click.echo(f"Added to {path}. Back the file up again." if done else "Nothing to do: every key is there.")


@keys.command()
def rotate() -> None:
    """Begin with a new key for the audit logs; the present one signs along until `broker keys retire`.

    Says so in every log; repeat it when a log could not be written. Restart the broker afterwards, give banks and
    witnesses the new key, then retire the old one.
    """
    settings = load_settings()
    is_begun = log_keys.begin_next(settings.key_file)
    base = build_services(settings)
    _say(base, is_begun=is_begun, otherwise="Two log keys are in use already: end that rotation first.")
    click.echo("The new key is in use beside the old one. Restart the broker, then hand out the new keys:")
    _print_vkeys(base)


@keys.command()
def retire() -> None:
    """End a rotation: the old key for the audit logs signs no more, and is deleted. Repeatable like `rotate`."""
    settings = load_settings()
    is_begun = log_keys.end_last(settings.key_file)
    base, none = build_services(settings), "Only one log key is in use: there is none to retire."
    if not is_begun and len(base.log_keys.public_keys) == 1:
        raise ConfigurationInvalid(none, code="keys-rotating")
    _say(base, is_begun=is_begun, otherwise=none)
    click.echo(f"The old key is gone from {settings.key_file}. Restart the broker.")


@keys.command()
def logs() -> None:
    """Print the keys by which everybody verifies the audit logs (C2SP signed-note verifier keys)."""
    _print_vkeys(build_services(load_settings()))


def _say(base: Services, *, is_begun: bool, otherwise: str) -> None:
    """Write the change into every current log that does not say it yet, signed by the keys in use from now on.

    Raises:
        ConfigurationInvalid: the keys did not change now, and every log says so already: with the text `otherwise`.
    """
    told = tell_logs(base.sequencer, base.log_keys)
    for log, code in told.failed:
        click.echo(f"broker: {printable(log)} does not say so yet: {code}", err=True)
    if told.failed:
        click.echo("broker: The key file has changed. Repeat the command when these logs can be written.", err=True)
        sys.exit(1)
    if not is_begun and not told.written:
        raise ConfigurationInvalid(otherwise, code="keys-rotating")


def _print_vkeys(base: Services) -> None:
    for head in base.sequencer.look_up(listed):
        for vkey in vkeys_of(base.log_keys, head):
            click.echo(vkey)


@keys.command()
def public() -> None:
    """Print the public key set that banks register for the broker (JWK Set)."""
    click.echo(json.dumps(load_keyset(load_settings().key_file).public_jwks(), indent=2))


@keys.command("signing-rotate")
def signing_rotate() -> None:
    """Publish the next key that signs for clients; it signs from a quarter of an hour later on.

    The running broker follows the key file. On several machines, put the file on all of them before the key signs.
    """
    path = load_settings().key_file
    signs_from = signing_keys.begin_next(path, system_clock())
    click.echo(f"The new key is published, and signs from {signs_from:%Y-%m-%d %H:%M:%S} UTC on. Back {path} up again.")


@keys.command("signing-retire")
def signing_retire() -> None:
    """Delete the old key that signed for clients; refused until nothing that it signed can be on its way."""
    path = load_settings().key_file
    signing_keys.end_last(path, system_clock())
    click.echo(f"The old key is gone from {path}, and is no longer published.")
