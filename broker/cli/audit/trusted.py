"""Whom an auditor believes: the options `--key`, `--witness` and `--quorum`, and what they are read into."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from broker.audit.verification.heads import Trust
from broker.tlog.errors import Unverifiable

Command = TypeVar("Command", bound=Callable[..., Any])
_LARGEST_LIST = 64 * 1024
_PLUSES = 2  # <name>+<id>+<key>

key_option = click.option(
    "--key", "keys", multiple=True, help="A verifier key of the log, or a file with one a line; may be repeated."
)
_witness_option = click.option(
    "--witness",
    "witnesses",
    multiple=True,
    help="A witness's verifier key, or a file with one a line; may be repeated.",
)
_quorum_option = click.option(
    "--quorum", type=click.IntRange(0, 64), default=None, help="How many of the witnesses must have signed; else all."
)


def trust_options(command: Command) -> Command:
    """Add the options to a command."""
    return key_option(_witness_option(_quorum_option(command)))


def trust_of(
    keys: tuple[str, ...], witnesses: tuple[str, ...] = (), quorum: int | None = None, own: tuple[str, ...] = ()
) -> Trust:
    """Read the options; `own` are keys that are known besides.

    Raises:
        UsageError: there is no key, or one cannot be read.
    """
    known, seen_by = [*_read(keys), *own], _read(witnesses)
    if not known:
        raise click.UsageError("Name the log's verifier key with --key.")
    if quorum is not None and quorum > len(seen_by):
        raise click.UsageError("The quorum is larger than the number of witnesses.")
    try:
        return Trust.of(list(dict.fromkeys(known)), list(dict.fromkeys(seen_by)), quorum)
    except Unverifiable as error:
        raise click.UsageError(f"A verifier key cannot be used: {error.detail}") from error


def _read(given: tuple[str, ...]) -> list[str]:
    return [key for one in given for key in ([one] if one.count("+") >= _PLUSES else _lines(Path(one)))]


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_LIST).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} is neither a verifier key nor a file with keys.") from error
    return [line.strip() for line in text.splitlines() if line.strip()]
