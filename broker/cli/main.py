"""The `broker` command and how its failures are told: one clear line and exit code 2."""

import sys

import click

from broker import __version__
from broker.cli.lazy import Lazy
from broker.errors import BrokerError
from broker.telemetry import configure_logging

_REFUSED = 2
_MODULES = {
    "audit": "audit",
    "bank": "bank",
    "db": "database:db",
    "doctor": "doctor",
    "events": "events",
    "keys": "keys",
    "metrics": "metrics",
    "platform": "platform",
    "policy": "policy",
    "sandbox": "sandbox",
    "serve": "serve",
    "switch": "switch",
    "worker": "worker",
}


@click.group(cls=Lazy, package="broker.cli", modules=_MODULES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="broker")
def cli() -> None:
    """Run and look after the consent broker."""


def main() -> None:
    """Run the command line; a refusal of the domain is one line, never a traceback."""
    configure_logging("ERROR")  # what commands do on their way they tell as results; those that serve log more
    try:
        cli.main(standalone_mode=True)
    except BrokerError as error:
        click.echo(f"broker: {error.detail}", err=True)
        sys.exit(_REFUSED)
