"""Brings the answer to the platform on its redirect URI: as parameters with `iss` (RFC 9207), or signed as one (JARM).

A signed answer has `iss` and everything else inside: nothing stands beside it that could be exchanged.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from broker.crypto.signing import SIGNING_ALGORITHMS
from broker.edge.services import services
from broker.oauth.errors import OAuthRefused, plain
from broker.oauth.requests import Pushed
from broker.platforms.service import Platform

_PLAIN = "query"
_SIGNED = ("jwt", "query.jwt")  # two names of one, for a code (JARM §2.3.4)
_LIFE = timedelta(minutes=5)  # at most 10 minutes (JARM §2.1); the code inside lives for one


def asked_mode(form: Mapping[str, str], platform: Platform) -> str:
    """Return how a platform wants the answer.

    Raises:
        OAuthRefused: not a mode of this server, or a signed one without having registered an algorithm for it.
    """
    mode = form.get("response_mode", _PLAIN)
    if mode != _PLAIN and mode not in _SIGNED:
        raise OAuthRefused("invalid_request", "The response_mode is query, or jwt for clients who registered for it.")
    if mode in _SIGNED and platform.options.authorization_signed_response_alg is None:
        raise OAuthRefused("invalid_request", "This client has registered no authorization_signed_response_alg.")
    return mode


def with_code(pushed: Pushed, code: str) -> str:
    """Return the address that carries the code (RFC 6749 §4.1.2)."""
    return _answer(pushed, {"code": code})


def with_error(pushed: Pushed, error: str, description: str) -> str:
    """Return the address that carries an error (RFC 6749 §4.1.2.1)."""
    return _answer(pushed, {"error": error, "error_description": plain(description)})


def announced(_base_url: str) -> dict[str, Any]:
    """Return what the metadata says of these answers (RFC 8414 §2, RFC 9207 §3, JARM §4)."""
    return {
        "response_modes_supported": [_PLAIN, *_SIGNED],
        "authorization_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
    }


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _answer(pushed: Pushed, parameters: Mapping[str, str]) -> str:
    state = {} if pushed.state is None else {"state": pushed.state}
    told = {**parameters, **state, "iss": services().settings.base_url}
    query = urlencode(told if pushed.response_mode == _PLAIN else {"response": _signed(pushed, told)})
    # Added to the registered text itself: taking its own query apart and writing it anew could change it.
    separator = "&" if "?" in pushed.redirect_uri else "?"
    return f"{pushed.redirect_uri}{separator}{query}"


def _signed(pushed: Pushed, told: Mapping[str, str]) -> str:
    """Sign an answer for this platform alone, and for a few minutes (JARM §2.1)."""
    now = services().wall()
    claims = {**told, "aud": pushed.platform_id, "exp": int((now + _LIFE).timestamp())}
    return services().signing.present().sign(claims, typ="JWT", now=now)
