"""Checks DPoP proofs (RFC 9449 §4.3) and the signatures of the JWTs that clients make.

Trusted: who passes here holds the private key whose thumbprint is `Proof.jkt`, and made the proof for this very
request. That a proof is used once is not decided here: the caller must take `Proof.claim` with what it does.
"""

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from broker.crypto.digests import base64url, digest
from broker.errors import ProofRefused
from broker.storage.single_use import Claim

ALGORITHMS = ("PS256", "ES256", "EdDSA", "Ed25519")
"""The signature algorithms of FAPI 2.0 §5.4.1; `EdDSA` and `Ed25519` are two names of one (RFC 9864)."""

_OLDEST = timedelta(seconds=60)
_EARLIEST = timedelta(seconds=10)
_MEMORY = _OLDEST + timedelta(seconds=60)
_LARGEST_JWT = 16_384
_LARGEST_HEADER = 4096  # room for an RSA key, which the library's 512 bytes have not
_LONGEST_JTI = 256
_RSA_BITS = range(2048, 8193)
_PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
_PUBLIC_MEMBERS: Mapping[str, tuple[type[ECKey | OKPKey | RSAKey], tuple[str, ...]]] = {
    "EC": (ECKey, ("crv", "x", "y")),
    "OKP": (OKPKey, ("crv", "x")),
    "RSA": (RSAKey, ("n", "e")),
}
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}
_UNRESERVED_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_URL = re.compile(r"[!-~]{1,2000}")
_DEFAULT_PORTS = {"http": 80, "https": 443}

PublicKey: TypeAlias = ECKey | OKPKey | RSAKey


class JwtRefused(Exception):
    """The text is no JWT that this broker reads, or its signature does not fit."""


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


@dataclass(frozen=True, slots=True)
class Proof:
    """A good proof: the RFC 7638 thumbprint of its key, and the claim by which it is used once."""

    jkt: str
    claim: Claim


def read_jwt(text: str) -> Jwt:
    """Take a compact JWT apart (RFC 7515 §7.1) without believing it.

    Raises:
        JwtRefused: not three parts of strict base64url, not JSON objects, too large, `crit`, or a forbidden `alg`.
    """
    parts = text.split(".")
    if len(parts) != 3 or len(text) > _LARGEST_JWT or len(parts[0]) > _LARGEST_HEADER:  # noqa: PLR2004 - RFC 7515 §7.1
        raise JwtRefused
    try:
        header, claims, signature = (urlsafe_b64decode(part.encode("ascii")) for part in parts)
        jwt = Jwt(_object(header), _object(claims), f"{parts[0]}.{parts[1]}".encode("ascii"), signature)
    except (ValueError, RecursionError) as error:
        raise JwtRefused from error
    # Nothing critical is understood here (RFC 7515 §4.1.11); other unknown members are to be ignored.
    if jwt.header.get("alg") not in ALGORITHMS or "crit" in jwt.header:
        raise JwtRefused
    return jwt


def public_key(jwk: Any) -> PublicKey:
    """Build a key out of the public members of a JWK (RFC 7517) and nothing else in it.

    Raises:
        JwtRefused: no public key of a kind that is allowed.
    """
    if not isinstance(jwk, Mapping) or _PRIVATE_MEMBERS & jwk.keys() or jwk.get("kty") not in ("EC", "OKP", "RSA"):
        raise JwtRefused
    kind, members = _PUBLIC_MEMBERS[jwk["kty"]]
    if not all(isinstance(jwk.get(name), str) for name in members):
        raise JwtRefused
    try:
        # Judged before it is built: the library would build a weak key with a warning, and a huge one slowly.
        if not _is_strong(jwk):
            raise JwtRefused
        return kind.import_key({"kty": jwk["kty"], **{name: jwk[name] for name in members}})
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise JwtRefused from error


def check_proof(headers: Sequence[str], *, method: str, url: str, access_token: str | None, now: datetime) -> Proof:
    """Check the DPoP proof of one request with the twelve checks of RFC 9449 §4.3 (there is no nonce yet).

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
    jkt = key.thumbprint()
    return Proof(jkt, Claim("dpop", f"{jkt} {htu} {jti}", issued_at + _MEMORY))


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


def _object(data: bytes) -> dict[str, Any]:
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - caught with the other kinds of unreadable JSON
    return value


def _is_strong(jwk: Mapping[str, str]) -> bool:
    """Say whether a key is P-256, Ed25519, or RSA with 2048 bits or more (FAPI 2.0 §5.4.1-2, -3)."""
    if jwk["kty"] == "RSA":
        return int.from_bytes(urlsafe_b64decode(jwk["n"].encode("ascii"))).bit_length() in _RSA_BITS
    return jwk["crv"] == _CURVES[jwk["kty"]]


def _names(ath: Any, access_token: str) -> bool:
    """Compare `ath` with the digest of the token (RFC 9449 §4.3 point 12)."""
    expected = base64url(digest(access_token))
    return isinstance(ath, str) and hmac.compare_digest(ath.encode("utf-8", "surrogatepass"), expected.encode())


def _jti(jti: Any) -> str:
    if not isinstance(jti, str) or not 1 <= len(jti) <= _LONGEST_JTI:
        raise ProofRefused("The DPoP proof has no jti of 1 to 256 characters.")
    return jti


def _issued_at(iat: Any, now: datetime) -> datetime:
    earliest, latest = (now - _OLDEST).timestamp(), (now + _EARLIEST).timestamp()
    # Compared as a number first: infinity, NaN and huge numbers are no instants.
    if isinstance(iat, bool) or not isinstance(iat, (int, float)) or not earliest <= iat <= latest:
        raise ProofRefused("The DPoP proof is too old, or from the future.")
    return datetime.fromtimestamp(iat, UTC)
