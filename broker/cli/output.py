"""How commands print: rows for people, JSON for programs."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import click
from rich.console import Console
from rich.table import Table

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def printable(text: str, longest: int = 60) -> str:
    """Return a text that is safe on a terminal: nothing that cannot be seen, and not too long."""
    seen = "".join(character if character.isprintable() else "\u00b7" for character in text)
    return seen if len(seen) <= longest else f"{seen[: longest - 1]}\u2026"


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_rows(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as a table; plain text when the output is not a terminal."""
    names = list(columns)
    table = Table(*names, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if row.get(name) is None else str(row[name]) for name in names))
    Console(soft_wrap=True).print(table, markup=False)
