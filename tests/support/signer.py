"""A P-256 key of a platform that signs assertions and DPoP proofs quickly."""

import base64
import hashlib
import json
import secrets
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

_COORDINATE_BYTES = 32


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """One private key, generated when it is made, with the two kinds of JWT that a platform signs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = self._key.public_key().public_numbers()
        x, y = (b64(number.to_bytes(_COORDINATE_BYTES)) for number in (public.x, public.y))
        self.jwk = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
        self.thumbprint = b64(hashlib.sha256(_compact(self.jwk)).digest())  # RFC 7638: members in this order

    def jwt(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        signed = f"{b64(_compact({'alg': 'ES256', **header}))}.{b64(_compact(claims))}"
        numbers = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        return f"{signed}.{b64(b''.join(number.to_bytes(_COORDINATE_BYTES) for number in numbers))}"

    def assertion(self, client_id: str, audience: str, **changed: Any) -> str:
        """Sign a client assertion (RFC 7523 §3)."""
        now = int(time.time())
        jti = secrets.token_urlsafe(12)
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "jti": jti, "iat": now, "exp": now + 60}
        return self.jwt({"typ": "JWT"}, claims | changed)

    def proof(self, method: str, url: str, token: str | None = None, **changed: Any) -> str:
        """Sign a DPoP proof (RFC 9449 §4.2); with a token it names it."""
        claims = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": url, "iat": int(time.time())}
        if token is not None:
            claims["ath"] = b64(hashlib.sha256(token.encode()).digest())
        return self.jwt({"typ": "dpop+jwt", "jwk": self.jwk}, claims | changed)


def _compact(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
