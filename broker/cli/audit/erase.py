"""`broker audit erase`: forgets one customer of a bank, after a last question."""

from contextlib import closing

import click

from broker.app import build_services
from broker.edge.services import Services
from broker.errors import NotFound
from broker.grants.erasure import Erasure
from broker.settings import load_settings
from broker.storage.shred import empty_write_ahead_log


@click.command()
@click.option("--bank", "bank_id", required=True, help="The bank's id.")
@click.option("--customer", required=True, help="The bank's own word for its customer (the `sub` of its sign-in).")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(bank_id: str, customer: str, yes: bool) -> None:
    """End the grants of a bank's customer and erase the personal details of all entries about them."""
    with closing(build_services(load_settings())) as base:
        user_id = _customer(base, bank_id, customer)
        erasure = Erasure(base.sequencer, base.fences, base.clock)
        if not yes:
            _ask(bank_id, len(erasure.live_grants(user_id, bank_id)))
        erased = erasure.erase(user_id, bank_id)
        is_clean = empty_write_ahead_log(base.database)
    entries = "1 entry" if erased.entries == 1 else f"{erased.entries} entries"
    click.echo(f"Erased the details of {entries}; number {erased.written.number} in")
    click.echo(f"{erased.written.log} says so. Backups keep them until they expire.")
    if not is_clean:
        click.echo("Older copies of pages stay in the write-ahead log until the broker overwrites it.")


def _customer(base: Services, bank_id: str, customer: str) -> str:
    with base.database.read() as session:
        user_id = base.users.known_as(session, bank_id, customer)
    if user_id is None:
        raise NotFound("This bank has no such customer here.")
    return user_id


def _ask(bank_id: str, live: int) -> None:
    click.echo(f"This ends {live} live permission(s) and erases what the log keeps of this customer at {bank_id}.")
    click.confirm("Nobody can undo it. Go on?", abort=True)
