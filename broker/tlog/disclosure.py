"""Disclosures: a leaf commits to details by salted digests, and whoever is given one can check it.

A disclosure is [salt, name, value]. Without the salt the digest tells nothing; once the salt is erased nobody can tell
any more what the digest stood for.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Never

from broker.tlog.errors import Unverifiable

SALT_BYTES = 16
LARGEST_TEXT = 16 * 1024  # characters, encoded
MOST_DISCLOSURES = 64
DIGESTS = "_sd"

_CODE = "disclosure-malformed"
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_PARTS = 3
_DEEPEST = 8
_LARGEST_INT = 2**53 - 1  # what every JSON reader reads exactly


class Disclosure(NamedTuple):
    """One detail: `salt` is the base64url of 16 random bytes; `value` JSON without fractions."""

    salt: str
    name: str
    value: Any


def digest(disclosure: Disclosure) -> str:
    """Return what a leaf holds of a disclosure: the base64url of the SHA-256 of its compact JSON.

    It judges nothing, because it runs for every detail of every entry: `encode` and `decode` refuse what is none.
    """
    return _base64url(hashlib.sha256(_json(disclosure)).digest())


def encode(disclosures: Iterable[Disclosure]) -> str:
    """Write disclosures for a header: the base64url of the compact JSON array of them.

    Raises:
        Unverifiable: one of them is none, or they are too many or too long.
    """
    listed = list(disclosures)
    for disclosure in listed:
        _check(disclosure)
    text = _base64url(_json(listed))
    if len(listed) > MOST_DISCLOSURES or len(text) > LARGEST_TEXT:
        raise Unverifiable(_CODE, "There are too many disclosures, or they are too long.")
    return text


def decode(text: str) -> list[Disclosure]:
    """Read what `encode` wrote, refusing every other spelling.

    Raises:
        Unverifiable: it is too long, not base64url, not the compact JSON of an array of disclosures.
    """
    if len(text) > LARGEST_TEXT:
        raise Unverifiable(_CODE, f"The disclosures are longer than {LARGEST_TEXT} characters.")
    try:
        listed = json.loads(_unbase64url(text), parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError):  # the first of both: no base64, no UTF-8, no JSON, a number too long
        raise Unverifiable(_CODE, "The disclosures are not the base64url of JSON.") from None
    if not isinstance(listed, list):
        raise Unverifiable(_CODE, "The disclosures are not an array.")
    disclosures = [_read(item) for item in listed]
    if encode(disclosures) != text:  # spaces, escapes, a member twice: another text than the one that is hashed
        raise Unverifiable(_CODE, "The disclosures are not written as compact JSON.")
    return disclosures


def check(leaf_fields: Mapping[str, Any], disclosures: Iterable[Disclosure]) -> dict[str, Any]:
    """Check that a leaf commits to each disclosure, and return their values by name.

    Raises:
        Unverifiable: a digest does not stand in the leaf's `_sd`, or a name is disclosed twice.
    """
    committed = leaf_fields.get(DIGESTS, [])
    if not isinstance(committed, list):
        raise Unverifiable(_CODE, "The digests of the leaf are not an array.")
    values: dict[str, Any] = {}
    for disclosure in disclosures:
        _check(disclosure)
        if digest(disclosure) not in committed:
            raise Unverifiable("disclosure-unproven", "A disclosure is not what the leaf commits to.")
        if disclosure.name in values:
            raise Unverifiable("disclosure-unproven", "A name is disclosed twice.")
        values[disclosure.name] = disclosure.value
    return values


def _read(item: Any) -> Disclosure:
    if not isinstance(item, list) or len(item) != _PARTS:
        raise Unverifiable(_CODE, "A disclosure is an array of salt, name and value.")
    return Disclosure(*item)


def _check(disclosure: Disclosure) -> None:
    salt, name, value = disclosure
    try:
        is_salt = isinstance(salt, str) and len(_unbase64url(salt)) == SALT_BYTES
    except ValueError:
        is_salt = False
    if not is_salt or not isinstance(name, str) or not name:
        raise Unverifiable(_CODE, "A disclosure has a salt of 16 bytes in base64url, and a name.")
    _check_value(name, _DEEPEST)
    _check_value(value, _DEEPEST)


def _check_value(value: Any, depth: int) -> None:
    if depth == 0:
        raise Unverifiable(_CODE, "The value of a disclosure is nested too deeply.")
    if isinstance(value, str):
        if any("\ud800" <= sign <= "\udfff" for sign in value):
            raise Unverifiable(_CODE, "A text in a disclosure is not Unicode.")
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_value(item, depth - 1)
    elif isinstance(value, dict):
        for item in (*value.keys(), *value.values()):
            _check_value(item, depth - 1)
        if not all(isinstance(key, str) for key in value):
            raise Unverifiable(_CODE, "The names in an object are texts.")
    elif value is not None and (not isinstance(value, int) or abs(value) > _LARGEST_INT):
        raise Unverifiable(_CODE, "A value is a text, a whole number below 2^53, true, false, null, or made of those.")


def _json(value: Any) -> bytes:
    return _COMPACT(value).encode()


def _refuse(_text: str) -> Never:
    raise ValueError("no such number in a disclosure")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64url(text: str) -> bytes:
    """Decode the one form that `_base64url` writes; raises ValueError for any other."""
    decoded = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _base64url(decoded) != text:
        raise binascii.Error("unused bits are not zero")
    return decoded
