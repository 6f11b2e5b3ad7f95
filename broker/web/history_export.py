"""The history as a file for spreadsheets and programs, under the filter of the page; in codes, in no language.

Bounded: a file holds so many entries, and says in its last line where the rest is.
"""

import json
from collections.abc import Iterator
from functools import partial
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from broker.audit.verification.exporting import line, safe
from broker.edge.answers import download
from broker.edge.hand_over import may_be_taken_slowly
from broker.edge.services import services
from broker.errors import StorageUnavailable
from broker.web.forms import parsed
from broker.web.log_rows import FilterForm, collect_most, older_query
from broker.web.timeline import Reading, as_rows, read

MOST_ENTRIES = 5_000
"""At how many entries a file is cut: it is made in memory."""

_WRITING = BoundedSemaphore(2)  # thousands of entries take seconds: a process keeps its threads for everybody else
_COLUMNS = (
    "time",
    "event",
    "decision",
    "reasons",
    "rules",
    "platform",
    "platform_name",
    "bank",
    "category",
    "purpose",
    "records",
    "accounts",
    "attended",
    "initiator",
    "grant_id",
    "status",
    "interaction_id",
    "log",
    "number",
)
blueprint = Blueprint("history_export", __name__)


@blueprint.get("/history/export.csv")
def as_csv() -> ResponseReturnValue:
    """Give the entries that fit as CSV, safe to open in a spreadsheet."""
    wanted = parsed(FilterForm(), request.args)
    reading = _read(wanted)
    text = "".join(_lines(reading, _rest(wanted, reading, "csv")))
    return download(text.encode(), "access-history.csv", "text/csv; charset=utf-8")


@blueprint.get("/history/export.json")
def as_json() -> ResponseReturnValue:
    """Give the entries that fit as one JSON object."""
    wanted = parsed(FilterForm(), request.args)
    reading = _read(wanted)
    told = {"entries": as_rows(reading), "more": _rest(wanted, reading, "json")}
    return download(json.dumps(told, ensure_ascii=False, indent=1).encode(), "access-history.json", "application/json")


def _read(wanted: dict[str, Any]) -> Reading:
    may_be_taken_slowly()
    if not _WRITING.acquire(blocking=False):
        raise StorageUnavailable("Other files are being made. Try again in a moment.", code="pack-busy")
    try:
        return read(wanted, partial(collect_most, most=MOST_ENTRIES))
    finally:
        _WRITING.release()


def _rest(wanted: dict[str, Any], reading: Reading, form: str) -> str | None:
    """Return the address of the rest, None when this is all."""
    older = older_query(wanted, reading.batch.older)
    return f"{services().settings.base_url}/history/export.{form}?{urlencode(older)}" if older else None


def _lines(reading: Reading, rest: str | None) -> Iterator[str]:
    yield line(_COLUMNS)
    for row in as_rows(reading):
        yield line(safe(_cell(row[name])) for name in _COLUMNS)
    if rest is not None:
        yield line(["NOT ALL: this file was cut. The rest is at", rest])


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
