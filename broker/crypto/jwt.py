"""JWTs that others sign and the public keys they sign with: taken apart and judged by one set of rules.

Trusted: whoever's key `Jwt.is_signed_by` accepts made these very claims. What they mean is for the caller to judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from broker.crypto.strict_json import read_object

ALGORITHMS = ("PS256", "ES256", "EdDSA", "Ed25519")
"""The signature algorithms of FAPI 2.0 §5.4.1; `EdDSA` and `Ed25519` are two names of one (RFC 9864)."""
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""The type of a JWT with which a client authenticates (RFC 7523 §2.2)."""

_LARGEST_JWT = 16_384
_LARGEST_HEADER = 4096  # room for an RSA key, which the library's 512 bytes have not
_MOST_KEYS = 1_024  # of at most some hundred bytes each, whoever sends them
_RSA_BITS = range(2048, 8193)
_PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_PUBLIC_MEMBERS: Mapping[str, tuple[type[ECKey | OKPKey | RSAKey], tuple[str, ...]]] = {
    "EC": (ECKey, ("crv", "x", "y")),
    "OKP": (OKPKey, ("crv", "x")),
    "RSA": (RSAKey, ("n", "e")),
}  # the first member is the one that says how strong the key is
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}

PublicKey: TypeAlias = ECKey | OKPKey | RSAKey


class JwtRefused(Exception):
    """The text is no JWT that this broker reads, or the key none that it accepts."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """A well-formed JWT whose signature has not been looked at: believe nothing of it before `is_signed_by`."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    def is_signed_by(self, key: PublicKey) -> bool:
        """Say whether this key made the signature with the algorithm that the header names."""
        name = "Ed25519" if self.header["alg"] == "EdDSA" else self.header["alg"]
        algorithm = JWSRegistry.algorithms[name]
        return key.key_type == algorithm.key_type and algorithm.verify(self.signed, self.signature, key)


def read_jwt(text: str) -> Jwt:
    """Take a compact JWT apart (RFC 7515 §7.1) without believing it.

    Raises:
        JwtRefused: not three parts of strict base64url, no strict JSON, too large, `crit`, or a forbidden `alg`.
    """
    parts = text.split(".")
    if len(parts) != 3 or len(text) > _LARGEST_JWT or len(parts[0]) > _LARGEST_HEADER:  # noqa: PLR2004 - RFC 7515 §7.1
        raise JwtRefused
    try:
        header, claims, signature = (urlsafe_b64decode(part.encode("ascii")) for part in parts)
        jwt = Jwt(read_object(header), read_object(claims), f"{parts[0]}.{parts[1]}".encode("ascii"), signature)
    except ValueError as error:
        raise JwtRefused from error
    # Nothing critical is understood here (RFC 7515 §4.1.11); other unknown members are to be ignored.
    if jwt.header.get("alg") not in ALGORITHMS or "crit" in jwt.header:
        raise JwtRefused
    return jwt


def is_secret(jwk: Any) -> bool:
    """Say whether a JWK holds a private or symmetric key: who publishes one has lost it."""
    return isinstance(jwk, Mapping) and bool(_PRIVATE_MEMBERS & jwk.keys() or jwk.get("kty") == "oct")


def public_key(jwk: Any) -> PublicKey:
    """Build a key out of the public members of a JWK (RFC 7517) and nothing else in it.

    Raises:
        JwtRefused: no public key of a kind that is allowed.
    """
    if not isinstance(jwk, Mapping) or _PRIVATE_MEMBERS & jwk.keys() or jwk.get("kty") not in ("EC", "OKP", "RSA"):
        raise JwtRefused
    _, members = _PUBLIC_MEMBERS[jwk["kty"]]
    if not all(isinstance(jwk.get(name), str) for name in members):
        raise JwtRefused
    return _built(jwk["kty"], *(jwk[name] for name in members))


@lru_cache(maxsize=_MOST_KEYS)
def _built(kty: str, *values: str) -> PublicKey:
    """Build a key out of its members. A client signs call after call with the same one: it is built once."""
    kind, members = _PUBLIC_MEMBERS[kty]
    jwk: dict[str, str | list[str]] = {"kty": kty, **dict(zip(members, values, strict=True))}
    try:
        # Judged before it is built: the library would build a weak key with a warning, and a huge one slowly.
        if not _is_strong(kty, values):
            raise JwtRefused
        return kind.import_key(jwk)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise JwtRefused from error


def _is_strong(kty: str, members: Sequence[str]) -> bool:
    """Say whether a key is P-256, Ed25519, or RSA with 2048 to 8192 bits (FAPI 2.0 §5.4.1-2, -3)."""
    if kty == "RSA":
        return int.from_bytes(urlsafe_b64decode(members[0].encode("ascii"))).bit_length() in _RSA_BITS
    return members[0] == _CURVES[kty]
