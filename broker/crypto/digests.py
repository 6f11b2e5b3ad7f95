"""New secrets, their digests, and canonical JSON."""

import base64
import hashlib
import json
import secrets
from typing import Any


def new_secret(prefix: str) -> str:
    """Make a secret of 256 random bits that secret scanners recognise, e.g. `bkr_at_…` (FAPI 2.0 §5.4.1)."""
    return f"bkr_{prefix}_{secrets.token_urlsafe(32)}"


def digest(secret: str) -> bytes:
    """Return the SHA-256 of a secret: all that is ever stored of a token or code."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def base64url(data: bytes) -> str:
    """Encode without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def canonical_json(value: Any) -> bytes:
    """Return the one byte form of a JSON value (RFC 8785), for texts, whole numbers, booleans, null, lists, mappings.

    Keys are ordered by their UTF-16 code units, as RFC 8785 §3.2.3 wants.

    Raises:
        TypeError: the value holds a float or something that is not JSON.
    """
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("the names of a JSON object are texts")
        return {key: _ordered(value[key]) for key in sorted(value, key=lambda text: text.encode("utf-16-be"))}
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    if isinstance(value, float):
        raise TypeError("canonical JSON here has no floats: write money and coordinates as texts")
    return value
