"""`broker sandbox messenger`: stops the chat platform and starts it again, to see what waits for it meanwhile."""

import time
from collections.abc import Callable

import click

from broker.errors import ConfigurationInvalid
from broker.sandbox.info import read_info
from broker.sandbox.layout import MESSENGER, Layout, layout_of
from broker.settings import enter_sandbox

_WITHIN_S = 30.0
_POLL_S = 0.2


@click.group()
def messenger() -> None:
    """Stop Messenger, or start it again."""


@messenger.command()
def stop() -> None:
    """Stop Messenger: what the broker has to tell it waits."""
    layout = layout_of(enter_sandbox())
    read_info(layout.info_file)
    layout.messenger_rest_file.touch(mode=0o600)
    _wait(lambda: not _runs(layout))
    click.echo("Messenger has stopped. `broker sandbox messenger start` starts it again.")


@messenger.command()
def start() -> None:
    """Start Messenger again: it is told what it has missed."""
    layout = layout_of(enter_sandbox())
    read_info(layout.info_file)
    layout.messenger_rest_file.unlink(missing_ok=True)
    _wait(lambda: _runs(layout))
    click.echo(f"Messenger runs again: {layout.messenger_url}")


def _runs(layout: Layout) -> bool:
    return MESSENGER in read_info(layout.info_file)["processes"]


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        if is_so():
            return
        time.sleep(_POLL_S)
    raise ConfigurationInvalid("The sandbox has not done it in time; is it still running?")
