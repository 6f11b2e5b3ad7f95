"""What is wrong with a JWT at one place alone: in an assertion, in a proof, in a request object, in a key set."""

import secrets
from collections.abc import Mapping
from typing import Any

from tests.support.edge import BASE
from tests.support.jose_corpus import Bad, Good, b64, raw

_LONG = 3_600


def with_jwk(good: Good, jwk: Any) -> str:
    """A proof that names this key, signed by the good one."""
    return good.of_bytes(raw({**good.header, "jwk": jwk}), raw(good.claims))


def _at(good: Good, name: str, seconds: float) -> str:
    return good.with_claims(**{name: good.claims["iat"] + seconds})


ASSERTION: dict[str, Bad] = {
    "aud as a list of one": lambda good: good.with_claims(aud=[BASE]),
    "aud as a list of two": lambda good: good.with_claims(aud=[BASE, "https://evil.example"]),
    "aud with a slash": lambda good: good.with_claims(aud=f"{BASE}/"),
    "aud of the token endpoint": lambda good: good.with_claims(aud=f"{BASE}/oauth/token"),
    "aud of the PAR endpoint": lambda good: good.with_claims(aud=f"{BASE}/oauth/par"),
    "aud in capitals": lambda good: good.with_claims(aud=BASE.upper()),
    "aud of another server": lambda good: good.with_claims(aud="https://evil.example"),
    "aud that is an object": lambda good: good.with_claims(aud={"iss": BASE}),
    "no aud": lambda good: good.with_claims(aud=None),
    "aud twice": lambda good: good.of_bytes(raw(good.header), b'{"aud":"x",' + raw(good.claims)[1:]),
    "iss of another client": lambda good: good.with_claims(iss="ledgerly"),
    "no iss": lambda good: good.with_claims(iss=None),
    "sub of another client": lambda good: good.with_claims(sub="ledgerly"),
    "iss and sub of another client": lambda good: good.with_claims(iss="ledgerly", sub="ledgerly"),
    "sub of an unknown client": lambda good: good.with_claims(sub="nobody", iss="nobody"),
    "sub with SQL": lambda good: good.with_claims(sub="' OR 1=1--", iss="' OR 1=1--"),
    "sub with a NUL": lambda good: good.with_claims(sub="mess\x00enger"),
    "sub that is a list": lambda good: good.with_claims(sub=["messenger"]),
    "no sub": lambda good: good.with_claims(sub=None),
    "no exp": lambda good: good.with_claims(exp=None),
    "exp that is text": lambda good: good.with_claims(exp=str(good.claims["exp"])),
    "exp that is true": lambda good: good.with_claims(exp=True),
    "exp of infinity": lambda good: good.with_claims(exp=float("inf")),
    "exp in a year": lambda good: _at(good, "exp", 365 * 86_400),
    "exp a minute ago": lambda good: _at(good, "exp", -60),
    "exp before time began": lambda good: good.with_claims(exp=-1),
    "nbf 90 s ahead": lambda good: _at(good, "nbf", 90),
    "nbf that is text": lambda good: good.with_claims(nbf="now"),
    "typ of a proof": lambda good: good.with_header(typ="dpop+jwt"),
    "typ of a request object": lambda good: good.with_header(typ="oauth-authz-req+jwt"),
    "kid of no key": lambda good: good.with_header(kid="another"),
    "kid with a path": lambda good: good.with_header(kid="../../../../dev/null"),
    "kid that is a list": lambda good: good.with_header(kid=[good.header["kid"]]),
    "a key of its own in jwk": lambda good: good.other_key().with_header(jwk=good.other_key().jwk()),
    "a key of its own in jwk, no kid": lambda good: good.other_key().with_header(jwk=good.other_key().jwk(), kid=None),
    "keys behind jku": lambda good: good.other_key().with_header(jku="http://127.0.0.1:9/jwks.json"),
    "a certificate behind x5u": lambda good: good.other_key().with_header(x5u="http://127.0.0.1:9/x.pem"),
    "a certificate in x5c": lambda good: good.other_key().with_header(x5c=["MIIB"]),
}

PROOF: dict[str, Bad] = {
    "typ of a JWT": lambda good: good.with_header(typ="JWT"),
    "no typ": lambda good: good.with_header(typ=None),
    "typ in capitals": lambda good: good.with_header(typ="DPOP+JWT"),
    "typ as a media type": lambda good: good.with_header(typ="application/dpop+jwt"),
    "no htm": lambda good: good.with_claims(htm=None),
    "htm of another method": lambda good: good.with_claims(htm="DELETE"),
    "htm in small letters": lambda good: good.with_claims(htm=str(good.claims["htm"]).lower()),
    "htm that is a list": lambda good: good.with_claims(htm=[good.claims["htm"]]),
    "htm with a space": lambda good: good.with_claims(htm=f"{good.claims['htm']} "),
    "no htu": lambda good: good.with_claims(htu=None),
    "htu of another path": lambda good: good.with_claims(htu=f"{BASE}/oauth/other"),
    "htu of another host": lambda good: good.with_claims(
        htu=str(good.claims["htu"]).replace("localhost", "evil.example")
    ),
    "htu of another port": lambda good: good.with_claims(htu=str(good.claims["htu"]).replace(":8400", ":8401")),
    "htu of another scheme": lambda good: good.with_claims(htu=str(good.claims["htu"]).replace("http", "https")),
    "htu without a host": lambda good: good.with_claims(htu=str(good.claims["htu"]).removeprefix(BASE)),
    "htu with a user": lambda good: good.with_claims(htu=str(good.claims["htu"]).replace("//", "//a@")),
    "htu in capitals": lambda good: good.with_claims(htu=str(good.claims["htu"]).upper()),
    "htu with a slash more": lambda good: good.with_claims(htu=f"{good.claims['htu']}/"),
    "htu with a segment more": lambda good: good.with_claims(htu=f"{good.claims['htu']}/x"),
    "htu that is a list": lambda good: good.with_claims(htu=[good.claims["htu"]]),
    "htu that is an object": lambda good: good.with_claims(htu={"href": good.claims["htu"]}),
    "htu that is a number": lambda good: good.with_claims(htu=7),
    "htu that is true": lambda good: good.with_claims(htu=True),
    "htu of 5,000 characters": lambda good: good.with_claims(htu=f"{BASE}/{'a' * 5_000}"),
    "htu with an open bracket": lambda good: good.with_claims(htu="http://[::1/oauth"),
    "htu with an impossible port": lambda good: good.with_claims(htu="http://localhost:99999/oauth"),
    "htu with a line end": lambda good: good.with_claims(htu=f"{good.claims['htu']}\n"),
    "no iat": lambda good: good.with_claims(iat=None),
    "iat 61 s ago": lambda good: _at(good, "iat", -61),
    "iat an hour ago": lambda good: _at(good, "iat", -_LONG),
    "iat 11 s ahead": lambda good: _at(good, "iat", 11),
    "iat before time began": lambda good: good.with_claims(iat=-1),
    "no jwk": lambda good: good.with_header(jwk=None),
    "a kid instead of a jwk": lambda good: good.with_header(jwk=None, kid="messenger"),
    "another key's jwk": lambda good: with_jwk(good, good.other_key().jwk()),
}

REQUEST_OBJECT: dict[str, Bad] = {
    "aud of another server": lambda good: good.with_claims(aud="https://evil.example"),
    "aud as a list without us": lambda good: good.with_claims(aud=["https://evil.example"]),
    "aud as an empty list": lambda good: good.with_claims(aud=[]),
    "aud as a list of lists": lambda good: good.with_claims(aud=[[BASE]]),
    "aud of the PAR endpoint": lambda good: good.with_claims(aud=f"{BASE}/oauth/par"),
    "no aud": lambda good: good.with_claims(aud=None),
    "iss of another client": lambda good: good.with_claims(iss="ledgerly"),
    "no iss": lambda good: good.with_claims(iss=None),
    "client_id of another client": lambda good: good.with_claims(client_id="ledgerly"),
    "no client_id": lambda good: good.with_claims(client_id=None),
    "sub, as an assertion has it": lambda good: good.with_claims(sub="messenger"),
    "a request within the request": lambda good: good.with_claims(request="e30.e30."),
    "a request_uri within the request": lambda good: good.with_claims(
        request_uri="urn:ietf:params:oauth:request_uri:x"
    ),
    "no nbf": lambda good: good.with_claims(nbf=None),
    "nbf 61 minutes ago": lambda good: _at(good, "nbf", -61 * 60),
    "nbf 90 s ahead": lambda good: _at(good, "nbf", 90),
    "nbf that is text": lambda good: good.with_claims(nbf="now"),
    "nbf that is true": lambda good: good.with_claims(nbf=True),
    "no exp": lambda good: good.with_claims(exp=None),
    "exp a minute ago": lambda good: _at(good, "exp", -60),
    "exp 61 minutes after nbf": lambda good: _at(good, "exp", 61 * 60),
    "exp that is text": lambda good: good.with_claims(exp="later"),
    "exp beyond all numbers": lambda good: good.with_claims(exp=10**400),
    "typ of a proof": lambda good: good.with_header(typ="dpop+jwt"),
    "typ of an assertion": lambda good: good.with_header(typ="client-authentication+jwt"),
    "kid of no key": lambda good: good.with_header(kid="another"),
    "a key of its own in jwk": lambda good: good.other_key().with_header(jwk=good.other_key().jwk(), kid=None),
    "keys behind jku": lambda good: good.other_key().with_header(jku="http://127.0.0.1:9/jwks.json"),
    "a state that is a list": lambda good: good.with_claims(state=["a", "b"]),
    "a state that is an object": lambda good: good.with_claims(state={"a": 1}),
    "a state that is true": lambda good: good.with_claims(state=True),
    "a state with a zero": lambda good: good.with_claims(state="a\x00b"),
    "details that are an object": lambda good: good.with_claims(authorization_details={"type": "bank_data"}),
}

_POINT = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_EC = {"kty": "EC", "crv": "P-256"}


def _rsa(bits: int, exponent: str = "AQAB") -> dict[str, str]:
    """A modulus of this many bits, odd; nobody knows its factors."""
    number = int.from_bytes(secrets.token_bytes((bits + 7) // 8)) | (1 << (bits - 1)) | 1
    return {"kty": "RSA", "n": b64((number % (1 << bits)).to_bytes((bits + 7) // 8)), "e": exponent}


def bad_keys(good: Mapping[str, str]) -> dict[str, Any]:
    """Return JWKs that nobody may use, each made of a good public key of P-256."""
    x, y = good["x"], good["y"]
    return {
        "a key that is null": None,
        "a key that is text": "EC",
        "a key that is a number": 5,
        "a key that is a list": [dict(good)],
        "a key that is empty": {},
        "a key without kty": {name: value for name, value in good.items() if name != "kty"},
        "kty in small letters": {**good, "kty": "ec"},
        "kty that is a list": {**good, "kty": ["EC"]},
        "kty that is a number": {**good, "kty": 1},
        "kty that is an object": {**good, "kty": {"EC": 1}},
        "a symmetric key": {"kty": "oct", "k": b64(b"k" * 32)},
        "a symmetric key that is empty": {"kty": "oct", "k": ""},
        "an unknown kind": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"},
        "a private key": {**good, "d": _POINT},
        "a private part of RSA": {**good, "p": "AQAB"},
        "a secret beside a public key": {**good, "k": "AAAA"},
        "no curve": {"kty": "EC", "x": x, "y": y},
        "the curve P-384": {**good, "crv": "P-384"},
        "the curve P-521": {**good, "crv": "P-521"},
        "the curve secp256k1": {**good, "crv": "secp256k1"},
        "the curve in small letters": {**good, "crv": "p-256"},
        "a curve that is a list": {**good, "crv": ["P-256"]},
        "an Edwards curve for EC": {**good, "crv": "Ed25519"},
        "no x": {**_EC, "y": y},
        "no y": {**_EC, "x": x},
        "x that is null": {**_EC, "x": None, "y": y},
        "x that is a number": {**_EC, "x": 7, "y": y},
        "x that is empty": {**_EC, "x": "", "y": y},
        "x that is short": {**_EC, "x": x[:8], "y": y},
        "x of another point": {**_EC, "x": y, "y": x},
        "x of 40,000 characters": {**_EC, "x": "A" * 3_000, "y": y},
        "x of no alphabet": {**_EC, "x": "!" * 43, "y": y},
        "the point at zero": {**_EC, "x": _POINT, "y": _POINT},
        "a point beyond the field": {**_EC, "x": b64(b"\xff" * 32), "y": b64(b"\xff" * 32)},
        "the curve Ed448": {"kty": "OKP", "crv": "Ed448", "x": b64(b"x" * 57)},
        "a key for agreement": {"kty": "OKP", "crv": "X25519", "x": b64(b"x" * 32)},
        "an Edwards key that is short": {"kty": "OKP", "crv": "Ed25519", "x": b64(b"x" * 31)},
        "an Edwards key that is long": {"kty": "OKP", "crv": "Ed25519", "x": b64(b"x" * 33)},
        "an Edwards key without x": {"kty": "OKP", "crv": "Ed25519"},
        "an RSA key of 512 bits": _rsa(512),
        "an RSA key of 1024 bits": _rsa(1024),
        "an RSA key of 2047 bits": _rsa(2047),
        "an RSA key of 16384 bits": _rsa(16_384),
        "an RSA key with the exponent 1": _rsa(2048, "AQ"),
        "an RSA key with an even exponent": _rsa(2048, "Ag"),
        "an RSA key with the exponent 0": _rsa(2048, "AA"),
        "an RSA key without exponent": {"kty": "RSA", "n": _rsa(2048)["n"]},
        "an RSA key with n of zero": {"kty": "RSA", "n": "AA", "e": "AQAB"},
        "an RSA key with n that is empty": {"kty": "RSA", "n": "", "e": "AQAB"},
        "an RSA key with n that is a list": {"kty": "RSA", "n": ["AA"], "e": "AQAB"},
    }
