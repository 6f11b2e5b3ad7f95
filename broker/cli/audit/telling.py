"""How a check ends: 0 when all is well, 1 when the log is not what it must be, 2 when nothing could be checked."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.log import Told, nobody
from broker.audit.verification.reading import Missing
from broker.cli.output import print_json, printable
from broker.tlog.errors import Unverifiable

_BAD, _UNKNOWN = 1, 2
_LONGEST = 400


@contextmanager
def judged(*, as_json: bool = False) -> Iterator[None]:
    """Tell what a check inside finds, and end the command with its exit code."""
    try:
        yield
    except Fault as fault:
        if as_json:
            print_json({"verified": False, "fault": fault.as_json()})
        else:
            click.echo(f"BAD  {printable(fault.place, _LONGEST)}: {printable(fault.detail, _LONGEST)} ({fault.code})")
        sys.exit(_BAD)
    except Unverifiable as error:  # what the database says of a log's end, before any entry is read
        click.echo(f"BAD  {error.detail} ({error.code})")
        sys.exit(_BAD)
    except (Unreadable, Missing) as error:
        detail = error.detail if isinstance(error, Unreadable) else f"There is no {error.path}."
        _give_up(printable(detail, _LONGEST), as_json=as_json)
    except OSError as error:
        _give_up(f"{error.filename or 'A file'} cannot be read or written: {error.strerror}.", as_json=as_json)


def good(told: str, found: dict[str, Any], *, as_json: bool) -> None:
    """Tell that all is well."""
    if as_json:
        print_json({"verified": True, **found})
    else:
        click.echo(told)


@contextmanager
def progress(of: str) -> Iterator[Told]:
    """Show a bar of entries on a terminal; nothing elsewhere, so that logs of scheduled checks stay short."""
    if not sys.stderr.isatty():
        yield nobody
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(of, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def _give_up(detail: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"verified": None, "problem": detail})
    click.echo(f"broker: {detail}", err=True)
    sys.exit(_UNKNOWN)
