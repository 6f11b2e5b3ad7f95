"""Canonical JSON, sealing, digests and pairwise ids."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.crypto.digests import base64url, canonical_json, digest, new_secret
from broker.crypto.pairwise import PairwiseIds
from broker.crypto.sealing import Sealer
from broker.errors import ConfigurationInvalid
from tests.support.core import KEY

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


def test_keys_are_ordered_by_utf16_code_units() -> None:
    # RFC 8785 §3.2.3: an astral character begins with a surrogate (D800-DFFF) and comes before U+FB33.
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    expected = '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'
    assert canonical_json(value) == expected.encode()


def test_texts_are_escaped_no_more_than_needed() -> None:
    # RFC 8785 §3.2.2.2
    assert (
        canonical_json('\u20ac$\u000f\nA\'B"\\\\"/\u007f\u2028')
        == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f\u2028"'.encode()
    )


@given(VALUES)
def test_one_value_has_one_form_that_reads_back(value: Any) -> None:
    written = canonical_json(value)
    assert json.loads(written) == value
    assert canonical_json(json.loads(written)) == written


def test_the_order_of_insertion_does_not_show() -> None:
    assert canonical_json({"b": [{"d": 1, "c": 2}], "a": None}) == canonical_json({"a": None, "b": [{"c": 2, "d": 1}]})


@pytest.mark.parametrize("value", [1.0, [0.5], {"x": float("nan")}, Decimal(1), b"x", {1, 2}, ({"x": (1.5,)},)])
def test_what_has_no_exact_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError):
        canonical_json({1: 2})


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        canonical_json({"x": "\ud800"})


def test_a_secret_names_itself_and_has_256_bits() -> None:
    secrets = {new_secret("at") for _ in range(50)}
    assert len(secrets) == 50
    assert all(len(secret) == len("bkr_at_") + 43 and secret.startswith("bkr_at_") for secret in secrets)


def test_a_digest_takes_any_text_and_base64url_has_no_padding() -> None:
    assert len(digest("\udcff")) == 32
    assert digest("a") != digest("A")
    assert base64url(b"\xff\xfe\xfd\xfc") == "__79_A"


@given(st.binary(max_size=64), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_what_is_sealed_opens_under_its_context(plain: bytes, context: str) -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(plain, context)
    assert sealer.open(sealed, context) == plain
    assert sealed != sealer.seal(plain, context)
    assert plain == b"" or len(plain) < 4 or plain not in sealed


def test_a_sealed_value_opens_under_no_other_context_or_key() -> None:
    sealed = Sealer(KEY).seal(b"secret", "users/1/name")
    for sealer, context in ((Sealer(KEY), "users/2/name"), (Sealer(KEY), ""), (Sealer(KEY[::-1]), "users/1/name")):
        with pytest.raises(ConfigurationInvalid, match="does not open"):
            sealer.open(sealed, context)


def test_every_altered_bit_is_noticed() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(b"secret", "x")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(ConfigurationInvalid):
            sealer.open(bytes(altered), "x")


@pytest.mark.parametrize("length", [0, 13, 20, -1])
def test_a_shortened_value_is_noticed(length: int) -> None:
    sealer = Sealer(KEY)
    with pytest.raises(ConfigurationInvalid):
        sealer.open(sealer.seal(b"secret", "x")[:length], "x")


@pytest.mark.parametrize("length", [1, 5, 8])
def test_a_value_cut_off_in_its_nonce_is_noticed(length: int) -> None:
    sealer = Sealer(KEY)
    with pytest.raises(ConfigurationInvalid):
        sealer.open(sealer.seal(b"secret", "x")[:length], "x")


def test_an_id_is_the_same_for_one_platform_and_another_for_the_next() -> None:
    ids = PairwiseIds(KEY)
    one = ids.of("account", "messenger", "harbor", "sub", "ref-1")
    assert one == PairwiseIds(KEY).of("account", "messenger", "harbor", "sub", "ref-1")
    assert len(one) == 22
    others = [
        ids.of("account", "rival", "harbor", "sub", "ref-1"),
        ids.of("subject", "messenger", "harbor", "sub", "ref-1"),
        ids.of("account", "messenger", "harbor", "sub", "ref-2"),
        ids.of("account", "messenger", "harborsub", "ref-1"),
        ids.of("account", "messenger", "harbor", "subref-1"),
        ids.of("account", "messenger", "harbor", "sub", "ref-1", ""),
        PairwiseIds(KEY[::-1]).of("account", "messenger", "harbor", "sub", "ref-1"),
    ]
    assert len({one, *others}) == 8


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), min_size=1, max_size=4))
def test_names_cannot_be_shifted_into_each_other(names: list[str]) -> None:
    ids = PairwiseIds(KEY)
    joined = ["".join(names)]
    assert (ids.of("k", "p", *names) == ids.of("k", "p", *joined)) is (names == joined)
