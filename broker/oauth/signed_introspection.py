"""Answers introspection, as JSON or signed for its caller (RFC 9701)."""

from typing import Any

from flask import Response, jsonify, request

from broker.crypto.signing import SIGNING_ALGORITHMS
from broker.edge.services import services
from broker.oauth.introspection import Introspected
from broker.platforms.service import Platform

_TYP = "token-introspection+jwt"
_SIGNED, _PLAIN = f"application/{_TYP}", "application/json"


def answered(found: Introspected) -> Response:
    """Answer as the caller asked now, or always wants it: what is signed proves who said it, to whom and when."""
    is_signed = _wants_signature(found.caller)
    response = Response(_signed(found), content_type=_SIGNED) if is_signed else jsonify(found.told)
    response.headers["Cache-Control"] = "no-store"
    return response


def announced(_base_url: str) -> dict[str, Any]:
    """Return what the metadata says of signed answers (RFC 9701 §7)."""
    return {"introspection_signing_alg_values_supported": list(SIGNING_ALGORITHMS)}


def _wants_signature(caller: Platform) -> bool:
    """Look for the type by its name: a wildcard asks for nothing (RFC 9701 §4)."""
    named = {kind.lower(): quality for kind, quality in request.accept_mimetypes}
    is_asked = named.get(_SIGNED, 0) > 0 and named[_SIGNED] >= named.get(_PLAIN, 0)
    return is_asked or caller.options.introspection_signed_response_alg is not None


def _signed(found: Introspected) -> str:
    """Sign the answer with neither `sub` nor `exp` of its own: it must not pass for an access token (RFC 9701 §8.1)."""
    now = services().wall()
    claims = {
        "iss": services().settings.base_url,
        "aud": found.caller.id,
        "iat": int(now.timestamp()),
        "token_introspection": found.told,
    }
    return services().signing.present().sign(claims, typ=_TYP, now=now)
