"""The interaction id: echoed, or made up when absent or malformed, on every answer and in every log line."""

import re
import uuid

import structlog
from flask import Response, g, request

HEADER = "x-fapi-interaction-id"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def begin() -> None:
    """Choose the id of this request before anything else happens."""
    asked = request.headers.get(HEADER, "")
    g.interaction_id = asked.lower() if _UUID.fullmatch(asked) else str(uuid.uuid4())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(interaction_id=g.interaction_id)


def interaction_id() -> str:
    """Return the id of this request; an error before `begin` gets one here."""
    if "interaction_id" not in g:
        begin()
    value: str = g.interaction_id
    return value


def echo(response: Response) -> Response:
    """Put the id on the answer."""
    response.headers[HEADER] = interaction_id()
    return response
