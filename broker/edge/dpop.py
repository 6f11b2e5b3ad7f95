"""Checks DPoP proofs as RFC 9449 §4.3 has it; the nonce in them is judged by `edge.nonces`.

Trusted: who passes here holds the private key whose thumbprint is `Proof.jkt`, and made the proof for this very
request. That a proof is used once is not decided here: the caller must take `Proof.claim` with what it does.
"""

import hmac
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from broker.crypto.digests import base64url, digest
from broker.crypto.jwt import ALGORITHMS, JwtRefused, public_key, read_jwt
from broker.errors import ProofRefused
from broker.storage.single_use import Claim

__all__ = ["ALGORITHMS", "Proof", "check_proof", "normalised"]

_OLDEST = timedelta(seconds=60)
_EARLIEST = timedelta(seconds=10)
_MEMORY = _OLDEST + timedelta(seconds=60)
_LONGEST_JTI = 256
_UNRESERVED_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_URL = re.compile(r"[!-~]{1,2000}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proof:
    """A good proof: the RFC 7638 thumbprint of its key, and the claim by which it is used once.

    `nonce` is what the proof says, unjudged: `edge.nonces` knows whether one is needed, and which.
    """

    jkt: str
    claim: Claim
    nonce: str | None = None


def check_proof(headers: Sequence[str], *, method: str, url: str, access_token: str | None, now: datetime) -> Proof:
    """Check the DPoP proof of one request with the checks of RFC 9449 §4.3, all but the nonce's (point 10).

    `headers` are all values of the header `DPoP`; `url` is where we are, computed from the base URL. With an
    `access_token` the proof must name it (`ath`); that the token is bound to the key is for the caller to compare.

    Raises:
        ProofRefused: `dpop-proof-missing`, or `dpop-proof-invalid` whatever the reason.
    """
    if not headers:
        raise ProofRefused("The request has no DPoP proof.", code="dpop-proof-missing")
    if len(headers) > 1:
        raise ProofRefused("There is more than one DPoP header.")
    try:
        jwt = read_jwt(headers[0])
        key = public_key(jwt.header.get("jwk"))
    except JwtRefused as error:
        raise ProofRefused("The DPoP proof is not a JWT with a public key and an algorithm we accept.") from error
    if jwt.header.get("typ") != "dpop+jwt" or not jwt.is_signed_by(key):
        raise ProofRefused("The DPoP proof is of another type or its signature does not fit.")
    htu = normalised(jwt.claims.get("htu"))
    if jwt.claims.get("htm") != method or htu is None or htu != normalised(url):
        raise ProofRefused("The DPoP proof was made for another request.")
    if access_token is not None and not _names(jwt.claims.get("ath"), access_token):
        raise ProofRefused("The DPoP proof was made for another access token.")
    jti, issued_at = _jti(jwt.claims.get("jti")), _issued_at(jwt.claims.get("iat"), now)
    _check_span(jwt.claims, now)
    nonce = jwt.claims.get("nonce")
    if nonce is not None and not isinstance(nonce, str):
        raise ProofRefused("The nonce of the DPoP proof is not a text.")
    jkt = key.thumbprint()
    return Proof(jkt, Claim("dpop", f"{jkt} {htu} {jti}", issued_at + _MEMORY), nonce)


def normalised(url: Any) -> str | None:
    """Return a URL in one form, without query and fragment (RFC 3986 §6.2.2, §6.2.3); None when it is none."""
    if not isinstance(url, str) or not _URL.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    return f"{parts.scheme}://{place}{_path(parts.path)}"


def _path(path: str) -> str:
    """Write escapes of unreserved characters out, the others in capitals, and walk the dots (RFC 3986 §6.2.2.1-3)."""

    def one_form(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if re.fullmatch(r"[A-Za-z0-9._~-]", character) else match[0].upper()

    segments: list[str] = []
    parts = _UNRESERVED_ESCAPE.sub(one_form, path).split("/")[1:]
    for segment in parts:
        if segment == "..":
            segments = segments[:-1]
        elif segment != ".":
            segments.append(segment)
    if parts and parts[-1] in {".", ".."}:
        segments.append("")
    return "/" + "/".join(segments)


def _names(ath: Any, access_token: str) -> bool:
    """Compare `ath` with the digest of the token (RFC 9449 §4.3 point 12)."""
    expected = base64url(digest(access_token))
    return isinstance(ath, str) and hmac.compare_digest(ath.encode("utf-8", "surrogatepass"), expected.encode())


def _jti(jti: Any) -> str:
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        raise ProofRefused("The DPoP proof has no jti of 1 to 256 characters.")
    return jti


def _issued_at(iat: Any, now: datetime) -> datetime:
    # Compared as a number first: infinity, NaN and huge numbers are no instants.
    if not _is_between(iat, (now - _OLDEST).timestamp(), (now + _EARLIEST).timestamp()):
        raise ProofRefused("The DPoP proof is too old, or from the future.")
    return datetime.fromtimestamp(iat, UTC)


def _check_span(claims: Mapping[str, Any], now: datetime) -> None:
    """Honour `nbf` and `exp` where a proof has them: it needs neither (RFC 7519 §4.1.4, §4.1.5)."""
    has_begun = "nbf" not in claims or _is_between(claims["nbf"], 0, (now + _EARLIEST).timestamp())
    if not has_begun or ("exp" in claims and not _is_between(claims["exp"], (now - _EARLIEST).timestamp(), math.inf)):
        raise ProofRefused("The DPoP proof is not good yet, or not any more.")


def _is_between(value: Any, least: float, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
