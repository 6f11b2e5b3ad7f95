"""Rows of the log for pages: filtered, a page at a time, with the words and names that people read."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from broker.audit.reader import LoggedEntry, Page, Place
from broker.audit.vocabulary import Event
from broker.clock import microseconds
from broker.web import words
from broker.web.formats import exact
from broker.web.forms import Form
from broker.web.parties import Names

_PAGE = 200
SHORT_PAGE = 25
"""How many entries a page shows that says each in words: it must stay light for a phone."""

_MOST_READS = 10
_PLACE = re.compile(r"[0-9]{1,16}:[0-9]{1,12}:[!-~]{1,160}")
_DAYS = Range(date(1970, 1, 1), date(2200, 1, 1))
_DECISIONS = ("allowed", "refused", "failed")
_OUTCOMES = {Event.ACCESS_RELEASED, Event.ACCESS_REFUSED, Event.ACCESS_FAILED}


class FilterForm(Form):
    """The query of a page with log rows. `since` and `until` are the first and the last day (UTC) that are shown.

    `before` is the place of a row: only older ones are shown.
    """

    platform = fields.String(load_default=None, validate=Length(max=64))
    held_by = fields.String(load_default=None, validate=Length(max=64))
    category = fields.String(load_default=None, validate=Length(max=40))
    decision = fields.String(load_default=None, validate=OneOf(_DECISIONS))
    event = fields.Enum(Event, by_value=True, load_default=None)
    since = fields.Date(load_default=None, validate=_DAYS)
    until = fields.Date(load_default=None, validate=_DAYS)
    grant = fields.String(load_default=None, validate=Length(max=36))
    before = fields.String(load_default=None, validate=Regexp(_PLACE))


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that fit the filter, newest first. `older` continues where they end, None at the log's beginning."""

    entries: list[LoggedEntry]
    older: str | None


def nothing(_read: Callable[[Page], list[LoggedEntry]], *_rest: Any) -> Batch:
    """Collect no entry: for a filter that cannot be used."""
    return Batch([], None)


def _is_any(_entry: LoggedEntry) -> bool:
    return True


def collect(
    read: Callable[[Page], list[LoggedEntry]],
    wanted: Mapping[str, Any],
    concerns: Callable[[LoggedEntry], bool] = _is_any,
    *,
    size: int = _PAGE,
) -> Batch:
    """Read on until a page is full, the log ends or enough was read for one answer; leave out what concerns nobody.

    `size` is how many entries are read at once, and make a page full.
    """
    found: list[LoggedEntry] = []
    before = _beginning(wanted)
    for _ in range(_MOST_READS):
        entries = read(Page(size, before))
        found += [entry for entry in entries if _fits(entry, wanted) and concerns(entry)]
        if len(entries) < size or _is_passed(wanted, entries[-1]):
            return Batch(found, None)
        before = entries[-1].place
        if len(found) >= size:
            break
    return Batch(found, f"{before.time_us}:{before.number}:{before.log}" if before else None)


def collect_most(
    read: Callable[[Page], list[LoggedEntry]],
    wanted: Mapping[str, Any],
    concerns: Callable[[LoggedEntry], bool] = _is_any,
    *,
    most: int,
) -> Batch:
    """Read on over many pages until the log ends or at least `most` entries were found."""
    batch = collect(read, wanted, concerns)
    while batch.older is not None and len(batch.entries) < most:
        more = collect(read, {**wanted, "before": batch.older}, concerns)
        batch = Batch(batch.entries + more.entries, more.older)
    return batch


def as_json(entry: LoggedEntry, names: Names, statuses: Mapping[str, str]) -> dict[str, Any]:
    """Return one row as JSON values; `statuses` maps a grant's id to its status now."""
    return {
        "grant_id": entry.grant_id,
        "status": statuses.get(entry.grant_id or ""),
        "interaction_id": entry.interaction_id,
        "event": entry.event.value,
        "category": entry.category,
        "platform": entry.platform_id,
        "platform_name": names.platform(entry.platform_id) or None,
        "bank": entry.bank_id,
        "initiator": entry.initiator.value,
        "purpose": entry.purpose,
        "time": exact(entry.at),
        "decision": entry.decision,
        "reason": entry.reasons[0] if entry.reasons else None,
        "reasons": list(entry.reasons),
        "rules": [rule for _, rule in words.rules(entry)],
        "records": entry.records,
        "accounts": entry.accounts,
        "attended": entry.attended,
        "number": entry.number,
        "log": entry.log,
    }


def older_query(wanted: Mapping[str, Any], older: str | None) -> dict[str, Any] | None:
    """Return the query that shows the next older rows under the same filter."""
    return None if older is None else {**filter_query(wanted), "before": older}


def filter_query(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query of the filter alone."""
    return {name: value for name, value in wanted.items() if value is not None and name != "before"}


def _beginning(wanted: Mapping[str, Any]) -> Place | None:
    """Return the place before which to read: that of the last page, or the end of the last day."""
    if wanted["before"]:
        return _place(wanted["before"])
    last: date | None = wanted["until"]
    if last is None:
        return None
    return Place(microseconds(datetime.combine(last + timedelta(days=1), time(), UTC)), "", 0)


def _is_passed(wanted: Mapping[str, Any], entry: LoggedEntry) -> bool:
    """Say whether entries as old as this one are older than what is wanted."""
    return wanted["since"] is not None and entry.at.date() < wanted["since"]


def _place(text: str) -> Place:
    time_us, number, log = text.split(":", 2)
    return Place(int(time_us), log, int(number))


def _fits(entry: LoggedEntry, wanted: Mapping[str, Any]) -> bool:
    facts = {
        "platform": entry.platform_id,
        "held_by": entry.bank_id,
        "category": entry.category,
        "decision": entry.decision,
        "event": entry.event,
        "grant": entry.grant_id,
    }
    first, last, day = wanted["since"], wanted["until"], entry.at.date()
    if (first is not None and day < first) or (last is not None and day > last):
        return False
    return all(wanted[name] is None or wanted[name] == fact for name, fact in facts.items())


def paired(entries: list[LoggedEntry]) -> list[list[LoggedEntry]]:
    """Put the steps of one access together, newest first: how it ended, then how it began.

    Every outcome has a line of its own: the app chooses the interaction id, so one id may stand for many accesses.
    """
    groups: list[list[LoggedEntry]] = []
    unbegun: defaultdict[tuple[str | None, ...], list[list[LoggedEntry]]] = defaultdict(list)
    for entry in entries:
        same = unbegun[entry.interaction_id, entry.grant_id, entry.category]
        if entry.event is Event.ACCESS_REQUESTED and same:
            same.pop().append(entry)
            continue
        groups.append([entry])
        if entry.event in _OUTCOMES and entry.interaction_id is not None:
            same.append(groups[-1])
    return groups
