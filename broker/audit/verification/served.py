"""Holds a bank's own list of the requests that it has served against the log: nothing was served unlogged."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broker.audit.verification.faults import Fault, Unreadable

_LONGEST_LINE = 4_096
_COVERED_WITHIN = timedelta(minutes=10)  # a checkpoint is published when witnesses have signed it: seconds
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How log and list fit: `served` requests of the list; `unserved` is how many announced ones the bank never served.

    The first of these are named: a request may fail on its way, so they are no fault. `uncovered` lines of the list
    have numbers beyond the checkpoint: whether the log announces them is not known yet.
    """

    served: int
    unserved: int
    first_unserved: tuple[int, ...]
    uncovered: int = 0
    first_uncovered: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "served": self.served,
            "unserved": self.unserved,
            "first_unserved": list(self.first_unserved),
            "uncovered": self.uncovered,
        }


@dataclass(frozen=True, slots=True)
class _Line:
    """What the list says of one request: with which entry it came. What it leaves out is not compared."""

    place: int
    leaf_hash: str | None
    interaction_id: str | None
    at: datetime | None


class Served:
    """The requests of one log that the bank has served, by the number of the entry that announced each."""

    def __init__(self, as_of: datetime | None = None) -> None:
        self._as_of = as_of
        self._lines: dict[int, list[_Line]] = {}
        self._served = 0
        self._unserved = 0
        self._first_unserved: list[int] = []

    @classmethod
    def read(cls, lines: Iterable[bytes], log: str, as_of: datetime | None = None) -> "Served":
        """Read the list: JSON lines with `log`, `number`, and `leafHash` or `interactionId` of the receipt that came.

        One receipt may come with several requests of an access. Lines of other logs are passed over: see `elsewhere`.
        `as_of` is when the checkpoint was fetched: what was served (`at`) ten minutes before it must be covered.

        Raises:
            Unreadable: a line is not such a line.
        """
        found = cls(as_of)
        for place, line in enumerate(lines, start=1):
            if line.strip():
                found._add(place, line, log)
        return found

    def announced(self, number: int, leaf_hash: bytes, interaction_id: str | None) -> None:
        """Take note of an entry that announced a request.

        Raises:
            Fault: the bank has served a request with this number and another entry.
        """
        lines = self._lines.pop(number, None)
        if lines is None:
            self._unserved += 1
            if len(self._first_unserved) < _MOST_NAMED:
                self._first_unserved.append(number)
            return
        own = urlsafe_b64encode(leaf_hash)[:-1].decode()
        for line in lines:
            if line.leaf_hash not in {None, own} or line.interaction_id not in {None, interaction_id}:
                detail = f"is not the entry that came with the request in line {line.place} of the list"
                raise Fault("served-otherwise", detail)
        self._served += len(lines)

    def reconciled(self, log: str, size: int) -> Reconciliation:
        """Return how log and list fit, when all entries that the checkpoint of this size covers have been seen.

        Raises:
            Fault: the bank has served what the log does not announce.
        """
        missing = [
            (number, line.place)
            for number, lines in self._lines.items()
            for line in lines
            if number < size or self._is_overdue(line)
        ]
        if missing:
            number, place = min(missing)
            what = "announces no request" if number < size else "is not in the log"
            detail = f"{what}, and line {place} of the served list was served with it"
            raise Fault("served-not-logged", detail, log=log, number=number)
        uncovered = sum(map(len, self._lines.values()))
        first = min(self._lines, default=None)
        return Reconciliation(self._served, self._unserved, tuple(self._first_unserved), uncovered, first)

    def _is_overdue(self, line: _Line) -> bool:
        """Say whether a checkpoint of today must cover the line: else a log that ends early could be late for ever."""
        return self._as_of is not None and line.at is not None and line.at < self._as_of - _COVERED_WITHIN

    def _add(self, place: int, line: bytes, log: str) -> None:
        row = _row(place, line)
        if row["log"] == log:
            number, hashed, interaction_id = row["number"], row.get("leafHash"), row.get("interactionId")
            texts = all(one is None or type(one) is str for one in (hashed, interaction_id))
            if type(number) is not int or number < 0 or not texts:
                raise _unusable(place)
            self._lines.setdefault(number, []).append(_Line(place, hashed, interaction_id, _instant(place, row)))


def check_elsewhere(lines: Iterable[bytes], checked: Collection[str]) -> None:
    """Check that each line of the list is of a log that was checked: in another one anything may be announced.

    Raises:
        Fault: a line is of another log, or of none.
        Unreadable: a line is not such a line.
    """
    others: dict[str, int] = {}
    for place, line in enumerate(lines, start=1):
        if line.strip():
            log = _row(place, line)["log"]
            if log is None:
                raise Fault("served-not-logged", f"Line {place} of the served list came without a receipt.")
            if log not in checked:
                others[log] = others.get(log, 0) + 1
    if others:
        named = ", ".join(f"{log} ({count})" for log, count in sorted(others.items())[:_MOST_NAMED])
        detail = f"{sum(others.values())} lines of the served list are of logs that were not checked: {named}"
        raise Fault("served-elsewhere", detail)


def _row(place: int, line: bytes) -> dict[str, Any]:
    if len(line) > _LONGEST_LINE:
        raise _unusable(place)
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _unusable(place) from error
    if type(row) is not dict or "number" not in row or type(row.get("log", 0)) not in {str, type(None)}:
        raise _unusable(place)
    return row


def _instant(place: int, row: dict[str, Any]) -> datetime | None:
    """Return when the request was served, an RFC 3339 text with its zone; None where the list does not say."""
    if row.get("at") is None:
        return None
    try:
        at = datetime.fromisoformat(row["at"])
    except (TypeError, ValueError) as error:
        raise _unusable(place) from error
    if at.tzinfo is None:
        raise _unusable(place)
    return at


def _unusable(place: int) -> Unreadable:
    return Unreadable(f"Line {place} of the served list is not JSON with log and number.")
