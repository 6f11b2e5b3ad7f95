"""Runs a request once more that lost to another one in the database before it had done anything that lasts.

Most acts are a `with` block of one transaction, which cannot be run twice by itself. The request can: nothing of it
is in the database, not even that its proof was shown.
"""

import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import structlog

from broker.edge.interaction import restart
from broker.storage.conflicts import begin_request, may_run_again, pauses

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MOST = 6
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.1
_UNAVAILABLE = "503"
_log = structlog.get_logger(__name__)


class Again:
    """Wraps the application. `body_max_bytes`: a request with a larger body, or one of unknown length, runs once."""

    def __init__(
        self, application: "WSGIApplication", body_max_bytes: int, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._application = application
        self._body_max_bytes = body_max_bytes
        self._sleep = sleep

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        body, pause = self._body(environ), pauses(_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        for number in range(_MOST):
            begin_request()
            started: list[Any] = []

            def start(*given: Any, begun: list[Any] = started) -> Callable[[bytes], object]:
                begun[:] = given
                return _written_by_nobody

            answer = self._application(environ, start)
            has_lost = started[0].startswith(_UNAVAILABLE) and may_run_again()
            if not has_lost or body is None or number == _MOST - 1:
                break
            if hasattr(answer, "close"):
                answer.close()
            _log.info("request.again", attempts=number + 1)
            self._sleep(pause(number))
            environ["wsgi.input"] = BytesIO(body)
            restart(environ)
        start_response(*started)
        return answer

    def _body(self, environ: "WSGIEnvironment") -> bytes | None:
        """Take the body into memory, where it is small; None when it cannot be read twice."""
        told = environ.get("CONTENT_LENGTH") or "0"
        if "HTTP_TRANSFER_ENCODING" in environ or not told.isdecimal() or int(told) > self._body_max_bytes:
            return None
        body: bytes = environ["wsgi.input"].read(int(told)) if int(told) else b""
        environ["wsgi.input"] = BytesIO(body)
        return body


def _written_by_nobody(_data: bytes) -> None:
    """Flask returns its bytes; PEP 3333's older way of writing them would begin the answer."""
    raise NotImplementedError
