"""Security headers of every answer, and the origins that one page's form may lead to."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Response, g, request

from broker.edge.services import services

_POLICY = "default-src 'none'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
_STYLES = "style-src 'self'; "
# The vendored Swagger UI sets styles from its scripts, and reads our own document.
_EXPLORER = "style-src 'self' 'unsafe-inline'; connect-src 'self'; "
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # no-referrer would turn the Origin of our own forms into "null"
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=(), payment=()",
}


def allow_form_targets(urls: Iterable[str]) -> None:
    """Let this page's forms be redirected to these origins: Chromium checks `form-action` on redirects too."""
    origins = {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls) if parts.scheme and parts.netloc}
    g.form_targets = sorted({*g.get("form_targets", ()), *origins})


def allow_own_scripts() -> None:
    """Let this page run the scripts that ship with the broker; they can reach nothing, not even the broker."""
    g.own_scripts = True


def allow_parts() -> None:
    """Let this page run htmx and our own scripts, and fetch parts of our own pages."""
    g.own_scripts = g.own_requests = True


def allow_explorer() -> None:
    """Let this page run the vendored Swagger UI: our own scripts, inline styles, and requests to ourselves."""
    g.own_scripts = g.explorer = True


def add(response: Response) -> Response:
    """Put the headers on the answer; nothing is cached but static files."""
    for name, value in _ALWAYS.items():
        response.headers[name] = value
    if request.method == "POST" and response.mimetype == "text/html":
        allow_own_scripts()  # `again.js`: a browser has to be able to come back to the answer of a form
    response.headers["Content-Security-Policy"] = _policy()
    if services().settings.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains; preload"
    if request.endpoint != "static" and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def _policy() -> str:
    scripts = "; script-src 'self'" if g.get("own_scripts", False) else ""
    styles = _EXPLORER if g.get("explorer", False) else _STYLES
    requests = "; connect-src 'self'" if g.get("own_requests", False) else ""
    return _POLICY + styles + "form-action " + " ".join(["'self'", *g.get("form_targets", ())]) + scripts + requests
