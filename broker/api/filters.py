"""The caller's filters. They run on minimised records: what the grant hides cannot be found by searching."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from broker.policy.minimise import Record

Test = Callable[[Record], bool]


def filtered_fields(query: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields that the filters look at; `release` refuses those that are not granted."""
    looked_at = set()
    if query.get("text") is not None:
        looked_at.add("description")
    if query.get("min_amount") is not None or query.get("max_amount") is not None:
        looked_at.add("amount")
    return frozenset(looked_at)


def keep(records: list[Record], query: Mapping[str, Any]) -> list[Record]:
    """Return the records that pass every filter of the query."""
    tests = list(_tests(query))
    return [record for record in records if all(test(record) for test in tests)]


def _tests(query: Mapping[str, Any]) -> list[Test]:
    tests: list[Test] = []
    if (oldest := query.get("oldest_time")) is not None:
        tests.append(lambda record: _end(record) >= oldest)
    if (newest := query.get("newest_time")) is not None:
        tests.append(lambda record: _start(record) <= newest)
    if (least := query.get("min_amount")) is not None:
        tests.append(lambda record: record["amount"] >= least)
    if (most := query.get("max_amount")) is not None:
        tests.append(lambda record: record["amount"] <= most)
    if (text := query.get("text")) is not None:
        wanted = text.casefold()
        tests.append(lambda record: wanted in _words(record).casefold())
    return tests


def _words(record: Record) -> str:
    return "\n".join(record[name] for name in ("description", "merchantName") if name in record)


def _start(record: Record) -> datetime:
    """Return the first instant at which the record may have happened."""
    at: datetime | date = record.get("executionDateTime") or record["occurredOn"]
    return at if isinstance(at, datetime) else datetime.combine(at, time.min, UTC)


def _end(record: Record) -> datetime:
    """Return the last instant at which the record may have happened: a coarsened day passes with all its hours."""
    at = _start(record)
    is_whole_day = at.time() == time.min
    return datetime.combine(at.date(), time.max, UTC) if is_whole_day else at
