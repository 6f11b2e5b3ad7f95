"""Writes the entries of a log as lines: CSV for spreadsheets, JSON lines for programs."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from broker.audit.verification.bundles import bundles
from broker.audit.verification.leaves import Fields, fields_of
from broker.audit.verification.reading import Read

COLUMNS = (
    "number",
    "time",
    "event",
    "decision",
    "initiator",
    "platform",
    "category",
    "purpose",
    "part",
    "grant",
    "grantVersion",
    "subject",
    "subjectSeq",
    "access",
    "interactionId",
    "reasons",
    "records",
    "accounts",
    "attended",
    "page",
    "policy",
    "leafHash",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(text: str) -> str:
    """Return a cell that no spreadsheet runs as a formula; who writes an entry may have chosen it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def line(cells: Iterable[str]) -> str:
    """Return one line of CSV (RFC 4180)."""
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def as_csv(read: Read, log: str, size: int) -> Iterator[str]:
    """Yield a head line and a line an entry (RFC 4180), safe to open in a spreadsheet: no cell is a formula.

    Raises:
        Fault: an entry does not hash to what stands in the tree.
    """
    yield head_line()
    for leaf, hashed in _entries(read, log, size):
        yield csv_line(fields_of(leaf) | {"leafHash": hashed.hex()})


def as_json_lines(read: Read, log: str, size: int) -> Iterator[str]:
    """Yield the very bytes of each entry, a line each.

    Raises:
        Fault: an entry does not hash to what stands in the tree.
    """
    for leaf, _ in _entries(read, log, size):
        fields_of(leaf)
        yield f"{leaf.decode()}\n"


FORMATS: Mapping[str, Callable[[Read, str, int], Iterator[str]]] = MappingProxyType(
    {"csv": as_csv, "jsonl": as_json_lines}
)
"""The forms of an export."""


def head_line(more: Sequence[str] = ()) -> str:
    """Return the first line of a CSV file; `more` are columns before those of the entry."""
    return line((*more, *COLUMNS))


def csv_line(fields: Fields, more: Sequence[str] = ()) -> str:
    """Return one line of a CSV file; the same columns as its head line."""
    return line([_cell(fields, column) for column in (*more, *COLUMNS)])


def _entries(read: Read, log: str, size: int) -> Iterator[tuple[bytes, bytes]]:
    for bundle in bundles(read, log, size):
        yield from zip(bundle.leaves, bundle.hashes, strict=True)
        if bundle.fault is not None:
            raise bundle.fault


def _cell(fields: Fields, column: str) -> str:
    value = fields.get(column)
    if column == "time" and type(value) is int:
        return _time(value)
    return safe("" if value is None else value if isinstance(value, str) else _plain(value))


def _plain(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else json.dumps(value)


def _time(time_us: int) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        return str(time_us)
