"""DPoP proofs, check by check (RFC 9449 §4.3)."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from broker.edge.dpop import check_proof, normalised
from broker.errors import ProofRefused

NOW = datetime(2026, 11, 22, 12, 0, 0, 500_000, UTC)
URL = "http://localhost:8400/v1/accounts"
KEY, RSA = ECKey.generate_key("P-256"), RSAKey.generate_key(2048)
REGISTRY = JWSRegistry(
    algorithms=["ES256", "PS256", "Ed25519", "HS256", "RS256", "ES384", "none"], strict_check_header=False
)
REGISTRY.max_header_length = 100_000


def made(header: Any = None, key: Key = KEY, signed_with: Key | None = None, **claims: Any) -> str:
    """Make a proof; a member given as None is left out."""
    head = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False), **(header or {})}
    body = {"jti": "one", "htm": "GET", "htu": URL, "iat": int(NOW.timestamp()), **claims}
    head, body = ({k: v for k, v in part.items() if v is not None} for part in (head, body))
    return jwt.encode(head, body, signed_with or key, registry=REGISTRY)


def by_hand(header: bytes, claims: bytes, signature: bytes = b"x" * 64) -> str:
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, claims, signature))


def checked(*proofs: str, token: str | None = None, now: datetime = NOW, url: str = URL) -> Any:
    return check_proof(list(proofs), method="GET", url=url, access_token=token, now=now)


def is_refused(*proofs: str, **more: Any) -> bool:
    with pytest.raises(ProofRefused) as refusal:
        checked(*proofs, **more)
    return refusal.value.code == "dpop-proof-invalid"


def test_a_good_proof_tells_its_key_and_how_long_to_remember_it() -> None:
    proof = checked(made())
    assert proof.jkt == KEY.thumbprint()
    assert proof.claim.namespace == "dpop"
    assert proof.claim.expires_at >= NOW.replace(microsecond=0) + timedelta(seconds=120)


@pytest.mark.parametrize(("algorithm", "key"), [("PS256", RSA), ("Ed25519", OKPKey.generate_key())])
def test_the_other_algorithms_of_the_profile_are_accepted(algorithm: str, key: Key) -> None:
    assert checked(made({"alg": algorithm}, key)).jkt == key.thumbprint()


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_the_old_name_of_ed25519_is_accepted() -> None:
    key = OKPKey.generate_key()
    text = jwt.encode(
        {"alg": "EdDSA", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)},
        {"jti": "one", "htm": "GET", "htu": URL, "iat": int(NOW.timestamp())},
        key,
        algorithms=["EdDSA"],
    )
    assert checked(text).jkt == key.thumbprint()


def test_a_large_rsa_proof_and_unknown_members_are_accepted() -> None:
    text = made({"alg": "PS256", "x-more": "y" * 500}, RSA, more={"any": ["thing"]})
    assert checked(text).jkt == RSA.thumbprint()


def test_no_proof_is_told_apart_from_a_bad_one() -> None:
    with pytest.raises(ProofRefused) as refusal:
        checked()
    assert refusal.value.code == "dpop-proof-missing"


def test_two_headers_or_a_joined_one_are_refused() -> None:
    assert is_refused(made(), made())
    assert is_refused(f"{made()}, {made()}")


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "..", "é.b.c", "e30.e30.e30", "e30.e30", "W10.W10.W10"])
def test_what_is_no_jwt_is_refused(text: str) -> None:
    assert is_refused(text)


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        (b"[]", b"{}"),
        (b'"alg"', b"{}"),
        (b"7", b"{}"),
        (b"null", b"null"),
        (b'{"alg":["ES256"]}', b"{}"),
        (b'{"alg":"ES256","jwk":[]}', b"{}"),
        (b'{"alg":"ES256","jwk":{"kty":["EC"]}}', b"{}"),
        (b'{"alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":7,"y":{}}}', b"{}"),
        (b'{"alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}', b"{}"),
        (b'{"alg":"ES256","jwk":{"kty":"EC","crv":"nope","x":"AA","y":"AA"}}', b"{}"),
        (b'{"alg":"PS256","jwk":{"kty":"RSA","n":"AA","e":"AA"}}', b"{}"),
        (b'{"alg":"PS256","jwk":{"kty":"RSA","n":"","e":""}}', b"{}"),
        (b'{"alg":"Ed25519","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}}', b"{}"),
        (b'{"alg":"Ed25519","jwk":{"kty":"OKP","crv":"Ed25519","x":"====="}}', b"{}"),
        (b"[" * 2000, b"{}"),
        (b'{"alg":"ES256"}', b"[" * 9000),
        (b"\xff\xfe", b"{}"),
        (b'{"alg":"ES256"}', b'{"iat":' + b"9" * 5000 + b"}"),
        (b'{"alg":"ES256","x":"' + b"y" * 4000 + b'"}', b"{}"),
    ],
)
def test_hostile_parts_are_refused_without_an_accident(header: bytes, claims: bytes) -> None:
    assert is_refused(by_hand(header, claims))


@pytest.mark.parametrize("typ", [None, "JWT", "dpop", "DPOP+JWT"])
def test_another_type_is_refused(typ: str | None) -> None:
    header = {"alg": "ES256", "jwk": KEY.as_dict(private=False), **({"typ": typ} if typ else {})}
    claims = {"jti": "one", "htm": "GET", "htu": URL, "iat": int(NOW.timestamp())}
    assert is_refused(jwt.encode(header, claims, KEY, registry=REGISTRY, default_type=None))


def test_algorithms_outside_the_profile_are_refused() -> None:
    header = {"alg": "HS256", "jwk": KEY.as_dict(private=False)}
    assert is_refused(made({"alg": "RS256"}, RSA))
    assert is_refused(made(header, signed_with=OctKey.generate_key(256)))
    unsigned = by_hand(json.dumps({"alg": "none", "typ": "dpop+jwt"}).encode(), b"{}", b"")
    assert is_refused(unsigned)
    assert is_refused(made({"alg": "ES384"}, ECKey.generate_key("P-384")))


def test_weak_and_private_keys_are_refused() -> None:
    for size in (128, 2000):
        weak = {"kty": "RSA", "n": base64.urlsafe_b64encode(b"\xff" * size).rstrip(b"=").decode(), "e": "AQAB"}
        assert is_refused(made({"alg": "PS256", "jwk": weak}, RSA))
    assert is_refused(made({"jwk": KEY.as_dict(private=True)}))


def test_a_signature_of_another_key_or_for_another_algorithm_is_refused() -> None:
    assert is_refused(made(signed_with=ECKey.generate_key("P-256")))
    assert is_refused(made({"jwk": RSA.as_dict(private=False)}))
    head, body, _ = made().split(".")
    assert is_refused(f"{head}.{body}.")
    assert is_refused(f"{head}.{body}.{'A' * 86}")


def test_critical_headers_are_refused() -> None:
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": KEY.as_dict(private=False), "crit": ["x"], "x": 1}
    claims = {"jti": "one", "htm": "GET", "htu": URL, "iat": int(NOW.timestamp())}
    signed = by_hand(json.dumps(header).encode(), json.dumps(claims).encode()).rpartition(".")[0]
    signature = JWSRegistry.algorithms["ES256"].sign(signed.encode(), KEY)
    assert is_refused(f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}")


@pytest.mark.parametrize("method", [None, "POST", "get", 7, ["GET"]])
def test_another_method_is_refused(method: Any) -> None:
    assert is_refused(made(htm=method))


@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        [URL],
        "",
        "/v1/accounts",
        "http://localhost:8401/v1/accounts",
        "https://localhost:8400/v1/accounts",
        "http://user@localhost:8400/v1/accounts",
        "http://localhost:8400/v1/accounts/",
        "http://localhost:8400/v1/Accounts",
        "http://localhost:8400/v1/accounts%2F",
        "http://localhost:84000/v1/accounts",
        "http://[::1/v1/accounts",
        "http://localhost:8400/v1/accounts\n",
        "http://localhost:8400/v1/" + "a" * 3000,
    ],
)
def test_another_address_is_refused(url: Any) -> None:
    assert is_refused(made(htu=url))


@pytest.mark.parametrize(
    "url",
    [
        "HTTP://LOCALHOST:8400/v1/accounts",
        URL + "?page=2",
        URL + "#part",
        "http://localhost:8400/v1/%61ccounts",
        "http://localhost:8400/v1/x/../accounts",
        "http://localhost:8400/./v1/accounts",
    ],
)
def test_another_spelling_of_the_same_address_is_accepted(url: str) -> None:
    assert checked(made(htu=url))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.test:443/x", "https://a.test/x"),
        ("https://a.test", "https://a.test/"),
        ("https://a.test/%7ex/%2f", "https://a.test/~x/%2F"),
        ("https://a.test/x/..", "https://a.test/"),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]"),
    ],
)
def test_addresses_are_compared_in_one_form(one: str, other: str) -> None:
    assert normalised(one) == normalised(other) is not None


@pytest.mark.parametrize(("seconds", "is_good"), [(60, True), (61, False), (-9, True), (-11, False)])
def test_a_proof_is_good_for_a_minute(seconds: int, *, is_good: bool) -> None:
    text, now = made(), NOW.replace(microsecond=0) + timedelta(seconds=seconds)
    assert bool(checked(text, now=now)) if is_good else is_refused(text, now=now)


@pytest.mark.parametrize("iat", [None, "1", True, [], 10**400, -1, float("inf"), float("nan")])
def test_a_strange_time_is_refused(iat: Any) -> None:
    assert is_refused(made(iat=iat))


@pytest.mark.parametrize("jti", [None, "", 7, ["one"], "x" * 257])
def test_a_strange_jti_is_refused(jti: Any) -> None:
    assert is_refused(made(jti=jti))


def test_the_claim_tells_proofs_apart_by_key_address_and_jti() -> None:
    other = ECKey.generate_key("P-256")
    proofs = [checked(made()), checked(made(jti="two")), checked(made(key=other))]
    proofs.append(checked(made(htu=URL + "/1"), url=URL + "/1"))
    assert len({proof.claim.value for proof in proofs}) == 4
    assert checked(made(htu=URL + "?a=b")).claim.value == proofs[0].claim.value


def test_a_proof_without_the_digest_of_the_token_is_refused() -> None:
    ath = base64.urlsafe_b64encode(hashlib.sha256(b"bkr_at_x").digest()).rstrip(b"=").decode()
    assert checked(made(ath=ath), token="bkr_at_x")
    for wrong in (None, "", ath + "=", 7, "é", base64.urlsafe_b64encode(b"x" * 32).decode()):
        assert is_refused(made(ath=wrong), token="bkr_at_x")


def test_a_nonce_is_told_as_it_stands_in_the_proof() -> None:
    assert checked(made()).nonce is None
    assert checked(made(nonce="abc")).nonce == "abc"


@pytest.mark.parametrize("nonce", [1, True, ["abc"], {"nonce": "abc"}])
def test_a_nonce_that_is_no_text_is_refused(nonce: Any) -> None:
    assert is_refused(made(nonce=nonce))


@pytest.mark.parametrize("span", [{"nbf": 10}, {"exp": -10}, {"exp": 1}, {"nbf": -3600, "exp": 3600}, {"nbf": 0.4}])
def test_a_proof_may_say_from_when_and_until_when_it_is_good(span: dict[str, float]) -> None:
    assert checked(made(**{name: NOW.timestamp() + seconds for name, seconds in span.items()})).jkt


@pytest.mark.parametrize("span", [{"nbf": 11}, {"exp": -11}, {"nbf": 3600, "exp": 7200}])
def test_a_proof_that_is_not_good_yet_or_not_any_more_is_refused(span: dict[str, float]) -> None:
    assert is_refused(made(**{name: NOW.timestamp() + seconds for name, seconds in span.items()}))


@pytest.mark.parametrize("name", ["nbf", "exp"])
@pytest.mark.parametrize("value", ["1", True, [], {}, float("nan")])
def test_a_span_that_is_no_number_is_refused(name: str, value: Any) -> None:
    assert is_refused(made(**{name: value}))
