"""How a check ends: 0 when all is well, 1 when the log is not what it must be, 2 when not all could be checked."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from broker.audit.verification.faults import Fault, Unfinished, Unreadable
from broker.audit.verification.log import Told, Verified, nobody
from broker.audit.verification.reading import Missing
from broker.audit.verification.recovered import Recovered
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
    except Unfinished as error:
        if as_json:
            print_json({"verified": None, "open": {"code": error.code, "count": error.count, "detail": error.detail}})
        else:
            click.echo(f"OPEN {printable(error.detail, _LONGEST)} ({error.code})")
        sys.exit(_UNKNOWN)
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


def told_of(found: Verified) -> str:
    """Say what was found of a log that is as it must be."""
    checkpoint, recovered = found.head.checkpoint, found.recovered
    seen = ", ".join(one.name for one in found.head.cosigned)
    told = [f"{checkpoint.origin}: {checkpoint.size} entries, all as they must be"]
    if seen:
        told.append(f"  cosigned by {seen}")
    if found.previous is not None:
        told.append(f"  goes on from {printable(str(found.previous.get('origin')))}")
    if recovered is not None:
        told += _told_of_loss(recovered)
    if found.reconciled is not None:
        told.append(f"  {found.reconciled.served} requests that the bank served are all announced in it")
        if found.reconciled.unserved:
            first = ", ".join(map(str, found.reconciled.first_unserved))
            told.append(f"  {found.reconciled.unserved} announced requests are not in the bank's list: {first} …")
    return "\n".join(told)


def _told_of_loss(recovered: Recovered) -> list[str]:
    before, seen = recovered.abandoned, recovered.witnessed
    told = [
        f"  stands in place of {printable(before.origin)}, which was left at {before.size} entries",
        f"  the witness {printable(recovered.witness)} had seen {seen.size} entries of that log",
    ]
    if recovered.lost is None:
        told.append("  LOST: some of those entries, how many is not known: the log that was left is another history")
    else:
        told.append(f"  LOST: at least {recovered.lost} entries, numbers {before.size} to {seen.size - 1}")
    return told


def _give_up(detail: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"verified": None, "problem": detail})
    click.echo(f"broker: {detail}", err=True)
    sys.exit(_UNKNOWN)
