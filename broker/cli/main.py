"""The `broker` command and how its failures are told: one clear line and exit code 2."""

import sys

import click

from broker import __version__
from broker.cli.audit import audit
from broker.cli.bank import bank
from broker.cli.database import db
from broker.cli.doctor import doctor
from broker.cli.keys import keys
from broker.cli.platform import platform
from broker.cli.policy import policy
from broker.cli.sandbox import sandbox
from broker.cli.serve import serve
from broker.cli.worker import worker
from broker.errors import BrokerError

_REFUSED = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="broker")
def cli() -> None:
    """Run and look after the consent broker."""


for command in (audit, bank, db, doctor, keys, platform, policy, sandbox, serve, worker):
    cli.add_command(command)


def main() -> None:
    """Run the command line; a refusal of the domain is one line, never a traceback."""
    try:
        cli.main(standalone_mode=True)
    except BrokerError as error:
        click.echo(f"broker: {error.detail}", err=True)
        sys.exit(_REFUSED)
