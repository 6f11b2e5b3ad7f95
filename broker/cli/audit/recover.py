"""`broker audit recover`: another log in place of one that witnesses contradict."""

import click

from broker.app import build_services, build_submission
from broker.audit.recovery import WitnessedHead, last_witnessed, next_name, refuse_unless_contradicted
from broker.audit.tree import Head, head_of
from broker.audit.witnesses import configured_witnesses
from broker.cli.output import printable
from broker.edge.services import Services
from broker.errors import LogUnavailable
from broker.grants.recovery import recover as put_back_to_work
from broker.settings import load_settings

_FIRST = 2


@click.command()
@click.option("--log", required=True, help="The log that is refused, e.g. broker.example/audit/harbor/2026.")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
def recover(log: str, yes: bool) -> None:
    """Open another log in place of one that witnesses contradict, and put all grants of its bank on hold."""
    base = build_services(load_settings())
    witnesses = configured_witnesses(base.settings)
    submission = build_submission(base.settings, base.database, base.log_keys)
    with base.database.read() as session:
        here = head_of(session, log)
    refuse_unless_contradicted(submission, witnesses, log)
    seen = last_witnessed(submission, witnesses, base.log_keys, log)
    _tell(here, seen)
    if not yes:
        click.confirm("Is there no newer backup, and shall another log be opened?", abort=True)
    following, count = _recovered(base, log, seen)
    click.echo(f"Opened {following}. {count} grants are on hold until their people resume them.")


def _tell(here: Head, seen: WitnessedHead) -> None:
    name = printable(seen.witness)
    click.echo(f"This database holds {here.size} entries of {here.origin}.")
    click.echo(f"The witness {name} has seen {seen.checkpoint.size}. What this database does not hold of them is lost.")


def _recovered(base: Services, log: str, seen: WitnessedHead) -> tuple[str, int]:
    number = _FIRST
    while True:
        with base.database.read() as session:
            following = next_name(session, log, number, base.clock())
        number += 1
        try:
            if following is not None:
                doors = (base.sequencer, base.fences, base.clock)
                return following, put_back_to_work(*doors, log=log, following=following, head=seen)
        except LogUnavailable as error:
            # An earlier recovery was lost with the backup too; its name is taken for ever.
            if error.code != "log-forked":
                raise
