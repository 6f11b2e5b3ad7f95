"""`broker sandbox`: a world to try the broker in."""

import shutil
from pathlib import Path
from typing import Any

import click

from broker.cli.output import print_json, printable
from broker.cli.sandbox_alert import alert
from broker.cli.sandbox_clock import clock, clock_words
from broker.cli.sandbox_load import load
from broker.cli.sandbox_messenger import messenger
from broker.errors import ConfigurationInvalid
from broker.sandbox.info import read_info
from broker.sandbox.layout import layout_of
from broker.sandbox.world import run
from broker.settings import enter_sandbox
from broker.storage.clock_file import advanced_by, clock_file

_MOST_SHOWN = 20


@click.group()
def sandbox() -> None:
    """Run a world to try the broker in: two banks, a chat platform, people."""


sandbox.add_command(alert)
sandbox.add_command(clock)
sandbox.add_command(load)
sandbox.add_command(messenger)


@sandbox.command()
def up() -> None:
    """Start the world and keep it running until Ctrl-C."""
    settings = enter_sandbox()
    click.echo("Starting the broker, two banks and a chat platform ...")
    run(settings, _announce)
    click.echo("\nEverything has stopped. `make run` goes on with the same data; `make clean-sandbox` starts over.")


@sandbox.command()
@click.option("--json", "as_json", is_flag=True, help="Print the whole document, for programs.")
def info(as_json: bool) -> None:
    """Show addresses and sign-ins of the running world."""
    document = read_info(layout_of(enter_sandbox()).info_file)
    if as_json:
        print_json(document)
    else:
        _announce(document)


@sandbox.command()
def clean() -> None:
    """Forget the world: its data, keys and passwords."""
    layout = layout_of(enter_sandbox())
    try:
        read_info(layout.info_file)
    except ConfigurationInvalid:
        if (layout.data_dir / "world.lock").exists():
            shutil.rmtree(layout.data_dir)
        click.echo("The sandbox is clean.")
        return
    raise ConfigurationInvalid("The sandbox is running; stop it first (Ctrl-C in its terminal).")


def _announce(document: dict[str, Any]) -> None:
    pages = document["pages"]
    ahead = advanced_by(clock_file(Path(document["data_dir"])))
    first = document["users"][0]
    bank_names = {bank["id"]: bank["name"] for bank in document["banks"]}
    lines = [
        "",
        "The sandbox runs.",
        *([clock_words(ahead)] if ahead else []),
        "",
        f"  Messenger (the chat)   {document['messenger_url']}",
        f"  My sharing             {pages['my_sharing']}",
        f"  Mailbox (all mails)    {document['mailbox_url']}",
        f"  Access history         {pages['history']}",
        *(f"  {bank['name'] + ' console':<22} {bank['console_url']}" for bank in document["banks"]),
        "",
        "Sign-ins (made for this sandbox only):",
        *(line for bank in document["banks"] for line in _logins(bank, document["users"])),
        "",
        "What to do next:",
        f"  1. Open {document['messenger_url']}, say your name, and connect {bank_names[first['bank']]}.",
        f"  2. Sign in there as {first['username']}, leave one kind of data unticked, and allow the rest.",
        "  3. Ask for your balance, what you spent this week, where your card was used.",
        f"  4. Open {pages['my_sharing']}, stop sharing your balances, and ask again.",
        f"  5. Sign in to {document['banks'][0]['console_url']} as {document['banks'][0]['auditor']['username']}.",
        "",
        "Programs find all of this with: .venv/bin/broker sandbox info --json",
        "Stop with Ctrl-C.",
    ]
    click.echo("\n".join(lines))


def _logins(bank: dict[str, Any], users: list[dict[str, str]]) -> list[str]:
    own = [user for user in users if user["bank"] == bank["id"]]
    staff = [bank[role] | {"about": f"staff, {role}"} for role in ("auditor", "admin")]
    # Loaded people may be many, and their names are anybody's: what is printed is short and visible.
    shown = [*own[:_MOST_SHOWN], *staff]
    lines = [f"    {who['username']:<17} {who['password']:<27} {printable(who['about'])}" for who in shown]
    more = [f"    ... and {len(own) - _MOST_SHOWN} more: broker sandbox info --json"] if len(own) > _MOST_SHOWN else []
    return [f"  {bank['name']}", *lines, *more]
