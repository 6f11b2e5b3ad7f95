"""`broker platform list` and `show`: who is registered, and for what."""

from typing import Any

import click

from broker.cli.audit.database import own_broker
from broker.cli.output import json_option, print_json, print_rows, printable
from broker.errors import NotFound
from broker.platforms import service as platforms
from broker.platforms.service import Platform

_COLUMNS = ("id", "kind", "name", "purposes")


@click.command("list")
@json_option
def list_platforms(as_json: bool) -> None:
    """List the platforms, without removed ones."""
    with own_broker() as base, base.database.read() as session:
        found = [_told(platform) for platform in platforms.all_platforms(session)]
    if as_json:
        print_json(found)
    else:
        print_rows(_COLUMNS, [{name: _word(one[name]) for name in _COLUMNS} for one in found])


@click.command()
@click.argument("platform_id")
@json_option
def show(platform_id: str, *, as_json: bool) -> None:
    """Show all that is registered of a platform."""
    with own_broker() as base, base.database.read() as session:
        found = platforms.find(session, platform_id)
    if found is None:
        raise NotFound("There is no such platform.")
    if as_json:
        print_json(_told(found))
    else:
        print_rows(("what", "is"), [{"what": name, "is": _word(value)} for name, value in _told(found).items()])


def _told(platform: Platform) -> dict[str, Any]:
    return {
        "id": platform.id,
        "kind": platform.kind.value,
        "name": platform.name,
        "bank": platform.bank_id,
        "redirect_uris": list(platform.redirect_uris),
        "purposes": list(platform.purposes),
        "default_purpose": platform.default_purpose,
        "scopes": list(platform.scopes),
        "jwks_uri": platform.jwks_uri,
        "key_ids": [key.get("kid") for key in platform.jwks["keys"]],
        "options": platform.options.to_json(),
    }


def _word(value: Any) -> str | None:
    """Write a value as one line; what clients said of themselves must not reach the terminal as it is."""
    if isinstance(value, dict):
        value = [name if one is True else f"{name}: {_word(one)}" for name, one in value.items()]
    text = " ".join(str(one) for one in value) if isinstance(value, list) else value
    return None if text is None else printable(str(text), 200)
