"""The pure parts of Messenger: what is understood, what is read from the broker, what is sealed."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.sandbox.messenger import records
from broker.sandbox.messenger.config import ConfigError
from broker.sandbox.messenger.grant import Granted, UnusableGrantError, read_granted
from broker.sandbox.messenger.intents import QUICK_REPLIES, Intent, understand
from broker.sandbox.messenger.keys import Seal, SealBrokenError, load_or_create
from broker.sandbox.messenger.merchants import in_words
from broker.sandbox.messenger.money import parse_amount
from broker.sandbox.messenger.records import BadAnswerError

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ELEMENT = {"type": "bank_data", "bank": "harbor", "duration_days": 90, "categories": [{"name": "balances"}]}
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("sentence", "meant"),
    [
        (QUICK_REPLIES[0], Intent.BALANCE),
        (QUICK_REPLIES[1], Intent.SPENDING),
        (QUICK_REPLIES[2], Intent.ENOUGH),
        (QUICK_REPLIES[3], Intent.PLACES),
        (QUICK_REPLIES[4], Intent.TRANSACTIONS),
        (QUICK_REPLIES[5], Intent.ACCOUNTS),
        ("Was my card used in Leeds, United Kingdom?", Intent.USED_THERE),
        ("Where was it used in May?", Intent.PLACES),
        ("WHAT IS THE BALANCE OF MY ACCOUNT", Intent.BALANCE),
        ("where did I spend?", Intent.SPENDING),
        ("please connect another bank", Intent.CONNECT),
        ("unbalanced everywhere", None),
        ("", None),
        ("¿¡!?", None),
    ],
)
def test_a_sentence_is_understood_by_whole_words_only(sentence: str, meant: Intent | None) -> None:
    assert understand(sentence) is meant


def test_a_grant_survives_its_storage() -> None:
    granted = read_granted([ELEMENT | {"accounts": ["a", "b"]}], NOW)
    assert Granted.from_json(granted.to_json()) == granted
    assert granted.ends_at == datetime(2027, 2, 20, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "details",
    [
        None,
        [],
        [ELEMENT, ELEMENT],
        [ELEMENT | {"type": "payment"}],
        [ELEMENT | {"categories": "balances"}],
        [ELEMENT | {"categories": [{"name": 7}]}],
        [ELEMENT | {"accounts": [".."]}],
        [ELEMENT | {"accounts": ["a"] * 101}],
        [ELEMENT | {"accounts": None}],
    ],
)
def test_a_grant_of_another_shape_is_refused(details: object) -> None:
    with pytest.raises(UnusableGrantError):
        read_granted(details, NOW)


@given(ANY_JSON)
def test_no_token_response_makes_the_reader_stumble(details: object) -> None:
    try:
        read_granted([details], NOW)
    except UnusableGrantError:
        return
    assert isinstance(details, dict)


@given(st.lists(ANY_JSON, min_size=1, max_size=2))
def test_no_api_answer_makes_the_readers_stumble(entries: list[object]) -> None:
    for read in (records.account, records.balance, records.transaction, records.place):
        with pytest.raises(BadAnswerError):
            records.read_all(entries, read)


@pytest.mark.parametrize("value", [1, 1.5, None, "", "1e5", "NaN", "1,5", "+1", " 1", "1.", "9" * 16, "\u0661"])
def test_only_plain_decimal_strings_are_amounts(value: object) -> None:
    with pytest.raises(ValueError, match="decimal string"):
        parse_amount(value)


def test_an_amount_keeps_its_digits() -> None:
    assert parse_amount("-1234.50") == Decimal("-1234.50")


def test_control_and_direction_characters_never_reach_the_page() -> None:
    assert records.text({"x": "a\u202eb\x00\nc"}, "x") == "abc"


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("5411", "PAYMENT", "Groceries"),
        ("0742", "PAYMENT", "Pets"),
        ("5541", "PAYMENT", "Fuel"),
        ("9999", "PAYMENT", "Other shops and services"),
        ("x", "FEE", "Fees"),
        (None, "TRANSFER_OUTGOING", "Transfers out"),
        (None, "NEW_KIND", "Other"),
    ],
)
def test_merchant_categories_are_told_in_everyday_words(code: str | None, kind: str, words: str) -> None:
    assert in_words(code, kind) == words


def test_a_sealed_value_opens_only_in_its_own_place() -> None:
    seal = Seal(bytes(32))
    sealed = seal.close("token", "access:1")
    assert seal.open(sealed, "access:1") == "token"
    for broken in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:5], b""):
        with pytest.raises(SealBrokenError):
            seal.open(broken, "access:1")
    with pytest.raises(SealBrokenError):
        seal.open(sealed, "access:2")


def test_keys_are_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    keys = load_or_create(path)
    assert load_or_create(path) == keys
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="may be read by others"):
        load_or_create(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"cookie": "AA==", "seal": "AA==", "dpop": {}})])
def test_a_damaged_key_file_is_said_and_never_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError):
        load_or_create(path)
    assert path.read_text() == content
