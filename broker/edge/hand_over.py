"""Keeps the fence of a release until the server has closed the answer: then the transport has its bytes."""

from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from flask import request
from werkzeug.wsgi import ClosingIterator

from broker.grants.fence import Held

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DOWNLOAD = "broker.download"
"""Where an answer says to the server that it is large, holds nothing, and may be taken slowly."""
_HELD = "broker.held"


class HandOver:
    """The outermost WSGI layer. Whatever happens to the answer, what was held for it is dropped in the end.

    The server calls `close` when the last byte was given to the kernel, or the connection has failed (PEP 3333); that
    the shipped server does so at the right moment is a test's matter (tests/integration/test_serving_answers.py).
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with ExitStack() as held:
            environ[_HELD] = held
            answer = self._app(environ, start_response)
            if hasattr(answer, "close"):
                held.callback(answer.close)  # on the stack, so that the fence is dropped even if this fails
            return ClosingIterator((part for part in answer), [held.pop_all().close])


def until_handed_over(held: Held) -> None:
    """Keep a fence until the answer of this request has been handed to the transport."""
    stack: ExitStack = request.environ[_HELD]
    stack.callback(held.drop)
    request.environ[DOWNLOAD] = False  # a revocation waits for this one, whatever else is said of it


def may_be_taken_slowly() -> None:
    """Give the client of this answer a minute, not the blink that an answer with a fence has."""
    request.environ.setdefault(DOWNLOAD, True)
