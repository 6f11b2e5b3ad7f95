"""`broker policy`: reads the policies, and what was decided by them; the commands on files need no broker."""

import click

from broker.cli.lazy import Lazy

_MODULES = {
    "check": "files:check",
    "diff": "diff",
    "explain": "explain",
    "format": "files:format_",
    "test": "files:test",
}


@click.group(cls=Lazy, package="broker.cli.policy", modules=_MODULES)
def policy() -> None:
    """Look after the policies, and at what was decided by them."""
