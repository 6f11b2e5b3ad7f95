"""How commands print: rows for people, JSON for programs."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table

# A pipe has no width: what reads it wants each row whole.
_PIPE_WIDTH = 1000

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def printable(text: str, longest: int = 60) -> str:
    """Return a text that is safe on a terminal: nothing that cannot be seen, and not too long."""
    seen = "".join(character if character.isprintable() else "\u00b7" for character in text)
    return seen if len(seen) <= longest else f"{seen[: longest - 1]}\u2026"


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_rows(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as a table; plain text, as wide as it must be, when the output is not a terminal.

    Nothing is cut off, and the first column, which names the row in other commands, is not broken either.
    """
    names = list(columns)
    first = Column(names[0], no_wrap=True, overflow="fold")
    table = Table(first, *(Column(name, overflow="fold") for name in names[1:]), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if row.get(name) is None else str(row[name]) for name in names))
    console = Console(soft_wrap=True)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(table, markup=False)


def counted(number: int, noun: str) -> str:
    """Write a count with its noun, in English as all commands: `1 log`, `2 logs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
