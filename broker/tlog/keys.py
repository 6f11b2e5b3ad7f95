"""Names, key ids and verifier keys of those who sign notes (C2SP signed-note)."""

import base64
import hashlib
import re
from typing import Final, Literal

from broker.tlog.encoding import read_base64
from broker.tlog.errors import Unverifiable

ED25519: Final = b"\x01"
TIMESTAMPED_ED25519: Final = b"\x04"
PUBLIC_BYTES = 32
Kind = Literal[b"\x01", b"\x04"]

_VKEY = re.compile(r"([^+]*)\+([0-9a-f]{8})\+([0-9A-Za-z+/=]{1,100})")


def check_name(name: str) -> None:
    """Check that a key may have this name: not empty, no spaces, no plus, no control characters.

    Raises:
        Unverifiable: it may not.
    """
    if not name or any(sign.isspace() or sign < " " or sign == "+" for sign in name):
        raise Unverifiable("key-malformed", "The name of a key is empty, or holds a space or a plus.")


def key_id(name: str, kind: Kind, public_key: bytes) -> bytes:
    """Return the four bytes that, together with the name, tell which key has signed."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public_key).digest()[:4]


def vkey(name: str, kind: Kind, public_key: bytes) -> str:
    """Write a public key as a verifier key."""
    encoded = base64.b64encode(kind + public_key).decode()
    return f"{name}+{key_id(name, kind, public_key).hex()}+{encoded}"


def read_vkey(text: str, kind: Kind) -> tuple[str, bytes]:
    """Read a verifier key of this kind into its name and its 32 bytes.

    Raises:
        Unverifiable: it is malformed, of another kind, or its id is not that of its name and key.
    """
    found = _VKEY.fullmatch(text)
    if found is None:
        raise Unverifiable("key-malformed", "A verifier key has the form <name>+<8 hex digits>+<base64>.")
    name, identity, encoded = found.groups()
    check_name(name)
    material = read_base64(encoded.encode(), code="key-malformed", what="The key in a verifier key")
    if material[:1] != kind or len(material) != 1 + PUBLIC_BYTES:
        raise Unverifiable("key-malformed", f"A verifier key of type 0x{kind.hex()} with 32 bytes is expected.")
    if key_id(name, kind, material[1:]).hex() != identity:
        raise Unverifiable("key-malformed", "The id in a verifier key is not that of its name and key.")
    return name, material[1:]
