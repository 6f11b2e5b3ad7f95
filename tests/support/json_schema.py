"""A small check of values by JSON Schema (2020-12): as much of it as the OpenAPI document uses, and no more."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

_KINDS: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
_KNOWN = {
    *("$ref", "type", "const", "enum", "pattern", "format", "minLength", "maxLength", "minimum", "maximum"),
    *("items", "minItems", "maxItems", "uniqueItems", "required", "properties", "additionalProperties"),
    *("oneOf", "anyOf", "description", "title", "default", "examples", "if", "then", "not"),
    *("contentMediaType", "contentSchema"),
}


def faults(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any, at: str = "") -> Iterator[str]:
    """Name everything by which a value differs from a schema of this document."""
    assert set(schema) <= _KNOWN, set(schema) - _KNOWN
    if "$ref" in schema:
        yield from faults(document, resolved(document, schema["$ref"]), value, at)
        return
    kind = schema.get("type")
    if kind and (not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{at}: {value!r} is no {kind}"
        return
    yield from _choice_faults(document, schema, value, at)
    if isinstance(value, str):
        yield from _text_faults(schema, value, at)
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at}: {value} is out of bounds"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{at}: {len(value)} items"
        for number, one in enumerate(value):
            yield from faults(document, schema.get("items", {}), one, f"{at}/{number}")
    if isinstance(value, dict):
        yield from _member_faults(document, schema, value, at)


def resolved(document: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    """Return what a reference within the document leads to."""
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _choice_faults(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any, at: str) -> Iterator[str]:
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    for word, most in (("oneOf", 1), ("anyOf", len(schema.get("anyOf", ())))):
        good = [not list(faults(document, part, value, at)) for part in schema.get(word, ())]
        if good and not 1 <= sum(good) <= most:
            yield f"{at}: {value!r} fits {sum(good)} of {word}"


def _text_faults(schema: Mapping[str, Any], value: str, at: str) -> Iterator[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: {value!r} does not match {schema['pattern']}"
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{at}: {len(value)} characters"
    read = {"date-time": datetime.fromisoformat, "date": date.fromisoformat}.get(schema.get("format", ""))
    if read is not None:
        try:
            read(value)
        except ValueError:
            yield f"{at}: {value!r} is no {schema['format']}"


def _member_faults(
    document: Mapping[str, Any], schema: Mapping[str, Any], value: Mapping[str, Any], at: str
) -> Iterator[str]:
    properties = schema.get("properties", {})
    yield from (f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value)
    for name, one in value.items():
        if name in properties:
            yield from faults(document, properties[name], one, f"{at}/{name}")
        elif schema.get("additionalProperties", True) is False:
            yield f"{at}: {name} is not in the document"
