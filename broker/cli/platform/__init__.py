"""`broker platform`: the clients of the broker, registered by hand or invited to register themselves."""

import click

from broker.cli.lazy import Lazy

_MODULES = {
    "add": "add",
    "holds": "hold:list_holds",
    "invite": "invite",
    "list": "show:list_platforms",
    "people": "people",
    "remove": "change:remove",
    "rotate-registration": "change:rotate_registration",
    "show": "show",
    "unhold": "hold:unhold",
}


@click.group(cls=Lazy, package="broker.cli.platform", modules=_MODULES)
def platform() -> None:
    """Look after platforms (OAuth clients)."""
