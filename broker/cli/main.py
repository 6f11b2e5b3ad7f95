"""The `broker` command and how its failures are told: one clear line and exit code 2."""

import gc
import importlib
import sys
from types import ModuleType

import click

from broker import __version__
from broker.errors import BrokerError

_REFUSED = 2
_MODULES = {
    "audit": "audit",
    "bank": "bank",
    "db": "database",
    "doctor": "doctor",
    "keys": "keys",
    "platform": "platform",
    "policy": "policy",
    "sandbox": "sandbox",
    "serve": "serve",
    "worker": "worker",
}


class _Nouns(click.Group):
    """Imports a command's module when it is asked for: most need little of the broker, and start at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_MODULES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(_imported(f"broker.cli.{_MODULES[cmd_name]}"), cmd_name)
        return command


def _imported(name: str) -> ModuleType:
    """Import a module without searching for garbage: there is none, and the searches take a fifth of the time.

    What is imported is left out of later searches too; it stays as long as the process.
    """
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


@click.group(cls=_Nouns, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="broker")
def cli() -> None:
    """Run and look after the consent broker."""


def main() -> None:
    """Run the command line; a refusal of the domain is one line, never a traceback."""
    try:
        cli.main(standalone_mode=True)
    except BrokerError as error:
        click.echo(f"broker: {error.detail}", err=True)
        sys.exit(_REFUSED)
