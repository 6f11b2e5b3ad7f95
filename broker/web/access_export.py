"""The console's access log to take along: the filtered entries as CSV for spreadsheets, or as JSON lines."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from broker.audit import bank_log
from broker.audit.bank_log import After, Slice, Wanted
from broker.audit.verification.exporting import csv_line, head_line
from broker.edge.answers import stream
from broker.edge.hand_over import may_be_taken_slowly
from broker.edge.services import Services, services
from broker.errors import InvalidRequest
from broker.users.service import Users
from broker.web.console_filter import AccessForm, customers, wanted_of
from broker.web.forms import parsed

blueprint = Blueprint("access_export", __name__)
MOST_EXPORTED = 100_000
"""How many entries one file may be made from."""
_AT_ONCE = 1_000
_CUSTOMER = ("customer",)
_Write = Callable[[dict[str, Any]], str]


@blueprint.get("/console/<bank_id>/log.csv")
def as_csv(bank_id: str) -> ResponseReturnValue:
    """Give the filtered entries as a file for spreadsheets."""
    lines = _lines(bank_id, lambda fields: csv_line(fields, _CUSTOMER), head_line(_CUSTOMER))
    return stream(lines, f"{bank_id}-log.csv", "text/csv; charset=utf-8")


@blueprint.get("/console/<bank_id>/log.jsonl")
def as_json_lines(bank_id: str) -> ResponseReturnValue:
    """Give the filtered entries as a file for programs, one JSON object a line."""
    return stream(_lines(bank_id, _as_json), f"{bank_id}-log.jsonl", "application/jsonl; charset=utf-8")


def _as_json(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


def _lines(bank_id: str, write: _Write, head: str = "") -> Iterator[str]:
    """Check that what is asked for fits one file, and return its lines, newest entry first.

    Raises:
        InvalidRequest: the days hold too much, or the filter cannot be read.
    """
    sent, base = parsed(AccessForm(), request.args), services()
    with base.database.read() as session:
        wanted = wanted_of(session, bank_id, sent)
        held = sum(span.size for span in bank_log.spans(session, bank_id, wanted.since, wanted.until))
    if held > MOST_EXPORTED:
        told = f"These days hold {held} entries, and a file is made from {MOST_EXPORTED} at most. Choose fewer days."
        raise InvalidRequest(told, code="span-too-long")
    may_be_taken_slowly()
    return _written(base, bank_id, wanted, write, head)


def _written(base: Services, bank_id: str, wanted: Wanted, write: _Write, head: str) -> Iterator[str]:
    """Read part by part, each by itself: a file that is taken slowly holds no connection meanwhile."""
    yield head
    before: After | None = None
    while True:
        with base.database.read() as session:
            part = bank_log.matching(session, bank_id, wanted, before=before, rows=_AT_ONCE, most=_AT_ONCE)
            told = list(_fields(session, base.users, bank_id, part))
        yield "".join(map(write, told))
        if part.older is None:
            return
        before = part.older


def _fields(session: Session, users: Users, bank_id: str, part: Slice) -> Iterator[dict[str, Any]]:
    """Yield what each entry says openly, with its hash and the bank's own word for its customer."""
    known = customers(session, users, bank_id, {row.subject for row in part.rows if row.subject})
    for row in part.rows:
        customer = known.get(row.subject or "")
        yield {"customer": customer, **json.loads(row.leaf), "leafHash": row.leaf_hash.hex()}
