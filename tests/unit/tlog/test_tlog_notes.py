"""Signed notes and keys: exactly one form, trusted keys alone count, and a bad signature of one spoils the note."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.tlog.errors import Unverifiable
from broker.tlog.note import (
    LARGEST_NOTE,
    MOST_SIGNATURES,
    Ed25519Verifier,
    Signature,
    Signer,
    open_note,
    parse_note,
    parse_signatures,
    public_key_of,
    sign_note,
)
from tests.support.trees import cosigner, signer

TEXT = b"line one\n\nline two\n"
ALICE, BOB = signer("alice.example"), signer("bob.example", 3)
NOTE = sign_note(TEXT, [ALICE, BOB])
LINE = ALICE.sign(TEXT)
ENCODED = LINE.rpartition(b" ")[2].rstrip(b"\n")


def code_of(data: bytes, *verifiers: Ed25519Verifier) -> tuple[str, str]:
    with pytest.raises(Unverifiable) as caught:
        open_note(data, verifiers or (ALICE.verifier,))
    return caught.value.code, caught.value.detail


def with_lines(*lines: bytes) -> bytes:
    return TEXT + b"\n" + b"".join(lines)


def test_a_note_tells_its_text_and_which_trusted_keys_signed_it() -> None:
    opened = open_note(NOTE, [ALICE.verifier, BOB.verifier])
    assert opened.text == TEXT
    assert [found.name for found in opened.verified] == ["alice.example", "bob.example"]


def test_the_signature_of_an_unknown_key_is_ignored() -> None:
    strangers = [
        signer("mallory.example", 9).sign(TEXT),
        signer("alice.example", 9).sign(TEXT),  # the name of a known key, another id
        Signature("mallory.example", ALICE.key_id, b"same id, another name").line,
        Signature("mallory.example", b"1234", b"?").line,
        Signature("m" * 9_000, b"1234", bytes(2_428)).line,  # as large as the signatures of other types are
        cosigner("alice.example", 1).cosign(b"o\n0\n" + base64.b64encode(bytes(32)) + b"\n", 7),  # another type
    ]
    opened = open_note(with_lines(*strangers, LINE, *strangers), [ALICE.verifier])
    assert [found.verifier for found in opened.verified] == [ALICE.verifier]


def test_without_a_trusted_key_a_note_counts_for_nothing() -> None:
    assert code_of(NOTE, signer("carol.example", 5).verifier)[0] == "signature-missing"
    with pytest.raises(Unverifiable, match="signature-missing"):
        open_note(NOTE, [])


@pytest.mark.parametrize("order", [0, 1])
def test_a_bad_signature_of_a_trusted_key_spoils_the_note(order: int) -> None:
    forged = Signature("bob.example", BOB.key_id, bytes(64)).line
    lines = (LINE, forged) if order else (forged, LINE)
    assert code_of(with_lines(*lines), ALICE.verifier, BOB.verifier)[0] == "signature-invalid"
    assert open_note(with_lines(*lines), [ALICE.verifier]).text == TEXT  # of an unknown key it does not


@pytest.mark.parametrize("length", [1, 63, 65, 128])
def test_a_signature_of_another_length_is_bad(length: int) -> None:
    line = Signature("alice.example", ALICE.key_id, bytes(length)).line
    assert code_of(with_lines(line))[0] == "signature-invalid"


def test_a_key_that_signed_twice_counts_once() -> None:
    assert len(open_note(with_lines(LINE, LINE), [ALICE.verifier]).verified) == 1
    spoiled = with_lines(LINE, Signature("alice.example", ALICE.key_id, bytes(64)).line)
    assert code_of(spoiled)[0] == "signature-invalid"


def test_many_signatures_are_read_and_too_many_are_refused() -> None:
    def strangers(count: int) -> bytes:
        return with_lines(*(signer(f"s{number}.example", number + 1).sign(TEXT) for number in range(count)), LINE)

    assert len(parse_note(strangers(16)).signatures) == 17
    assert open_note(strangers(MOST_SIGNATURES - 1), [ALICE.verifier]).text == TEXT
    assert "more than 64" in code_of(strangers(MOST_SIGNATURES))[1]


def test_any_other_byte_spoils_the_note() -> None:
    trusted = [ALICE.verifier, BOB.verifier]
    good = {found.signature for found in open_note(NOTE, trusted).verified}
    for place in range(len(NOTE)):
        changed = bytes(byte ^ (number == place) for number, byte in enumerate(NOTE))
        try:
            opened = open_note(changed, trusted)
        except Unverifiable:
            continue
        # A changed name or id makes one signature a stranger's; then the other still stands for the same text.
        assert opened.text == TEXT
        assert {found.signature for found in opened.verified} < good


@pytest.mark.parametrize("length", range(0, len(NOTE), 7))
def test_a_note_that_is_cut_off_is_refused(length: int) -> None:
    cut = NOTE[:length]
    if cut.endswith(LINE):
        return
    assert code_of(cut)[0] == "note-malformed"


MALFORMED = {
    "nothing": (b"", "no empty line"),
    "no signature": (TEXT + b"\n", "line two"),
    "no gap": (TEXT + LINE, "does not begin"),
    "carriage returns": (NOTE.replace(b"\n", b"\r\n"), "control character"),
    "a tab": (NOTE.replace(b"line one", b"line\tone"), "control character"),
    "a zero byte": (NOTE + b"\x00", "control character"),
    "not UTF-8": (NOTE.replace(b"one", b"\xff\xfe"), "not UTF-8"),
    "a surrogate": (NOTE.replace(b"one", b"\xed\xa0\x80"), "not UTF-8"),
    "an overlong form": (NOTE.replace(b"one", b"\xc0\xaf"), "not UTF-8"),
    "no last newline": (NOTE[:-1], "newline"),
    "a line after the signatures": (NOTE + b"more\n", "line 3 does not begin"),
    "an empty line after the signatures": (NOTE + b"\n", "no signature"),
    "an en dash": (NOTE.replace("\u2014".encode(), "\u2013".encode()), "em dash"),
    "two hyphens": (NOTE.replace("\u2014".encode(), b"--"), "em dash"),
    "an escaped em dash": (NOTE.replace("\u2014".encode(), b"\\u2014"), "em dash"),
    "a space before the dash": (with_lines(b" " + LINE), "em dash"),
    "no space after the dash": (with_lines(LINE.replace(b" ", b"", 1)), "em dash"),
    "two spaces after the dash": (with_lines(LINE.replace(b" ", b"  ", 1)), "name of a key"),
    "no name": (with_lines(LINE.replace(b"alice.example ", b" ")), "name of a key"),
    "a plus in the name": (with_lines(LINE.replace(b"alice", b"al+ice")), "name of a key"),
    "a no-break space in the name": (with_lines(LINE.replace(b"alice", "al\u00a0ice".encode())), "name of a key"),
    "a third part": (with_lines(LINE[:-1] + b" x\n"), "base64"),
    "no signature after the name": (with_lines("\u2014 alice.example\n".encode()), "base64"),
    "no padding": (with_lines(LINE.replace(ENCODED, ENCODED.rstrip(b"="))), "base64"),
    "base64 of URLs": (with_lines(LINE.replace(ENCODED, b"-_-_-_-_")), "base64"),
    "bits that are not zero": (with_lines(LINE.replace(ENCODED, b"AAAAAAB=")), "base64"),
    "an id without a signature": (with_lines(LINE.replace(ENCODED, b"AAAAAA==")), "no signature"),
    "too long": (b"x" * LARGEST_NOTE + b"\n" + NOTE, "longer than 65536"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_note_is_refused_and_the_detail_says_why(name: str) -> None:
    data, word = MALFORMED[name]
    code, detail = code_of(data)
    assert code == "note-malformed"
    assert word in detail or name == "no signature"


def test_the_text_is_what_stands_before_the_last_empty_line() -> None:
    text = b"a\n\nb\n\n\nc\n"
    assert parse_note(sign_note(text, [ALICE])).text == text


@given(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), max_size=60))
def test_any_text_without_control_characters_may_be_signed(words: str) -> None:
    text = words.encode() + b"\n"
    assert open_note(sign_note(text, [ALICE]), [ALICE.verifier]).text == text


@given(st.binary(max_size=300))
def test_bytes_that_nobody_signed_are_refused(data: bytes) -> None:
    assert code_of(data)[0] in {"note-malformed", "signature-missing"}


@pytest.mark.parametrize("text", [b"", b"no newline", b"a\r\n", b"a\tb\n", b"\xff\n", b"x" * LARGEST_NOTE + b"\n"])
def test_what_may_not_stand_in_a_note_is_not_signed(text: bytes) -> None:
    with pytest.raises(Unverifiable, match="note-malformed"):
        sign_note(text, [ALICE])


def test_a_note_is_not_made_without_a_signature() -> None:
    with pytest.raises(Unverifiable, match="note-malformed"):
        sign_note(TEXT, [])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\x00b"])
def test_a_key_may_not_have_every_name(name: str) -> None:
    with pytest.raises(Unverifiable, match="key-malformed"):
        Signer(name, ALICE._key)


def test_a_verifier_key_is_read_as_it_was_written() -> None:
    assert Ed25519Verifier.of_vkey(ALICE.vkey) == ALICE.verifier
    assert Ed25519Verifier.of_vkey(ALICE.vkey).vkey == ALICE.vkey


def test_a_verifier_key_of_another_form_is_refused() -> None:
    name, identity, encoded = ALICE.vkey.split("+", 2)
    for vkey in [
        "",
        name,
        f"{name}+{identity}",
        f"+{identity}+{encoded}",
        f"{name} +{identity}+{encoded}",
        f"{name}+{identity.upper()}+{encoded}" if identity.upper() != identity else f"{name}+{encoded}",
        f"{name}+00000000+{encoded}",
        f"other+{identity}+{encoded}",
        f"{name}+{identity}+{encoded[:-4]}",
        f"{name}+{identity}+{encoded}=",
        f"{name}+{identity}+{encoded}\n",
        f"{name}+{identity}+{'A' * 101}",
        cosigner().vkey,
    ]:
        with pytest.raises(Unverifiable, match="key-malformed"):
            Ed25519Verifier.of_vkey(vkey)
    with pytest.raises(Unverifiable, match="key-malformed"):
        public_key_of(bytes(31))


def test_two_trusted_keys_that_cannot_be_told_apart_are_refused() -> None:
    class Twin:
        name, key_id = ALICE.name, ALICE.key_id

        def verify(self, _text: bytes, _signature: bytes) -> bool:
            return True

    with pytest.raises(Unverifiable, match="key-ambiguous"):
        open_note(NOTE, [ALICE.verifier, Twin()])
    assert open_note(NOTE, [ALICE.verifier, ALICE.verifier]).text == TEXT


def test_signature_lines_alone_are_read_as_they_were_written() -> None:
    (found,) = parse_signatures(LINE)
    assert found.line == LINE
    with pytest.raises(Unverifiable, match="note-malformed"):
        parse_signatures(b"")
