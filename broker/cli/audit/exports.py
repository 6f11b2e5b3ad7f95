"""`broker audit export`: writes the entries of a log for spreadsheets and programs, without personal details."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import click

from broker.audit.verification.exporting import FORMATS
from broker.audit.verification.faults import Unreadable
from broker.audit.verification.reading import CHECKPOINT, Missing, Read, mirror_at
from broker.cli.audit.telling import judged
from broker.errors import NotFound
from broker.tlog.checkpoint import Checkpoint, parse_checkpoint
from broker.tlog.errors import Unverifiable
from broker.tlog.note import parse_note


@click.command()
@click.option("--log", "name", default=None, help="The log's name, when it is taken from the broker's own database.")
@click.option(
    "--mirror", type=click.Path(path_type=Path, exists=True, file_okay=False), default=None, help="Folder of a mirror."
)
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="csv", show_default=True, help="Form.")
@click.option(
    "--to", "target", type=click.Path(path_type=Path, dir_okay=False), default=None, help="File; else standard output."
)
def export(name: str | None, *, mirror: Path | None, form: str, target: Path | None) -> None:
    """Write the entries of a log. They are hashed on the way: exit code 1 when one does not fit its tile."""
    if (name is None) == (mirror is None):
        raise click.UsageError("Name one log: --log with its name, or --mirror with its folder.")
    with judged(), ExitStack() as until_written:
        read = mirror_at(mirror) if mirror is not None else until_written.enter_context(_stored(name or ""))
        checkpoint = _checkpoint(read)
        out = sys.stdout if target is None else until_written.enter_context(_new_file(target))
        for line in FORMATS[form](read, checkpoint.origin, checkpoint.size):
            out.write(line)


@contextmanager
def _stored(name: str) -> Iterator[Read]:
    from broker.cli.audit.database import logs_of, own_broker, stored  # noqa: PLC0415 - a mirror needs no broker

    with own_broker() as base:
        if any(head.is_dropped for head in logs_of(base, [name])):
            raise NotFound("That log was dropped: its entries are gone.")
        yield stored(base, name)


def _checkpoint(read: Read) -> Checkpoint:
    """Read the checkpoint for the size alone: an export is no verification."""
    try:
        return parse_checkpoint(parse_note(read(CHECKPOINT)).text)
    except Missing as error:
        raise Unreadable("There is no checkpoint: no such log, or it has no entries yet.") from error
    except Unverifiable as error:
        raise Unreadable(f"The checkpoint cannot be read: {error.detail}") from error


@contextmanager
def _new_file(target: Path) -> Iterator[TextIO]:
    """Write beside the target, and put it in place when it is whole; it is the owner's to read alone."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)
