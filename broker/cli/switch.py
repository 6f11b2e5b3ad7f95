"""`broker switch`: the operator turns off a kind of data, a platform, a bank or everything, and on again."""

from collections.abc import Callable
from typing import Any

import click

from broker.cli.audit.database import own_broker
from broker.cli.output import counted, json_option, print_json, print_rows, printable
from broker.clock import rfc3339
from broker.errors import InvalidRequest
from broker.grants.reader import live_between
from broker.switches.reader import listed
from broker.switches.service import Hand
from broker.switches.views import Side, Target

_COLUMNS = ("off", "bank", "platform", "category", "since", "by", "reason")
_HAND = Hand(Side.OPERATOR, "operator")


@click.group()
def switch() -> None:
    """Turn off what may leave, and on again."""


def _about(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what is meant."""
    for option in (
        click.option("--reason", required=True, help="Why; the people concerned read it."),
        click.option("--everything", is_flag=True, help="Everything, everywhere, in place of the three others."),
        click.option("--category", default="", help="One data category."),
        click.option("--platform", default="", help="One platform."),
        click.option("--bank", default="", help="One bank; without it, all banks."),
    ):
        command = option(command)
    return command


@switch.command()
@_about
def off(bank: str, platform: str, category: str, *, everything: bool, reason: str) -> None:
    """Stop releases, from the next call on, in every process."""
    target = _target(bank, platform, category, everything=everything)
    with own_broker() as base:
        written = base.switches.turn_off(_HAND, target, reason)
        with base.database.read() as session:
            count = live_between(session, target, base.clock())
    suspended = f"{counted(count, 'live grant')} {'is' if count == 1 else 'are'} suspended by it, whole or in part"
    click.echo(f"Turned off. {suspended}; {_logs(len(written))} so.")


@switch.command()
@_about
def on(bank: str, platform: str, category: str, *, everything: bool, reason: str) -> None:
    """Let releases go on that the operator has stopped; what a bank has turned off stays off."""
    target = _target(bank, platform, category, everything=everything)
    with own_broker() as base:
        written = base.switches.turn_on(_HAND, target, reason)
    click.echo(f"Turned on again; {_logs(len(written))} so.")


@switch.command("list")
@json_option
def list_switches(as_json: bool) -> None:
    """List what is off, by whom and why."""
    with own_broker() as base, base.database.read() as session:
        found = listed(session, base.sealer)
    rows: list[dict[str, Any]] = [
        {
            "off": one.switch.target.kind.value.lower(),
            "side": one.switch.side.value,
            "bank": one.switch.target.bank_id or None,
            "platform": one.switch.target.platform_id or None,
            "category": one.switch.target.category or None,
            "since": rfc3339(one.switch.since_at),
            "by": one.by,
            "reason": one.switch.reason,
        }
        for one in found
    ]
    if as_json:
        print_json(rows)
        return
    told = (
        {**row, "by": printable(f"{row['by']} ({row['side']})"), "reason": printable(row["reason"], 300)}
        for row in rows
    )
    print_rows(_COLUMNS, told)


def _logs(count: int) -> str:
    return f"{counted(count, 'log')} {'says' if count == 1 else 'say'}"


def _target(bank: str, platform: str, category: str, *, everything: bool) -> Target:
    """Return what is meant.

    Raises:
        InvalidRequest: nothing is named, or everything and a part of it.
    """
    if everything == any((bank, platform, category)):
        raise InvalidRequest("Name a bank, a platform or a category, or several of them; or --everything.")
    return Target(bank, platform, category)
