"""The keys by which clients know what the broker says: they sign answers to introspection and to authorization.

Trusted: whoever holds one can make answers that clients take for ours; they open nothing and release nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from broker.clock import rfc3339

SIGNING_ALGORITHMS = ("ES256",)
"""What the broker signs with (FAPI 2.0 §5.4.1)."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private P-256 key with its id, and the instant from which on it signs; it is published before."""

    jwk: ECKey = field(repr=False)
    signs_from: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the key as the key file holds it; `from_json` reads it back."""
        return {"jwk": self.jwk.as_dict(private=True), "signs_from": rfc3339(self.signs_from)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "SigningKey":
        """Read what `to_json` wrote.

        Raises:
            ValueError: not a private P-256 key with an id, or no instant; KeyError, TypeError and JoseError likewise.
        """
        jwk = ECKey.import_key(value["jwk"])
        if not jwk.is_private or jwk.curve_name != "P-256" or jwk.kid is None:
            raise ValueError("not a key that signs for the broker")
        return cls(jwk, datetime.fromisoformat(value["signs_from"]).astimezone(UTC))


def new_signing_key(signs_from: datetime) -> SigningKey:
    """Make a key; its id is its thumbprint (RFC 7638)."""
    return SigningKey(ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True), signs_from)


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """All keys that are published, the newest first: the one in use, and during a rotation the one after or before."""

    keys: Sequence[SigningKey]

    def sign(self, claims: Mapping[str, Any], *, typ: str, now: datetime) -> str:
        """Sign a JWT with the newest key whose time has come (RFC 7515 §7.1)."""
        # The oldest when none is due: a clock that was put back must not silence the broker.
        key = next((key for key in self.keys if key.signs_from <= now), self.keys[-1]).jwk
        header = {"alg": "ES256", "kid": key.kid, "typ": typ}
        return jwt.encode(header, dict(claims), key, algorithms=list(SIGNING_ALGORITHMS))

    def public_jwks(self) -> dict[str, Any]:
        """Return the JWK Set by which everybody verifies, with the key that will sign next (RFC 7517 §5)."""
        return {"keys": [key.jwk.as_dict(private=False) for key in self.keys]}
