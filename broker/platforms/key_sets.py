"""Which keys a client may register, and at which URL they may be instead."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from broker.crypto.jwt import JwtRefused, is_secret, public_key
from broker.errors import BankInvalidAnswer, BankUnavailable, InvalidRequest
from broker.outbound.target import parse
from broker.platforms.redirects import LOOPBACK, check_redirect_uri

Keys: TypeAlias = Sequence[Mapping[str, Any]]
"""Public keys as JWKs (RFC 7517)."""
MOST_KEYS: Final = 20
"""The most keys that a client may have at once."""
NO_KEYS: Final[dict[str, Any]] = {"keys": []}
"""The `jwks` of a client whose keys are at `jwks_uri`."""
_LONGEST_URL = 2000


def check_keys(jwks: Mapping[str, Any], jwks_uri: str | None, *, http_loopback: bool) -> None:
    """Let a key set pass, or a URL where there is one; `http_loopback` allows http URLs of this machine.

    Raises:
        InvalidRequest: both or none, a key that is not accepted here, or a URL that would not be called.
    """
    if jwks_uri is None:
        _check_jwks(jwks)
    elif jwks != NO_KEYS:
        raise InvalidRequest("A client has its keys in jwks or at jwks_uri, never both.")
    elif not _is_jwks_uri(jwks_uri, http_loopback=http_loopback):
        raise InvalidRequest("jwks_uri is an https URL of a public host, without fragment and user information.")


def _check_jwks(jwks: Mapping[str, Any]) -> None:
    """Accept the public keys that `crypto.jwt` reads, each under its own id, and no others (FAPI 2.0 §5.4.1, .2)."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS:
        raise InvalidRequest("The key set must hold from 1 to 20 keys.")
    try:
        for key in keys:
            public_key(key)
    except JwtRefused as error:
        raise InvalidRequest("Each key must be a public one: P-256, Ed25519, or RSA of 2048 to 8192 bits.") from error
    kids = [key["kid"] for key in keys if "kid" in key]
    if not all(isinstance(kid, str) for kid in kids) or len(set(kids)) < len(kids):
        raise InvalidRequest("Each key must have a key id (kid) of its own, as text.")


def _is_jwks_uri(uri: str, *, http_loopback: bool) -> bool:
    """Look at the text alone; what the host's name leads to is looked at whenever the keys are fetched."""
    if len(uri) > _LONGEST_URL:
        return False
    try:
        check_redirect_uri(uri, http_loopback=http_loopback)
        return (http_loopback and urlsplit(uri).hostname in LOOPBACK) or bool(parse(uri, frozenset()))
    except (InvalidRequest, BankUnavailable):
        return False


def usable_keys(jwks: Any) -> Keys:
    """Return the keys of a published set that are read here; what leads elsewhere (`x5u`, `jku`) is not followed.

    Raises:
        BankInvalidAnswer: not a JWK Set of 1 to 20 keys, or it gives a secret away: then nothing of it counts.
    """
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS or any(map(is_secret, keys)):
        raise BankInvalidAnswer
    return [key for key in keys if _is_usable(key)]


def _is_usable(jwk: Any) -> bool:
    try:
        public_key(jwk)
    except JwtRefused:
        return False
    return True
