"""Reads the parameters of a request: each once, form-encoded, without tricks."""

from collections.abc import Mapping

from flask import request
from werkzeug.datastructures import MultiDict

from broker.errors import InvalidRequest

_FORM = "application/x-www-form-urlencoded"
_LONGEST_VALUE = 65_536


def posted() -> Mapping[str, str]:
    """Return the parameters of a posted form (RFC 6749 §3.2); those without a value count as absent.

    Raises:
        InvalidRequest: another content type, a repeated parameter, or text that is not clean UTF-8.
    """
    if request.mimetype != _FORM:
        raise InvalidRequest(f"The body must be {_FORM}.")
    return _each_once(request.form)


def asked() -> Mapping[str, str]:
    """Return the parameters of the address.

    Raises:
        InvalidRequest: a repeated parameter, or text that is not clean UTF-8.
    """
    return _each_once(request.args)


def required(form: Mapping[str, str], name: str) -> str:
    """Return one parameter.

    Raises:
        InvalidRequest: it is missing.
    """
    if name not in form:
        raise InvalidRequest(f"The parameter {name} is missing.")
    return form[name]


def _each_once(parameters: MultiDict[str, str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, values in parameters.lists():
        if len(values) > 1:
            raise InvalidRequest("A parameter stands in the request more than once.")
        # The replacement character is what undecodable bytes have become: nobody sends it on purpose.
        if len(values[0]) > _LONGEST_VALUE or "\x00" in values[0] or "\ufffd" in values[0]:
            raise InvalidRequest("A parameter is too long or not clean UTF-8.")
        if values[0]:
            found[name] = values[0]
    return found
