"""The few answers of pages that need a status of their own; handlers name them, they know no numbers."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, make_response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from broker.edge.services import services


def see_other(location: str) -> AnyResponse:
    """Lead the browser on with 303, which never repeats the body at the new address (FAPI 2.0 §5.3.2.2-11)."""
    return redirect(location, 303)


def no_content() -> Response:
    """Answer that it is done, and nothing more."""
    return make_response("", 204)


def created(value: Any) -> Response:
    """Answer with what has been made, as JSON."""
    return make_response(jsonify(value), 201)


def to_be_corrected(page: str) -> Response:
    """Show a form again whose content cannot be accepted."""
    return make_response(page, 422)


def unusable(page: str) -> Response:
    """Show a page whose address names what cannot be used; it says what, and shows nothing else."""
    return make_response(page, 400)


def to_be_tried_again(page: str) -> Response:
    """Show a page again because somebody whom it needs does not answer; a moment later it may work."""
    response = make_response(page, 503)
    response.headers["Retry-After"] = "5"
    return response


def download(content: bytes, name: str, kind: str) -> Response:
    """Answer with a file for the browser to save under this name, never to show."""
    response = make_response(content)
    response.headers["Content-Type"] = kind
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def rows(found: Sequence[dict[str, Any]], older: dict[str, Any] | None = None) -> Response:
    """Answer with a JSON array; the query of the next older rows goes into `Link` (RFC 8288)."""
    response = jsonify(list(found))
    if older is not None:
        url = f"{services().settings.base_url}{request.path}?{urlencode(older)}"
        response.headers["Link"] = f'<{url}>; rel="next"'
    return response


def stream(lines: Iterable[str], name: str, kind: str) -> Response:
    """Answer with a file that is written while it is taken, for the browser to save under this name."""
    response = Response(lines, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
