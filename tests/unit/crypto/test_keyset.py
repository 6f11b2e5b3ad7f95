"""The key file: private, whole, never overwritten, never defaulted (invariant 7)."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from broker.crypto import key_file, log_keys
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.errors import ConfigurationInvalid
from tests.support.core import NOON


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "new" / "keys.json"
    generate_keyset(file, NOON)
    return file


def test_a_new_key_file_is_its_owners_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    keys = load_keyset(path)
    symmetric = {keys.sealing, keys.pairwise, keys.subject, keys.cookie}
    assert len(symmetric) == 4
    assert {len(key) for key in symmetric} == {32}


def test_two_key_files_have_nothing_in_common(path: Path, tmp_path: Path) -> None:
    generate_keyset(tmp_path / "other.json", NOON)
    first, second = load_keyset(path), load_keyset(tmp_path / "other.json")
    assert first.sealing != second.sealing
    assert first.assertion.thumbprint() != second.assertion.thumbprint()


def test_keys_are_never_overwritten(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ConfigurationInvalid, match="cannot be created"):
        generate_keyset(path, NOON)
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationInvalid, match="cannot be created"):
        generate_keyset(tmp_path / "file" / "keys.json", NOON)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o777])
def test_a_key_file_that_is_open_to_others_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(ConfigurationInvalid, match="0600"):
        load_keyset(path)


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="broker keys generate"):
        load_keyset(tmp_path / "keys.json")


DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a missing key": lambda keys: keys.pop("cookie"),
    "a short key": lambda keys: keys.update(cookie="c2hvcnQ="),
    "no base64": lambda keys: keys.update(cookie="!" * 44),
    "no text": lambda keys: keys.update(cookie=5),
    "another version": lambda keys: keys.update(version=2),
    "no version": lambda keys: keys.pop("version"),
    "no assertion key": lambda keys: keys.pop("assertion"),
    "an assertion that is a number": lambda keys: keys.update(assertion=5),
    "an assertion with a false point": lambda keys: keys["assertion"].update(x="AAAA"),
}
NOT_YET: dict[str, Callable[[dict[str, Any]], Any]] = {
    "an assertion of another kind": lambda keys: keys.update(assertion=RSAKey.generate_key(2048).as_dict(private=True)),
    "an assertion without its curve": lambda keys: keys["assertion"].pop("crv"),
    "an empty assertion": lambda keys: keys.update(assertion={}),
    "a public assertion key": lambda keys: keys["assertion"].pop("d"),
    "an assertion on another curve": lambda keys: keys.update(
        assertion=ECKey.generate_key("P-384").as_dict(private=True)
    ),
}


@pytest.mark.parametrize("damage", list(NOT_YET))
def test_a_damaged_assertion_key_is_refused(path: Path, damage: str) -> None:
    keys = json.loads(path.read_text())
    NOT_YET[damage](keys)
    path.write_text(json.dumps(keys))
    with pytest.raises(ConfigurationInvalid):
        load_keyset(path)


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_key_file_is_refused(path: Path, damage: str) -> None:
    keys = json.loads(path.read_text())
    DAMAGES[damage](keys)
    path.write_text(json.dumps(keys))
    with pytest.raises(ConfigurationInvalid, match=r"damaged|version"):
        load_keyset(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"null", b"\xff\xfe", b'"x"'])
def test_a_file_that_is_no_key_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigurationInvalid, match="damaged"):
        load_keyset(path)


def test_banks_get_the_public_key_only(path: Path) -> None:
    public = load_keyset(path).public_jwks()["keys"]
    assert len(public) == 1
    assert "d" not in public[0]
    assert public[0]["kid"]


def test_a_client_assertion_lives_for_a_minute_and_is_never_the_same(path: Path) -> None:
    keys = load_keyset(path)
    texts = [keys.client_assertion("broker", "https://bank.example", NOON) for _ in range(2)]
    claims = [jwt.decode(text, keys.assertion, algorithms=["ES256"]).claims for text in texts]
    assert claims[0]["jti"] != claims[1]["jti"]
    assert (claims[0]["iss"], claims[0]["sub"], claims[0]["aud"]) == ("broker", "broker", "https://bank.example")
    assert claims[0]["exp"] - claims[0]["iat"] == 60


def test_a_rotation_has_two_log_keys_for_a_while_and_then_the_new_one(path: Path) -> None:
    (old,) = load_keyset(path).log
    assert log_keys.begin_next(path)
    new, beside = load_keyset(path).log
    assert beside.private_bytes_raw() == old.private_bytes_raw() != new.private_bytes_raw()
    assert not log_keys.begin_next(path)
    assert len(load_keyset(path).log) == 2
    assert log_keys.end_last(path)
    assert [key.private_bytes_raw() for key in load_keyset(path).log] == [new.private_bytes_raw()]
    assert load_keyset(path).retired_log == (old.public_key().public_bytes_raw(),)
    assert not log_keys.end_last(path)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("missing", [("log", "signing"), ("log",), ("signing",)], ids=" and ".join)
def test_a_key_file_of_an_earlier_version_is_refused_until_it_has_every_key(
    path: Path, missing: tuple[str, ...]
) -> None:
    before = load_keyset(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    for name in missing:
        del content[name]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match="broker keys upgrade"):
        load_keyset(path)
    assert key_file.add_missing(path, NOON)
    assert not key_file.add_missing(path, NOON)
    after = load_keyset(path)
    assert after.sealing == before.sealing
    assert ("log" in missing) is (after.log[0].private_bytes_raw() != before.log[0].private_bytes_raw())
    assert ("signing" in missing) is (after.signing.public_jwks() != before.signing.public_jwks())


@pytest.mark.parametrize("log", [[], ["x"], ["AAAA"], [1], "no list", None, {"a": 1}])
def test_log_keys_that_are_none_are_refused(path: Path, log: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"log": log}), encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match="keys-unusable"):
        load_keyset(path)


P384 = ECKey.generate_key("P-384", auto_kid=True).as_dict(private=True)
NAMELESS = ECKey.generate_key("P-256").as_dict(private=True)
SIGNING: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "none": lambda keys: keys.clear(),
    "three": lambda keys: keys.extend([keys[0], keys[0]]),
    "no key": lambda keys: keys[0].pop("jwk"),
    "a public key": lambda keys: keys[0]["jwk"].pop("d"),
    "another curve": lambda keys: keys[0].update(jwk=P384),
    "no id": lambda keys: keys[0].update(jwk=NAMELESS),
    "no instant": lambda keys: keys[0].pop("signs_from"),
    "an instant that is none": lambda keys: keys[0].update(signs_from="soon"),
    "an instant that is a number": lambda keys: keys[0].update(signs_from=5),
}


@pytest.mark.parametrize("damage", list(SIGNING))
def test_signing_keys_that_are_none_are_refused(path: Path, damage: str) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    SIGNING[damage](content["signing"])
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match="keys-unusable"):
        load_keyset(path)


@pytest.mark.parametrize("content", ["", "{", "[]", "5"])
def test_a_file_that_is_no_key_file_gets_no_key(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match="keys-unusable"):
        key_file.add_missing(path, NOON)
