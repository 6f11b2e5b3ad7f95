"""Writes minimised records as they stand in an answer: money as decimal strings, times as RFC 3339."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from broker.clock import rfc3339
from broker.policy.minimise import Record

_COORDINATES = {"lat", "lon"}


def plain(record: Record) -> dict[str, Any]:
    """Return a record in JSON's values."""
    return {name: _value(name, value) for name, value in record.items()}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return float(value) if name in _COORDINATES else format(value, "f")
    if isinstance(value, datetime):
        return rfc3339(value)
    return value.isoformat() if isinstance(value, date) else value
