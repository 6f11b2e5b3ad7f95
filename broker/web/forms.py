"""Reads what a browser sends: every field through a schema, nothing repeated that is not a list."""

from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields
from werkzeug.datastructures import MultiDict

from broker.errors import InvalidRequest

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
    found: dict[str, Any] = {}
    for name, field in form.fields.items():
        key = field.data_key or name
        values = [value for value in sent.getlist(key) if value or key in form.must_not_be_empty]
        if any("\0" in value for value in values):  # no text that a database takes
            raise InvalidRequest(_UNUSABLE, values={"field": key})
        if isinstance(field, fields.List):
            found[key] = list(dict.fromkeys(values))
        elif len(values) > 1:
            raise InvalidRequest("“%(field)s” was sent more than once.", values={"field": key})
        elif values:
            found[key] = values[0]
    try:
        loaded: dict[str, Any] = form.load(found)
    except ValidationError as error:
        raise InvalidRequest(_UNUSABLE, values={"field": min(map(str, error.messages_dict))}) from error
    return loaded
