"""`broker sandbox load`: somebody's own people in the sandbox."""

from pathlib import Path

import click

from broker.cli.output import print_json, printable
from broker.clock import system_clock
from broker.errors import ConfigurationInvalid
from broker.sandbox.info import read_info, refresh_users
from broker.sandbox.layout import Layout, layout_of
from broker.sandbox.own_people import load as load_people
from broker.sandbox.secret_files import logins, new_password
from broker.settings import enter_sandbox


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
def load(file: Path, as_json: bool) -> None:
    """Bring the people of FILE into the sandbox; whoever was loaded before is replaced."""
    layout = layout_of(enter_sandbox())
    people = load_people(layout, file, system_clock(), new_password)
    refresh_users(layout, logins(layout))
    if as_json:
        print_json([{"bank": p.bank, "username": p.username, "password": p.password, "name": p.name} for p in people])
        return
    when = "They can sign in now." if _runs(layout) else "They are there at the next `make run`."
    click.echo(f"{len(people)} people loaded. {when}")
    names = {bank.id: bank.name for bank in layout.banks}
    for one in people:
        click.echo(f"  {names[one.bank]:<14} {one.username:<18} {one.password:<28} {printable(one.name)}")


def _runs(layout: Layout) -> bool:
    try:
        read_info(layout.info_file)
    except ConfigurationInvalid:
        return False
    return True
