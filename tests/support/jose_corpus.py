"""Malformed and malicious JWTs: each is a good one with one thing wrong, made for any place where JWTs are taken."""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_BYTES = 32
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Good:
    """What a good JWT of one place is made of; the key is a P-256 key that the place trusts."""

    key: ec.EllipticCurvePrivateKey
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    def with_header(self, **members: Any) -> str:
        """Sign with these members of the header replaced; None leaves one out."""
        header = {name: value for name, value in {**self.header, **members}.items() if value is not None}
        return self.of_bytes(raw(header), raw(self.claims))

    def with_claims(self, **members: Any) -> str:
        claims = {name: value for name, value in {**self.claims, **members}.items() if value is not None}
        return self.of_bytes(raw(self.header), raw(claims))

    def of_bytes(self, header: bytes, claims: bytes) -> str:
        signed = f"{b64(header)}.{b64(claims)}"
        return f"{signed}.{b64(self.signature(signed.encode()))}"

    def signature(self, signed: bytes) -> bytes:
        numbers = decode_dss_signature(self.key.sign(signed, ec.ECDSA(SHA256())))
        return b"".join(number.to_bytes(_BYTES) for number in numbers)

    def text(self) -> str:
        return self.of_bytes(raw(self.header), raw(self.claims))

    def parts(self) -> list[str]:
        return self.text().split(".")

    def resigned(self, change: Callable[[bytes], bytes]) -> str:
        """Change the bytes of the signature."""
        header, claims, signature = self.parts()
        return f"{header}.{claims}.{b64(change(base64.urlsafe_b64decode(signature + '==')))}"

    def keyed(self, algorithm: str, secret: bytes, digest: str) -> str:
        """Sign with a MAC, as if the public key were a shared secret."""
        signed = f"{b64(raw({**self.header, 'alg': algorithm}))}.{b64(raw(self.claims))}"
        return f"{signed}.{b64(hmac.digest(secret, signed.encode(), digest))}"

    def public(self, encoding: Encoding = Encoding.PEM) -> bytes:
        return self.key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)

    def other_key(self) -> "Good":
        return Good(ec.generate_private_key(ec.SECP256R1()), self.header, self.claims)

    def jwk(self) -> dict[str, str]:
        numbers = self.key.public_key().public_numbers()
        x, y = (b64(number.to_bytes(_BYTES)) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


Bad = Callable[[Good], str]


def _repeated(data: Mapping[str, Any], name: str, first: Any) -> bytes:
    """Write an object whose member stands in it twice: a false value first, or the true one."""
    return b"{" + json.dumps(name).encode() + b":" + json.dumps(first).encode() + b"," + raw(data)[1:]


def _half(good: Good, first: Any = "none") -> str:
    return good.of_bytes(_repeated(good.header, "alg", first), raw(good.claims))


def _as_json(good: Good) -> str:
    header, claims, signature = good.parts()
    return json.dumps({"payload": claims, "protected": header, "signature": signature})


def _zipped(good: Good) -> str:
    bomb = zlib.compress(b"[" + b" " * 1_000_000 + b"]")[2:-4]
    return good.of_bytes(raw({**good.header, "zip": "DEF"}), bomb)


def _swapped(good: Good) -> str:
    return good.resigned(lambda signature: signature[_BYTES:] + signature[:_BYTES])


def _der(good: Good) -> str:
    signed = ".".join(good.parts()[:2])
    return f"{signed}.{b64(good.key.sign(signed.encode(), ec.ECDSA(SHA256())))}"


def _unencoded(good: Good) -> str:
    """RFC 7797: a payload that is not encoded, which `crit` would announce."""
    header = b64(raw({**good.header, "b64": False, "crit": ["b64"]}))
    signature = good.signature(header.encode() + b"." + raw(good.claims))
    return f"{header}.{b64(raw(good.claims))}.{b64(signature)}"


def _beyond(good: Good) -> str:
    """Add the order of the group to s: the same number for a verifier that reduces it."""
    return good.resigned(lambda signature: signature[:_BYTES] + (_ORDER - 1).to_bytes(_BYTES))


_ALGORITHMS = (
    *("none", "None", "NONE", "nOnE", "", "es256", "ES256 ", "ES256K", "ES384", "ES512", "RS256", "RS384", "RS512"),
    *(
        "PS384",
        "PS512",
        "HS256",
        "HS384",
        "HS512",
        "Ed448",
        "ECDH-ES",
        "RSA-OAEP",
        "A128KW",
        "dir",
        "PBES2-HS256+A128KW",
    ),
)
_ODD: Mapping[str, Any] = {"a number": 7, "a list": ["ES256"], "an object": {"a": 1}, "true": True, "text": "\x00"}

ALGORITHMS: dict[str, Bad] = {
    **{f"alg {name!r}": (lambda good, name=name: good.with_header(alg=name)) for name in _ALGORITHMS},  # type: ignore[misc] # bound
    **{f"alg {kind}": (lambda good, value=value: good.with_header(alg=value)) for kind, value in _ODD.items()},  # type: ignore[misc] # bound
    "no alg": lambda good: good.with_header(alg=None),
    "another alg of the profile": lambda good: good.with_header(alg="PS256"),
    "Ed25519 with a key of P-256": lambda good: good.with_header(alg="Ed25519"),
    "none without a signature": lambda good: good.with_header(alg="none").rpartition(".")[0] + ".",
    "HS256 with the public key as PEM": lambda good: good.keyed("HS256", good.public(), "sha256"),
    "HS256 with the public key as DER": lambda good: good.keyed("HS256", good.public(Encoding.DER), "sha256"),
    "HS256 with the public key as JWK": lambda good: good.keyed("HS256", raw(good.jwk()), "sha256"),
    "HS256 with an empty key": lambda good: good.keyed("HS256", b"", "sha256"),
    "HS512 with the public key as PEM": lambda good: good.keyed("HS512", good.public(), "sha512"),
    "MAC under the name ES256": lambda good: good.keyed("ES256", good.public(), "sha512"),
}

HEADERS: dict[str, Bad] = {
    "crit of something unknown": lambda good: good.with_header(crit=["x-unknown"], **{"x-unknown": True}),
    "crit of something absent": lambda good: good.with_header(crit=["x-unknown"]),
    "crit that is empty": lambda good: good.with_header(crit=[]),
    "crit that is text": lambda good: good.with_header(crit="exp"),
    "crit of exp": lambda good: good.with_header(crit=["exp"], exp=1),
    "crit of alg": lambda good: good.with_header(crit=["alg"]),
    "crit that is null": lambda good: good.of_bytes(raw({**good.header, "crit": None}), raw(good.claims)),
    "crit and an unencoded payload": _unencoded,
    "zip with a bomb": _zipped,
    "typ of an access token": lambda good: good.with_header(typ="at+jwt"),
    "typ of a security event": lambda good: good.with_header(typ="secevent+jwt"),
    "typ of an introspection": lambda good: good.with_header(typ="token-introspection+jwt"),
    "typ that is a list": lambda good: good.with_header(typ=["JWT", "dpop+jwt"]),
    "typ that is a number": lambda good: good.with_header(typ=7),
    "typ that is empty": lambda good: good.with_header(typ=""),
    "a header of 5,000 characters": lambda good: good.with_header(**{"x-more": "y" * 5_000}),
    "a header of 30,000 characters": lambda good: good.with_header(**{"x-more": "y" * 30_000}),
    "alg twice, none first": _half,
    "alg twice, the same": lambda good: _half(good, "ES256"),
    "alg twice, a number first": lambda good: _half(good, 7),
    "typ twice": lambda good: good.of_bytes(_repeated(good.header, "typ", "at+jwt"), raw(good.claims)),
    "kid twice": lambda good: good.of_bytes(_repeated({**good.header, "kid": "b"}, "kid", "a"), raw(good.claims)),
    "a header with NaN": lambda good: good.of_bytes(raw({**good.header, "x": float("nan")}), raw(good.claims)),
    "a header that is a list": lambda good: good.of_bytes(b'["alg","ES256"]', raw(good.claims)),
    "a header that is text": lambda good: good.of_bytes(b'"ES256"', raw(good.claims)),
    "a header that is null": lambda good: good.of_bytes(b"null", raw(good.claims)),
    "a header that is a number": lambda good: good.of_bytes(b"256", raw(good.claims)),
    "a header that is empty": lambda good: good.of_bytes(b"", raw(good.claims)),
    "a header that is an empty object": lambda good: good.of_bytes(b"{}", raw(good.claims)),
    "a header that is cut": lambda good: good.of_bytes(raw(good.header)[:-1], raw(good.claims)),
    "a header with more behind it": lambda good: good.of_bytes(raw(good.header) + b"{}", raw(good.claims)),
    "a header with a comma too many": lambda good: good.of_bytes(raw(good.header)[:-1] + b",}", raw(good.claims)),
    "a header with a comment": lambda good: good.of_bytes(b"/**/" + raw(good.header), raw(good.claims)),
    "a header with single quotes": lambda good: good.of_bytes(raw(good.header).replace(b'"', b"'"), raw(good.claims)),
    "a header in UTF-8 with a mark": lambda good: good.of_bytes(b"\xef\xbb\xbf" + raw(good.header), raw(good.claims)),
    "a header that is no UTF-8": lambda good: good.of_bytes(raw(good.header)[:-1] + b',"x":"\xff"}', raw(good.claims)),
    "a header with a NUL": lambda good: good.of_bytes(raw(good.header) + b"\x00", raw(good.claims)),
    "a deep header": lambda good: good.of_bytes(b'{"alg":' + b"[" * 1_400 + b"]" * 1_400 + b"}", raw(good.claims)),
}

CLAIMS: dict[str, Bad] = {
    "claims that are a list": lambda good: good.of_bytes(raw(good.header), b"[]"),
    "claims that are text": lambda good: good.of_bytes(raw(good.header), b'"x"'),
    "claims that are null": lambda good: good.of_bytes(raw(good.header), b"null"),
    "claims that are true": lambda good: good.of_bytes(raw(good.header), b"true"),
    "claims that are empty": lambda good: good.of_bytes(raw(good.header), b""),
    "claims that are an empty object": lambda good: good.of_bytes(raw(good.header), b"{}"),
    "claims that are cut": lambda good: good.of_bytes(raw(good.header), raw(good.claims)[:-2]),
    "claims with more behind them": lambda good: good.of_bytes(raw(good.header), raw(good.claims) + b"x"),
    "claims that are no UTF-8": lambda good: good.of_bytes(raw(good.header), b'{"jti":"\xff\xfe"}'),
    "claims in UTF-8 with a mark": lambda good: good.of_bytes(raw(good.header), b"\xef\xbb\xbf" + raw(good.claims)),
    "claims that are deep": lambda good: good.of_bytes(raw(good.header), b'{"x":' + b"[" * 5_500 + b"]" * 5_500 + b"}"),
    "claims of deep objects": lambda good: good.of_bytes(raw(good.header), b'{"x":' * 1_900 + b"1" + b"}" * 1_900),
    "claims of 20,000 characters": lambda good: good.with_claims(more="x" * 20_000),
    "claims with a huge number": lambda good: good.of_bytes(
        raw(good.header), raw(good.claims)[:-1] + b',"x":' + b"9" * 9_000 + b"}"
    ),
    "claims with NaN": lambda good: good.with_claims(more=float("nan")),
    "claims with infinity": lambda good: good.with_claims(more=float("inf")),
    "jti twice, the same": lambda good: good.of_bytes(
        raw(good.header), _repeated(good.claims, "jti", good.claims["jti"])
    ),
    "jti twice, another first": lambda good: good.of_bytes(raw(good.header), _repeated(good.claims, "jti", "other")),
    "iat twice": lambda good: good.of_bytes(raw(good.header), _repeated(good.claims, "iat", 1)),
    "a member twice within a member": lambda good: good.of_bytes(
        raw(good.header), raw(good.claims)[:-1] + b',"x":{"a":1,"a":2}}'
    ),
    "jti of nothing": lambda good: good.with_claims(jti=""),
    "no jti": lambda good: good.with_claims(jti=None),
    "jti of 5,000 characters": lambda good: good.with_claims(jti="x" * 5_000),
    "jti that is a number": lambda good: good.with_claims(jti=7),
    "jti that is a list": lambda good: good.with_claims(jti=["x"]),
    "iat that is text": lambda good: good.with_claims(iat=str(good.claims["iat"])),
    "iat that is true": lambda good: good.with_claims(iat=True),
    "iat that is a list": lambda good: good.with_claims(iat=[good.claims["iat"]]),
    "iat 90 s ahead": lambda good: good.with_claims(iat=good.claims["iat"] + 90),
    "iat in 200 years": lambda good: good.with_claims(iat=good.claims["iat"] + 6_300_000_000),
    "iat beyond all numbers": lambda good: good.with_claims(iat=10**400),
    "iat of infinity": lambda good: good.with_claims(iat=float("inf")),
}

SIGNATURES: dict[str, Bad] = {
    "no signature": lambda good: ".".join(good.parts()[:2]) + ".",
    "a signature of zeros": lambda good: good.resigned(lambda _: bytes(64)),
    "a signature of ones": lambda good: good.resigned(lambda _: b"\xff" * 64),
    "a signature with r of zero": lambda good: good.resigned(lambda s: bytes(_BYTES) + s[_BYTES:]),
    "a signature with s of zero": lambda good: good.resigned(lambda s: s[:_BYTES] + bytes(_BYTES)),
    "a signature with s of the order": lambda good: good.resigned(lambda s: s[:_BYTES] + _ORDER.to_bytes(_BYTES)),
    "a signature with s below the order": _beyond,
    "a signature with r and s exchanged": _swapped,
    "a signature cut by a byte": lambda good: good.resigned(lambda s: s[:-1]),
    "a signature longer by a byte": lambda good: good.resigned(lambda s: s + b"\x00"),
    "a signature with a byte before it": lambda good: good.resigned(lambda s: b"\x00" + s),
    "a signature with wider numbers": lambda good: good.resigned(
        lambda s: bytes(16) + s[:_BYTES] + bytes(16) + s[_BYTES:]
    ),
    "a signature with one bit turned": lambda good: good.resigned(lambda s: bytes([s[0] ^ 1]) + s[1:]),
    "a signature in DER": _der,
    "a signature of 8,000 bytes": lambda good: good.resigned(lambda _: b"x" * 8_000),
    "another key's signature": lambda good: good.other_key().text(),
    "the signature of another text": lambda good: ".".join([*good.parts()[:2], good.with_claims(x=1).split(".")[2]]),
    "claims exchanged under the signature": lambda good: ".".join(
        [good.parts()[0], good.with_claims(x=1).split(".")[1], good.parts()[2]]
    ),
    "a hash for a signature": lambda good: good.resigned(lambda _: hashlib.sha512(good.text().encode()).digest()),
}

SHAPES: dict[str, Bad] = {
    "nothing": lambda _: "",
    "a dot": lambda _: ".",
    "two dots": lambda _: "..",
    "four dots": lambda _: "....",
    "a word": lambda _: "assertion",
    "two parts": lambda good: ".".join(good.parts()[:2]),
    "four parts": lambda good: good.text() + ".",
    "five parts, as encrypted ones": lambda good: good.text() + ".e30.e30",
    "an empty header": lambda good: "." + ".".join(good.parts()[1:]),
    "empty claims": lambda good: "..".join(good.parts()[::2]),
    "a space before it": lambda good: " " + good.text(),
    "a space behind it": lambda good: good.text() + " ",
    "a tab within it": lambda good: good.text().replace(".", ".\t", 1),
    "a word before it": lambda good: "DPoP " + good.text(),
    "quotes around it": lambda good: f'"{good.text()}"',
    "it twice with a comma": lambda good: f"{good.text()},{good.text()}",
    "it twice with a space": lambda good: f"{good.text()} {good.text()}",
    "padding": lambda good: good.text() + "=",
    "padding of each part": lambda good: ".".join(part + "=" * (-len(part) % 4 or 4) for part in good.parts()),
    "the other alphabet": lambda good: good.text()[:-2] + "+/",
    "a sign of no alphabet": lambda good: good.text()[:-1] + "!",
    "an escape": lambda good: good.text().replace(".", "%2E"),
    "letters of another script": lambda good: good.text().replace("e", "\xe9"),
    "JSON instead of the compact form": _as_json,
    "16,000 dots": lambda _: "." * 16_000,
    "60,000 letters": lambda _: "A" * 60_000,
    "three parts of 20,000 letters": lambda _: ".".join(["A" * 20_000] * 3),
    "an unsigned JWT from a book": lambda _: "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UifQ.",
    "a query": lambda good: f"?{good.text()}",
    "lower case": lambda good: good.text().lower(),
}

EVERYWHERE: dict[str, Bad] = {**ALGORITHMS, **HEADERS, **CLAIMS, **SIGNATURES, **SHAPES}
"""What is wrong wherever a JWT is taken."""
