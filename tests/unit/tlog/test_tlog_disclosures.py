"""Disclosures: one text, one digest; a leaf commits to them, and hostile ones are refused."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.tlog.disclosure import LARGEST_TEXT, Disclosure, check, decode, digest, encode
from broker.tlog.errors import Unverifiable

SALT = "AAECAwQFBgcICQoLDA0ODw"  # sixteen bytes, 0 to 15
ACCOUNTS = Disclosure(SALT, "accounts", ["acc-1", "acc-2"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    TEXTS | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
).filter(lambda value: len(str(value)) < 400)


def text_of(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_the_digest_is_that_of_the_compact_json() -> None:
    # printf '["AAECAwQFBgcICQoLDA0ODw","city","Zürich"]' | sha256sum, as base64url
    assert digest(Disclosure(SALT, "city", "Zürich")) == "m14w9Qk1MqL6IXpus1ThudsnSCxD6Q64nCjGf_YRWFc"


@given(st.lists(st.tuples(TEXTS.filter(bool), VALUES), max_size=5))
def test_disclosures_are_read_as_they_were_written_and_a_leaf_commits_to_them(pairs: list[tuple[str, Any]]) -> None:
    disclosures = [Disclosure(SALT, name, value) for name, value in dict(pairs).items()]
    found = decode(encode(disclosures))
    assert found == disclosures
    leaf = {"_sd": sorted(digest(disclosure) for disclosure in disclosures)}
    assert check(leaf, found) == dict(pairs)


def test_members_keep_the_order_that_they_were_given_in() -> None:
    one, other = (Disclosure(SALT, "context", value) for value in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert digest(one) != digest(other)
    assert list(decode(encode([other]))[0].value) == ["b", "a"]


def test_a_disclosure_that_the_leaf_does_not_commit_to_is_refused() -> None:
    leaf = {"_sd": [digest(ACCOUNTS)]}
    assert check(leaf, [ACCOUNTS]) == {"accounts": ["acc-1", "acc-2"]}
    assert check(leaf, []) == {}
    for forged in [
        ACCOUNTS._replace(value=["acc-1", "acc-3"]),
        ACCOUNTS._replace(value=["acc-2", "acc-1"]),
        ACCOUNTS._replace(name="customer"),
        ACCOUNTS._replace(salt="BBECAwQFBgcICQoLDA0ODw"),
    ]:
        with pytest.raises(Unverifiable, match="disclosure-unproven"):
            check(leaf, [forged])
    with pytest.raises(Unverifiable, match="disclosure-unproven"):
        check({}, [ACCOUNTS])
    with pytest.raises(Unverifiable, match="disclosure-malformed"):
        check({"_sd": digest(ACCOUNTS)}, [ACCOUNTS])


def test_a_name_is_disclosed_once() -> None:
    second = ACCOUNTS._replace(value=["acc-9"])
    leaf = {"_sd": [digest(ACCOUNTS), digest(second)]}
    with pytest.raises(Unverifiable, match="twice"):
        check(leaf, [ACCOUNTS, second])


DEEP: Any = "x"
for _ in range(9):
    DEEP = [DEEP]

BAD_VALUES = [1.5, 2**53, -(2**53), "\ud800", ["\udfff"], {"a": 0.5}, {1: "a"}, {"\ud800": 1}, DEEP, b"x"]


@pytest.mark.parametrize("value", BAD_VALUES, ids=lambda value: ascii(value)[:30])
def test_a_value_without_a_single_form_is_refused(value: Any) -> None:
    with pytest.raises(Unverifiable, match="disclosure-malformed"):
        encode([Disclosure(SALT, "name", value)])
    with pytest.raises(Unverifiable, match="disclosure-malformed"):
        check({"_sd": ["x"]}, [Disclosure(SALT, "name", value)])


@pytest.mark.parametrize(
    ("salt", "name"),
    [
        *[(salt, "a") for salt in ("", SALT[:-2], SALT + "==", SALT[:-1] + "x", SALT[:-1] + "é", 7)],
        *[(SALT, name) for name in ("", 7, "\ud800")],
    ],
)
def test_a_disclosure_has_a_salt_of_16_bytes_and_a_name(salt: Any, name: Any) -> None:
    with pytest.raises(Unverifiable, match="disclosure-malformed"):
        encode([Disclosure(salt, name, "value")])


HOSTILE = {
    "nothing": "",
    "no base64": "!!!!",
    "padding": text_of([]) + "==",
    "base64 not of URLs": "//8+",
    "unused bits": "W11",
    "not ASCII": "é",
    "not UTF-8": text_of(b'["\xff"]'),
    "UTF-16": text_of("[]".encode("utf-16")),
    "a byte order mark": text_of(b"\xef\xbb\xbf[]"),
    "no JSON": text_of(b"["),
    "two documents": text_of(b"[][]"),
    "an object": text_of({}),
    "a text": text_of("x"),
    "a number in the array": text_of([7]),
    "two parts": text_of([[SALT, "name"]]),
    "four parts": text_of([[SALT, "name", "value", 1]]),
    "a float": text_of([[SALT, "name", 1.0]]),
    "a large exponent": text_of(b'[["' + SALT.encode() + b'","name",1e999]]'),
    "not a number": text_of(b'[["' + SALT.encode() + b'","name",NaN]]'),
    "a number too long": text_of(b'[["' + SALT.encode() + b'","name",' + b"9" * 5000 + b"]]"),
    "minus zero": text_of(b'[["' + SALT.encode() + b'","name",-0]]'),
    "a space": text_of(b'[["' + SALT.encode() + b'", "name",1]]'),
    "an escape": text_of(b'[["' + SALT.encode() + b'","n\\u0061me",1]]'),
    "a member twice": text_of(b'[["' + SALT.encode() + b'","name",{"a":1,"a":2}]]'),
    "half a character": text_of(b'[["' + SALT.encode() + b'","name","\\ud800"]]'),
    "deep": text_of(b"[" * 10_000 + b"]" * 2_000),
    "too many": text_of([[SALT, f"n{number}", 1] for number in range(65)]),
    "too long": text_of([[SALT, "name", "x" * LARGEST_TEXT]]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_disclosures_are_refused(name: str) -> None:
    with pytest.raises(Unverifiable, match="disclosure-malformed"):
        decode(HOSTILE[name])


@given(st.binary(max_size=60))
def test_bytes_that_are_no_disclosures_are_refused(data: bytes) -> None:
    with pytest.raises(Unverifiable, match="disclosure-malformed"):
        decode(text_of(b"[[" + data))


def test_too_many_disclosures_are_not_written() -> None:
    with pytest.raises(Unverifiable, match="too many"):
        encode([ACCOUNTS._replace(name=f"n{number}") for number in range(65)])
