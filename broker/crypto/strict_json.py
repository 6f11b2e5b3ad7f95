"""Reads JSON objects that others wrote in the one way in which no two readers can differ (RFC 8259 §4, RFC 7493 §2)."""

import json
import math
from typing import Any


def read_object(data: bytes) -> dict[str, Any]:
    """Read one JSON object.

    Raises:
        ValueError: not UTF-8 or JSON, no object, a member twice, an infinite number, half a surrogate pair, too deep.
    """
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=without_repetition, parse_float=_finite, parse_constant=_finite
        )
        if b"\\ud" in data.lower():
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # what cannot be written again is no text
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - caught with the other kinds of unreadable JSON
    return value


def without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of a JSON object (for `object_pairs_hook`); a repeated one is a ValueError (RFC 8259 §4)."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is repeated")
    return members


def _finite(text: str) -> float:
    number = float(text)  # NaN and Infinity by name come here too
    if not math.isfinite(number):
        raise ValueError("not a number of JSON")
    return number
