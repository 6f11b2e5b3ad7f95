"""Reads what a browser sends: every field through a schema, nothing repeated that is not a list."""

from dataclasses import dataclass
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields
from werkzeug.datastructures import MultiDict

from broker.errors import InvalidRequest
from broker.web.directions import without_isolation

_UNUSABLE = "“%(field)s” is missing or cannot be used."


class Form(Schema):
    """A form or a query string. Fields that it does not name are ignored."""

    class Meta:
        """What marshmallow reads: unknown fields do no harm and mean nothing."""

        unknown = EXCLUDE

    must_not_be_empty: ClassVar[frozenset[str]] = frozenset()
    """Fields whose empty text is a mistake: it must not come to mean "all of it"."""


def parsed(form: Form, sent: MultiDict[str, str]) -> dict[str, Any]:
    """Return the fields of a form, typed; an empty text counts as absent.

    Raises:
        InvalidRequest: a field is missing, repeated or not what it should be.
    """
    found = gathered(form, sent)
    if found.unusable:
        raise InvalidRequest(_UNUSABLE, values={"field": found.unusable[0]})
    if found.repeated:
        raise InvalidRequest("“%(field)s” was sent more than once.", values={"field": found.repeated[0]})
    try:
        loaded: dict[str, Any] = form.load(found.fields)
    except ValidationError as error:
        raise InvalidRequest(_UNUSABLE, values={"field": min(map(str, error.messages_dict))}) from error
    return loaded


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was sent for the fields of a form, and the names of those that hold what no field takes."""

    fields: dict[str, Any]
    unusable: tuple[str, ...]
    repeated: tuple[str, ...]


def gathered(form: Form, sent: MultiDict[str, str]) -> Gathered:
    """Return what was sent for each field, untyped; a field that is no list has one text."""
    found: dict[str, Any] = {}
    unusable: list[str] = []
    repeated: list[str] = []
    for name, field in form.fields.items():
        key = field.data_key or name
        written = map(without_isolation, sent.getlist(key))
        values = [value for value in written if value or key in form.must_not_be_empty]
        if any("\0" in value for value in values):  # no text that a database takes
            unusable.append(key)
        elif isinstance(field, fields.List):
            found[key] = list(dict.fromkeys(values))
        elif len(values) > 1:
            repeated.append(key)
        elif values:
            found[key] = values[0]
    return Gathered(found, tuple(unusable), tuple(repeated))
