"""Reads one leaf and refuses every byte form but the canonical one (RFC 8785, of texts, whole numbers and lists).

Parsing and writing again costs seven times as much as parsing, so a leaf whose form can be seen without writing it is
let through at once. The short way accepts nothing that the long way refuses.
"""

import json
from typing import Any

from broker.audit.verification.faults import Fault

Fields = dict[str, Any]
_LARGEST_INTEGER = 2**53 - 1  # RFC 8785 §3.2.2.3: beyond it numbers differ between programs
_MOST_DEPTH = 8
_read = json.JSONDecoder().raw_decode
_known_orders: set[tuple[str, ...]] = set()
_MOST_ORDERS = 4_096
_PLAIN = {str, int, list}


def fields_of(leaf: bytes) -> Fields:
    """Return the members of a leaf.

    Raises:
        Fault: it is not the canonical JSON of an object.
    """
    try:
        text = leaf.decode()
        fields, end = _read(text)
    except (ValueError, RecursionError) as error:
        raise Fault("leaf-malformed", "is not JSON in UTF-8") from error
    if type(fields) is not dict or end != len(text):
        raise Fault("leaf-malformed", "is not one JSON object")
    if not _is_plainly_canonical(leaf, fields):
        _check_written(leaf, fields)
    return fields


def _is_plainly_canonical(leaf: bytes, fields: Fields) -> bool:
    """Say whether the form can be seen: no escapes, no white space, names in order, none twice, no odd numbers.

    Without a backslash every quotation mark ends a text, so `":` stands once behind each name and nowhere else.
    """
    if b"\\" in leaf or b" " in leaf or b"\n" in leaf or b"\t" in leaf or b"\r" in leaf:
        return False
    order = tuple(fields)
    if order not in _known_orders:
        if list(order) != sorted(order) or not all(map(str.isascii, order)):
            return False
        if len(_known_orders) < _MOST_ORDERS:
            _known_orders.add(order)
    if leaf.count(b'":') != len(order) or b":-" in leaf or not _PLAIN.issuperset(map(type, fields.values())):
        return False
    return all(
        all(type(item) is str for item in value) if type(value) is list else value <= _LARGEST_INTEGER
        for value in fields.values()
        if type(value) is not str
    )


def _check_written(leaf: bytes, fields: Fields) -> None:
    """Write the value again and compare."""
    try:
        written = json.dumps(_ordered(fields, 0), ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, TypeError) as error:
        raise Fault("leaf-not-canonical", "holds a value that canonical JSON here does not have") from error
    if written != leaf:
        raise Fault("leaf-not-canonical", "is not written as canonical JSON")


def _ordered(value: Any, depth: int) -> Any:
    if depth > _MOST_DEPTH or isinstance(value, float) or (type(value) is int and abs(value) > _LARGEST_INTEGER):
        raise ValueError("no such value in a leaf")
    if isinstance(value, dict):
        return {
            key: _ordered(value[key], depth + 1) for key in sorted(value, key=lambda name: name.encode("utf-16-be"))
        }
    return [_ordered(item, depth + 1) for item in value] if isinstance(value, list) else value
