"""Signed notes: a text and the signatures under it (C2SP signed-note).

A text counts for nothing until a key that the reader already trusts has verified it.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from broker.tlog import keys
from broker.tlog.encoding import read_base64, read_text
from broker.tlog.errors import Unverifiable

LARGEST_NOTE = 64 * 1024  # bytes
MOST_SIGNATURES = 64  # the page asks for at least 16; each costs a verification
_MARK = "\u2014 "  # em dash, space
_ID_BYTES = 4
_CODE = "note-malformed"


class Signature(NamedTuple):
    """One signature line: who says to have signed, and the signature's bytes without the key id."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> bytes:
        """Return the line as it stands in a note, with its newline."""
        return f"{_MARK}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n".encode()


class Note(NamedTuple):
    """A note that nobody has verified yet; the text includes its final newline."""

    text: bytes
    signatures: tuple[Signature, ...]


class Verifier(Protocol):
    """A key that the reader trusts, under the name it signs with."""

    @property
    def name(self) -> str: ...

    @property
    def key_id(self) -> bytes: ...

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Tell whether this key has made this signature under the text."""
        ...


class Verified(NamedTuple):
    """A trusted key and its good signature."""

    verifier: Verifier
    signature: Signature

    @property
    def name(self) -> str:
        return self.signature.name


class Opened(NamedTuple):
    """A note with at least one good signature of a trusted key; each key stands here once."""

    text: bytes
    verified: tuple[Verified, ...]


@dataclass(frozen=True, slots=True)
class Ed25519Verifier:
    """Verifies plain Ed25519 signatures: of a log (type 0x01)."""

    name: str
    public_key: bytes
    key_id: bytes = field(init=False)
    _key: Ed25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keys.check_name(self.name)
        object.__setattr__(self, "key_id", keys.key_id(self.name, keys.ED25519, self.public_key))
        object.__setattr__(self, "_key", public_key_of(self.public_key))

    @classmethod
    def of_vkey(cls, text: str) -> "Ed25519Verifier":
        """Read a verifier key.

        Raises:
            Unverifiable: it is malformed or not an Ed25519 key for notes.
        """
        return cls(*keys.read_vkey(text, keys.ED25519))

    @property
    def vkey(self) -> str:
        """Return the verifier key that others are given."""
        return keys.vkey(self.name, keys.ED25519, self.public_key)

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Tell whether this key has made this signature under the text (RFC 8032)."""
        return is_signed(self._key, text, signature)


class Signer:
    """Signs notes with an Ed25519 key under a name (type 0x01)."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        """Raises Unverifiable when a key may not have this name."""
        self.verifier = Ed25519Verifier(name, key.public_key().public_bytes_raw())
        self._key = key

    @property
    def name(self) -> str:
        """Return the name that stands in the signature line."""
        return self.verifier.name

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that tell which key has signed."""
        return self.verifier.key_id

    @property
    def vkey(self) -> str:
        """Return the verifier key that others are given."""
        return self.verifier.vkey

    def sign(self, text: bytes) -> bytes:
        """Return one signature line, with its newline."""
        return Signature(self.name, self.key_id, self._key.sign(text)).line


def public_key_of(raw: bytes) -> Ed25519PublicKey:
    """Take the 32 bytes of an Ed25519 public key (RFC 8032).

    Raises:
        Unverifiable: they are not one.
    """
    try:
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        raise Unverifiable("key-malformed", "An Ed25519 public key has 32 bytes.") from None


def is_signed(key: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    """Tell whether the key has made this signature."""
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def parse_note(data: bytes) -> Note:
    """Cut a note into its text and its signatures, and verify nothing.

    Raises:
        Unverifiable: it is longer than 64 KiB, not UTF-8, holds control characters, no signature or more than 64, or a
            line under the last empty one is no signature.
    """
    read_text(data, limit=LARGEST_NOTE, code=_CODE, what="The note")
    text, gap, lines = data.rpartition(b"\n\n")
    if not gap:
        raise Unverifiable(_CODE, "The note has no empty line between its text and its signatures.")
    return Note(text + b"\n", parse_signatures(lines))


def parse_signatures(data: bytes) -> tuple[Signature, ...]:
    """Read signature lines, as under a note or in the answer of a witness.

    Raises:
        Unverifiable: there is none or more than 64, or a line is not exactly of the form that the page asks for.
    """
    lines = read_text(data, limit=LARGEST_NOTE, code=_CODE, what="The list of signatures").split("\n")
    if lines.pop() or not lines:  # what follows the last newline
        raise Unverifiable(_CODE, "There is no signature, or the last one does not end with a newline.")
    if len(lines) > MOST_SIGNATURES:
        raise Unverifiable(_CODE, f"There are more than {MOST_SIGNATURES} signatures.")
    return tuple(_read_signature(number, line) for number, line in enumerate(lines, 1))


def open_note(data: bytes, verifiers: Iterable[Verifier]) -> Opened:
    """Verify a note with the keys that the reader trusts; signatures of other keys are ignored.

    Raises:
        Unverifiable: it is malformed, no trusted key has signed it, or a signature in a trusted key's name and id is
            bad (then no other signature counts).
    """
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise Unverifiable("key-ambiguous", "Two trusted keys have the same name and the same id.")
    note = parse_note(data)
    verified: dict[tuple[str, bytes], Verified] = {}
    for signature in note.signatures:
        identity = (signature.name, signature.key_id)
        if identity not in known:
            continue
        if not known[identity].verify(note.text, signature.signature):
            raise Unverifiable("signature-invalid", "A signature of a trusted key does not verify.")
        verified.setdefault(identity, Verified(known[identity], signature))
    if not verified:
        raise Unverifiable("signature-missing", "No trusted key has signed this.")
    return Opened(note.text, tuple(verified.values()))


def sign_note(text: bytes, signers: Iterable[Signer]) -> bytes:
    """Sign a text that ends with a newline.

    Raises:
        Unverifiable: the text may not stand in a note, or nobody signs.
    """
    read_text(text, limit=LARGEST_NOTE, code=_CODE, what="The text of the note")
    lines = [signer.sign(text) for signer in signers]
    if not text.endswith(b"\n") or not lines:
        raise Unverifiable(_CODE, "A note needs a text that ends with a newline, and a signature.")
    return text + b"\n" + b"".join(lines)


def _read_signature(number: int, line: str) -> Signature:
    mark, name, encoded = line[: len(_MARK)], *line[len(_MARK) :].partition(" ")[::2]
    if mark != _MARK:
        raise Unverifiable(_CODE, f"Signature line {number} does not begin with an em dash and a space.")
    try:
        keys.check_name(name)
    except Unverifiable as error:
        raise Unverifiable(_CODE, f"Signature line {number}: {error.detail}") from None
    decoded = read_base64(encoded.encode(), code=_CODE, what=f"The signature in line {number}")
    if len(decoded) <= _ID_BYTES:
        raise Unverifiable(_CODE, f"Signature line {number} holds a key id and no signature.")
    return Signature(name, decoded[:_ID_BYTES], decoded[_ID_BYTES:])
