"""Tells marshmallow schemas as JSON Schema: what may stand in a query or in a body of JSON."""

from typing import Any

from marshmallow import Schema, fields, missing, validate

Json = dict[str, Any]

_END = r"\Z"  # what `$` is in the regular expressions of JSON Schema
_TYPES: dict[type[fields.Field[Any]], Json] = {
    fields.Integer: {"type": "integer"},
    fields.Decimal: {"type": "number"},
    fields.AwareDateTime: {"type": "string", "format": "date-time"},
    fields.UUID: {"type": "string", "format": "uuid"},
    fields.String: {"type": "string"},
}


def parameters(schema: type[Schema] | None) -> list[Json]:
    """Return the parameters of a query; none without a schema."""
    found = [] if schema is None else schema().fields.items()
    return [
        {
            "name": field.data_key or name,
            "in": "query",
            "required": field.required,
            "description": _sentence(field.data_key or name),
            "schema": _property(field),
        }
        for name, field in found
    ]


def body(schema: type[Schema]) -> Json:
    """Return the JSON Schema of a body; unknown members are refused, as the broker refuses them."""
    members = {field.data_key or name: field for name, field in schema().fields.items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [name for name, field in members.items() if field.required],
        "properties": {name: _property(field) for name, field in members.items()},
    }


def _property(field: fields.Field[Any]) -> Json:
    if isinstance(field, fields.Nested):
        return body(type(field.schema))
    if isinstance(field, fields.Enum):
        return {"enum": [one.value for one in field.enum]}
    told = dict(next(told for kind, told in _TYPES.items() if isinstance(field, kind)))
    for validator in field.validators:
        told |= _bounds(validator)
    if field.load_default not in (missing, None):
        told["default"] = field.load_default
    return told


def _bounds(validator: Any) -> Json:
    bounds: Json = {}
    if isinstance(validator, validate.Length):
        bounds = {"minLength": validator.min, "maxLength": validator.max}
    elif isinstance(validator, validate.Range) and isinstance(validator.min, int):
        bounds = {"minimum": validator.min, "maximum": validator.max}
    elif isinstance(validator, validate.OneOf):
        bounds = {"enum": list(validator.choices)}
    elif isinstance(validator, validate.Regexp):
        bounds = {"pattern": f"^{str(validator.regex.pattern).removesuffix(_END)}$"}
    return {name: value for name, value in bounds.items() if value is not None}


def _sentence(name: str) -> str:
    return _PARAMETERS[name]


_PARAMETERS = {
    "page-size": "How many records a page has at most.",
    "cursor": "Where the list goes on, as `links.next` of the last answer gave it.",
    "status": "Only what is open, or only what is completed.",
    "after": "Where the list goes on: the id of the last request of the part before.",
    "oldest-time": "Only what happened at this instant or later (RFC 3339).",
    "newest-time": "Only what happened at this instant or earlier (RFC 3339).",
    "min-amount": "Only amounts that are at least this, signed.",
    "max-amount": "Only amounts that are at most this, signed.",
    "stream_id": "The stream that is meant.",
    "text": "Only where this stands in the description or the shop's name.",
}
