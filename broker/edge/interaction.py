"""The interaction id: echoed, or made up when absent or malformed, on every answer and in every log line."""

import re
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog
from flask import Response, request

from broker.telemetry import add_facts, begin_context

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADER = "x-fapi-interaction-id"
_ASKED, _CHOSEN = "HTTP_X_FAPI_INTERACTION_ID", "broker.interaction_id"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_log = structlog.get_logger(__name__)


class Interactions:
    """Wraps the application: chooses the id before anything else happens, and writes one line for each answer.

    Outside Flask, because opening the session may fail, and what is logged of that belongs to this request too.
    """

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        _begin(environ)
        started, statuses = monotonic(), [HTTPStatus.INTERNAL_SERVER_ERROR.value]

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            statuses.append(int(status[:3]))
            return start_response(status, headers, exc_info)

        try:
            return self._application(environ, start)
        finally:
            _log.info("request.answered", status=statuses[-1], ms=round((monotonic() - started) * 1_000, 1))


def _begin(environ: "WSGIEnvironment") -> str:
    asked = environ.get(_ASKED, "")
    chosen: str = asked.lower() if _UUID.fullmatch(asked) else str(uuid.uuid4())
    environ[_CHOSEN] = chosen
    method = environ.get("REQUEST_METHOD", "")
    begin_context(interaction_id=chosen, method=method if method in _METHODS else "other")
    return chosen


def restart(environ: "WSGIEnvironment") -> None:
    """Begin a request anew under the id that it has: what its first run left for the log lines is forgotten."""
    _begin({**environ, _ASKED: environ[_CHOSEN]})


def name_route() -> None:
    """Put the route's rule on the log lines: never the path, which holds ids, nor the query."""
    add_facts(route=str(request.url_rule) if request.url_rule else "none")


def interaction_id() -> str:
    """Return the id of this request."""
    return request.environ.get(_CHOSEN) or _begin(request.environ)


def echo(response: Response) -> Response:
    """Put the id on the answer."""
    response.headers[HEADER] = interaction_id()
    return response
