"""Brings the answer to the platform: parameters on its redirect URI, always with `iss` (RFC 9207)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from broker.edge.services import services
from broker.oauth.errors import plain
from broker.oauth.requests import Pushed


def with_code(pushed: Pushed, code: str) -> str:
    """Return the address that carries the code (RFC 6749 §4.1.2)."""
    return _answer(pushed, {"code": code})


def with_error(pushed: Pushed, error: str, description: str) -> str:
    """Return the address that carries an error (RFC 6749 §4.1.2.1)."""
    return _answer(pushed, {"error": error, "error_description": plain(description)})


def announced(_base_url: str) -> dict[str, Any]:
    """Return what the metadata says of these answers (RFC 8414 §2, RFC 9207 §3)."""
    return {"response_modes_supported": ["query"], "authorization_response_iss_parameter_supported": True}


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _answer(pushed: Pushed, parameters: Mapping[str, str]) -> str:
    state = {} if pushed.state is None else {"state": pushed.state}
    query = urlencode({**parameters, **state, "iss": services().settings.base_url})
    # Added to the registered text itself: taking its own query apart and writing it anew could change it.
    separator = "&" if "?" in pushed.redirect_uri else "?"
    return f"{pushed.redirect_uri}{separator}{query}"
