"""Describes `authorization_details` of the type `bank_data` as a JSON Schema, made from the policies in force.

What the schema refuses the broker refuses; what it lets through the policies still judge.
"""

from collections.abc import Iterable
from typing import Any

from broker.oauth.details import BANK_PATTERN, MOST_CATEGORIES, TYPE
from broker.policy import Catalogue
from broker.policy.catalogue import Category
from broker.policy.vocabulary import DurationType

PATH = "/.well-known/bank_data.schema.json"
"""Where the schema is served."""

_FIGURES = {
    "duration_days": "How long the grant lives; not with ONE_TIME.",
    "lookback_days": "How far back the data reaches.",
    "frequency_per_day": "Reads a day and category while the person is away; they are counted.",
    "data_life_days": "After how many days the platform deletes what it got.",
}


def bank_data_schema(catalogue: Catalogue) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what a platform may push, with the highest ceiling of any purpose."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:consent-broker:bank_data",
        "title": f"authorization_details of the type {TYPE} (RFC 9396), as a platform pushes it",
        "type": "array",
        "minItems": 1,
        "maxItems": 1,
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["type", "purpose", "categories"],
            "properties": _properties(catalogue),
            "if": {
                "properties": {"duration_type": {"const": DurationType.ONE_TIME.value}},
                "required": ["duration_type"],
            },
            "then": {"not": {"required": ["duration_days"]}},
        },
    }


def announced(base_url: str) -> dict[str, Any]:
    """Return what the metadata says of the schema; the member is the broker's own: RFC 9396 §10 names none."""
    return {"authorization_details_schemas": {TYPE: base_url + PATH}}


def _properties(catalogue: Catalogue) -> dict[str, Any]:
    types = [DurationType.TIME_BOUND.value, DurationType.ONE_TIME.value]
    return {
        "type": {"const": TYPE},
        "purpose": {"description": "The code of one purpose.", "enum": list(catalogue.purposes)},
        "categories": {
            "description": "What is asked for; each category once.",
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_CATEGORIES,
            "uniqueItems": True,
            "items": {"oneOf": list(_shapes(catalogue.categories.values()))},
        },
        "bank": {
            "description": "The id of the only bank that will do; absent: the person chooses.",
            "type": "string",
            "pattern": f"^{BANK_PATTERN}$",
        },
        "duration_type": {"enum": types, "default": types[0]},
        **{name: _figure(name, text, catalogue) for name, text in _FIGURES.items()},
    }


def _figure(name: str, description: str, catalogue: Catalogue) -> dict[str, Any]:
    most = max(getattr(purpose.maximum, name) for purpose in catalogue.purposes.values())
    return {"description": description, "type": "integer", "minimum": 1, "maximum": most}


def _shapes(categories: Iterable[Category]) -> Iterable[dict[str, Any]]:
    """Yield one shape for all categories without steps, and one for each that has them."""
    plain = [category.name for category in categories if not category.details and not category.precisions]
    if plain:
        yield _shape({"name": {"enum": plain}})
    for category in categories:
        least, steps = category.least(), dict[str, Any]()
        if least.detail is not None:
            steps["detail"] = {"enum": [step.value for step in category.details], "default": least.detail.value}
        if least.precision is not None:
            precisions = [step.value for step in category.precisions]
            steps["precision"] = {"enum": precisions, "default": least.precision.value}
        if steps:
            yield _shape({"name": {"const": category.name}, **steps})


def _shape(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": ["name"], "properties": properties}
