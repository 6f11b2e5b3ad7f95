"""Writes JSON in which amounts are numbers with two decimals, as FDX has them, without passing through floats."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal

Json = str | int | bool | Decimal | Mapping[str, "Json"] | Sequence["Json"]


def write_json(value: Json) -> str:
    """Return a value as JSON text."""
    match value:
        case Decimal():
            return f"{value:.2f}"
        case str() | bool() | int():
            return json.dumps(value)
        case Mapping():
            return "{" + ",".join(f"{json.dumps(name)}:{write_json(item)}" for name, item in value.items()) + "}"
        case _:
            return "[" + ",".join(write_json(item) for item in value) + "]"
