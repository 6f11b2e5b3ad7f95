"""What the broker signs for clients: which key signs when, what is published, and who can verify it.

The signatures are verified with another implementation of JOSE than the broker's own.
"""

from datetime import datetime, timedelta
from pathlib import Path

import jwskate
import pytest

from broker.crypto import signing_keys
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.crypto.signing import SigningKeys, new_signing_key
from broker.crypto.signing_keys import AHEAD, SigningKeyFile
from broker.errors import ConfigurationInvalid
from tests.support.core import NOON

_MINUTE = timedelta(minutes=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "keys.json"
    generate_keyset(file, NOON)
    return file


def signer_of(keys: SigningKeys, now: datetime) -> str:
    """Return the id of the key that signs at this instant."""
    return str(jwskate.SignedJwt(keys.sign({}, typ="JWT", now=now)).kid)


def test_what_is_signed_says_its_type_and_is_verified_by_the_published_keys(path: Path) -> None:
    keys = load_keyset(path).signing
    token = jwskate.SignedJwt(keys.sign({"iss": "us", "n": 1}, typ="example+jwt", now=NOON))
    assert (token.headers["alg"], token.typ, token.claims) == ("ES256", "example+jwt", {"iss": "us", "n": 1})
    (published,) = keys.public_jwks()["keys"]
    assert token.verify_signature(jwskate.Jwk(published), algs=["ES256"])
    assert token.kid == published["kid"] == jwskate.Jwk(published).thumbprint()
    assert (published["use"], published["alg"], "d" in published) == ("sig", "ES256", False)
    other = SigningKeys((new_signing_key(NOON),)).public_jwks()["keys"][0]
    assert not token.verify_signature(jwskate.Jwk(other), algs=["ES256"])


def test_the_next_key_is_published_at_once_and_signs_a_quarter_of_an_hour_later(path: Path) -> None:
    old = load_keyset(path).signing.keys[0].jwk.kid
    signs_from = signing_keys.begin_next(path, NOON)
    assert signs_from == NOON.replace(microsecond=0) + AHEAD
    keys = load_keyset(path).signing
    new, beside = (key["kid"] for key in keys.public_jwks()["keys"])
    assert (beside, new != old) == (old, True)
    assert signer_of(keys, signs_from - _MINUTE) == old
    assert signer_of(keys, signs_from) == new


def test_a_clock_that_was_put_back_silences_nobody(path: Path) -> None:
    old = load_keyset(path).signing.keys[0].jwk.kid
    signing_keys.begin_next(path, NOON)
    assert signer_of(load_keyset(path).signing, NOON - timedelta(days=900)) == old


def test_the_old_key_is_retired_only_when_nothing_that_it_signed_is_on_its_way(path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="none to retire"):
        signing_keys.end_last(path, NOON)
    signs_from = signing_keys.begin_next(path, NOON)
    with pytest.raises(ConfigurationInvalid, match="under way"):
        signing_keys.begin_next(path, NOON + AHEAD)
    with pytest.raises(ConfigurationInvalid, match=r"needed until 2026-.* UTC"):
        signing_keys.end_last(path, signs_from + AHEAD - _MINUTE)
    signing_keys.end_last(path, signs_from + AHEAD)
    keys = load_keyset(path).signing
    assert [key.signs_from for key in keys.keys] == [signs_from]
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_client_that_keeps_our_keys_for_five_minutes_ever_fails_to_verify(path: Path) -> None:
    ours = SigningKeyFile(path)  # one process that runs on while the file is changed beneath it
    kept: dict[int, tuple[datetime, jwskate.JwkSet]] = {}
    seen = set()
    for minute in range(75):
        now = NOON + minute * _MINUTE
        if minute == 10:
            signing_keys.begin_next(path, now)
        if minute == 40:
            signing_keys.end_last(path, now)
        token = jwskate.SignedJwt(ours.present().sign({}, typ="JWT", now=now))
        seen.add(token.kid)
        for offset in range(5):  # five clients, each with its own rhythm
            if offset not in kept or (minute - offset) % 5 == 0:
                kept[offset] = now, jwskate.JwkSet(ours.present().public_jwks())
            assert token.verify_signature(kept[offset][1], algs=["ES256"]), minute
    assert len(seen) == 2


def test_a_process_follows_the_file_and_keeps_what_it_knows_while_the_file_cannot_be_read(path: Path) -> None:
    ours = SigningKeyFile(path)
    before = ours.present().public_jwks()
    signing_keys.begin_next(path, NOON)
    both = ours.present().public_jwks()
    assert (len(before["keys"]), len(both["keys"])) == (1, 2)
    path.chmod(0o644)
    path.write_text("{", encoding="utf-8")
    assert ours.present().public_jwks() == both
    path.unlink()
    assert ours.present().public_jwks() == both
