"""`broker sandbox clock`: the time in a sandbox, and how to put it forward to see what ends."""

import re
from datetime import timedelta

import click

from broker.cli.output import print_json
from broker.clock import rfc3339, system_clock
from broker.errors import ConfigurationInvalid, InvalidRequest
from broker.settings import Settings, enter_sandbox
from broker.storage.clock_file import advance as put_forward
from broker.storage.clock_file import advanced_by, clock_file

_SPAN = re.compile(r"([1-9][0-9]{0,6})([mhd])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@click.group(invoke_without_command=True)
@click.pass_context
def clock(context: click.Context) -> None:
    """Show the time in the sandbox; `advance` puts it forward."""
    if context.invoked_subcommand is None:
        click.echo(clock_words(advanced_by(clock_file(_world().data_dir))))


@clock.command()
@click.argument("span")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a sentence.")
def advance(span: str, as_json: bool) -> None:
    """Put the clock forward by SPAN: 90m, 12h or 30d. There is no way back but `broker sandbox clean`."""
    by = _span(span)
    total = put_forward(clock_file(_world().data_dir), by)
    if as_json:
        print_json({"advanced_seconds": int(total.total_seconds()), "now": rfc3339(system_clock() + total)})
    else:
        click.echo(clock_words(total))


def clock_words(ahead: timedelta) -> str:
    """Say what time it is in the sandbox, and how far that is from the real time."""
    now = rfc3339(system_clock() + ahead)
    if not ahead:
        return f"In the sandbox it is {now}, the real time."
    return f"In the sandbox it is {now}: {_in_words(ahead)} ahead of the real time."


def _in_words(span: timedelta) -> str:
    hours, minutes = divmod(span.seconds // 60, 60)
    parts = [f"{number} {name}" for number, name in ((span.days, "d"), (hours, "h"), (minutes, "min")) if number]
    return " ".join(parts)


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise InvalidRequest("Say how far as minutes, hours or days: 90m, 12h, 30d. The clock goes forward only.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _world() -> Settings:
    """Return the settings of a sandbox that was started at least once.

    Raises:
        ConfigurationInvalid: there is none on this data folder.
    """
    settings = enter_sandbox()
    if not settings.key_file.exists():
        raise ConfigurationInvalid(f"There is no sandbox in {settings.data_dir}; start one with `make run`.")
    return settings
