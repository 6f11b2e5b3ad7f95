"""Draws the payloads of a schema: as it wants them, and with something in them that it may not want."""

import copy
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from marshmallow import Schema

from tests.support.formats.forms import Form, Later, Part, Rows

_SURPRISES: list[Any] = [None, True, 0, -1, 10**40, Decimal("1E+300"), "", "\ud800", "\0", "x" * 501, [], {}, [{}], {"a": []}]
_GONE = object()


def payloads(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Draw an object of the schema, in one of three with up to two of its members spoilt."""
    return st.one_of(_good(schema), _good(schema), _good(schema).flatmap(lambda drawn: _spoilt(schema, drawn)))


def written(value: Any) -> bytes:
    """Write JSON; a `Decimal` is written as the number that it is, digit for digit."""
    return _text(value).encode()


def members(schema: Schema) -> Iterator[tuple[str, Form]]:
    """Yield the members of an object by their names in the standard; its own after those that are read further."""
    for further in getattr(schema, "also", ()):
        yield from members(further())
    for field in schema.fields.values():
        form = field.inner if isinstance(field, Later) else field
        assert isinstance(form, Form)
        yield str(field.data_key), form


def names(schema: Schema) -> set[str]:
    """Return the names of all members, at every depth."""
    found = set()
    for name, form in members(schema):
        found |= {name} | (names(form.schema) if isinstance(form, Part) else set())
    return found


def _good(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    required, optional = {}, {}
    for name, form in members(schema):
        (required if form.required else optional)[name] = _good_of(form)
    return st.fixed_dictionaries(required, optional={name: optional[name] for name in optional.keys() - required.keys()})


def _good_of(form: Form) -> st.SearchStrategy[Any]:
    if isinstance(form, Part):
        one = st.deferred(lambda: _good(form.schema))
        drawn = st.lists(one, min_size=1, max_size=2) if isinstance(form, Rows) else one
    else:
        drawn = form.good
    return drawn if form.required else drawn | drawn | st.none()


@st.composite
def _spoilt(draw: st.DrawFn, schema: Schema, drawn: dict[str, Any]) -> dict[str, Any]:
    payload = copy.deepcopy(drawn)
    for _ in range(draw(st.integers(1, 2))):
        holder, name, form = draw(st.sampled_from(list(_places(schema, payload))))
        value = draw(form.near | st.sampled_from([*_SURPRISES, _GONE, _GONE]))
        if value is _GONE:
            holder.pop(name, None)
        else:
            holder[name] = copy.deepcopy(value)
    return payload


def _places(schema: Schema, payload: Any) -> Iterator[tuple[dict[str, Any], str, Form]]:
    for name, form in members(schema):
        yield payload, name, form
        value = payload.get(name)
        if isinstance(form, Part):
            inner = value if isinstance(form, Rows) and isinstance(value, list) else [value]
            for one in inner:
                if isinstance(one, dict):
                    yield from _places(form.schema, one)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_text(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)
