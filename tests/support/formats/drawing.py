"""Payloads of a schema: as it wants them, and with something in them that it may not want."""

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from marshmallow import Schema

from tests.support.formats.forms import Form, Later, Part, Rows
from tests.support.formats.values import Choice, Truth

_GONE = object()
_SURPRISES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 10**40, Decimal("1E+300"), "", "\ud800", "\0", "x" * 501),
    *([], {}, [{}], {"a": []}, _GONE),
)


def payloads(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Draw an object of the schema, in one of three cases with up to two of its members spoilt."""
    return st.one_of(_good(schema), _good(schema), _good(schema).flatmap(lambda drawn: _spoilt(schema, drawn)))


def each_spoilt(schema: Schema) -> Iterator[dict[str, Any]]:
    """Yield an ordinary object of the schema with one member after the other spoilt in every way that is known.

    Then the same in fewer ways for its variants: with each word of each closed list, and without what may be missing.
    Those tell which member counts only beside another.
    """
    for number, ordinary in enumerate(variants(schema)):
        payload = copy.deepcopy(ordinary)
        for holder, name, form in list(_places(schema, payload)):
            before = holder.get(name, _GONE)
            for value in (*form.near, *_SURPRISES) if number == 0 else ([], _GONE):
                _put(holder, name, copy.deepcopy(value) if value is not _GONE else value)
                yield payload
            _put(holder, name, before)


def usual(schema: Schema) -> dict[str, Any]:
    """Return an ordinary object of the schema, with all its members."""
    found: dict[str, Any] = {}
    for name, form in members(schema):
        found[name] = form.usual if not isinstance(form, Part) else usual(form.schema)
        found[name] = [found[name]] if isinstance(form, Rows) else found[name]
    return found


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


def variants(schema: Schema) -> Iterator[dict[str, Any]]:
    """Yield the ordinary object, then what it is with each word of a closed list, and without what may be missing."""
    payload = usual(schema)
    yield payload
    for holder, name, form in list(_places(schema, payload)):
        before = holder[name]
        others = form.meanings if isinstance(form, Choice) else (False,) if isinstance(form, Truth) else ()
        for value in (*others, *(() if form.required else (_GONE,))):
            _put(holder, name, value)
            yield payload
        holder[name] = before


def _good(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    required, optional = {}, {}
    for name, form in members(schema):
        (required if form.required else optional)[name] = _good_of(form)
    return st.fixed_dictionaries(
        required, optional={name: optional[name] for name in sorted(optional.keys() - required)}
    )


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
        value = draw(st.sampled_from([*form.near, *_SURPRISES]))
        _put(holder, name, copy.deepcopy(value) if value is not _GONE else value)
    return payload


def _places(schema: Schema, payload: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, Form]]:
    for name, form in members(schema):
        yield payload, name, form
        if isinstance(form, Part):
            value = payload.get(name)
            for one in value if isinstance(form, Rows) and isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    yield from _places(form.schema, one)


def _put(holder: dict[str, Any], name: str, value: Any) -> None:
    if value is _GONE:
        holder.pop(name, None)
    else:
        holder[name] = value


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_text(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)
