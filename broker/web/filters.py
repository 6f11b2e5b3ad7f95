"""A filter in an address that cannot be used in whole: what can be is kept, of the rest it is said what is wrong."""

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext
from marshmallow import ValidationError, fields
from marshmallow.validate import Length, OneOf
from werkzeug.datastructures import MultiDict

from broker.edge.problems import wants_json
from broker.web.forms import Form, gathered, parsed

_MOST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Filter:
    """The typed fields of a filter, and by name what is wrong with those that cannot be used: they count as absent."""

    wanted: dict[str, Any]
    wrong: dict[str, str]


def filter_of(form: Form, sent: MultiDict[str, str]) -> Filter:
    """Return the filter of an address; none of its fields is required.

    Raises:
        InvalidRequest: a program has sent what cannot be used.
    """
    if wants_json():
        return Filter(parsed(form, sent), {})
    found = gathered(form, sent)
    wrong = {name: gettext("This was sent more than once. Choose one.") for name in found.repeated}
    odd = set(found.unusable)
    try:
        form.load(found.fields)
    except ValidationError as error:
        odd |= {str(name) for name in error.messages_dict}
    wrong |= {name: _said(form.fields[name], str(found.fields.get(name, ""))) for name in sorted(odd)}
    return Filter(form.load({name: value for name, value in found.fields.items() if name not in wrong}), wrong)


def _said(field: fields.Field[Any], sent: str) -> str:
    """Say what a field takes; of a day also what was sent, because no browser shows it in the field."""
    if isinstance(field, fields.Date):
        shown = "".join(character for character in sent[:_MOST_SHOWN] if character.isprintable())
        return gettext("“%(sent)s” is no day that can be used. Choose one such as 2026-11-22.", sent=shown)
    if isinstance(field, fields.Enum) or any(isinstance(rule, OneOf) for rule in field.validators):
        return gettext("This is none of the list. Choose one.")
    most = next((rule.max for rule in field.validators if isinstance(rule, Length)), None)
    if most is not None and len(sent) > most:
        return gettext("This is too long. Write at most %(most)s characters.", most=most)
    return gettext("This cannot be used.")
