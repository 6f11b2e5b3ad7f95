"""Texts with exactly one form: base64 and decimals as the C2SP pages want them, and what may stand in a text.

Two encodings of one value would let somebody change bytes that others compare or hash, without any check failing.
"""

import base64
import binascii
import re

from broker.tlog.errors import Unverifiable

LARGEST_NUMBER = 2**63 - 1  # of sizes, indexes and seconds: every verifier can count so far
_DECIMAL = re.compile(rb"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")


def read_base64(encoded: bytes, *, code: str, what: str) -> bytes:
    """Decode standard base64 with its padding (RFC 4648 §4), refusing every form but the one an encoder writes.

    Raises:
        Unverifiable: another alphabet, missing padding, unused bits that are not zero.
    """
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        decoded = b""
    if not encoded or base64.b64encode(decoded) != encoded:
        raise Unverifiable(code, f"{what} is not strict base64.")
    return decoded


def read_decimal(digits: bytes, *, code: str, what: str) -> int:
    """Read a whole number from 0 to 2**63 - 1 in ASCII digits without leading zeroes.

    Raises:
        Unverifiable: it is anything else.
    """
    if _DECIMAL.fullmatch(digits) is None or (number := int(digits)) > LARGEST_NUMBER:
        raise Unverifiable(code, f"{what} is not a decimal from 0 to 2^63-1 without leading zeroes.")
    return number


def read_text(data: bytes, *, limit: int, code: str, what: str) -> str:
    """Decode UTF-8 without control characters other than newline, of at most `limit` bytes (C2SP signed-note).

    Raises:
        Unverifiable: it is too long, not UTF-8, or holds a control character such as a carriage return.
    """
    if len(data) > limit:
        raise Unverifiable(code, f"{what} is longer than {limit} bytes.")
    if _CONTROL.search(data) is not None:
        raise Unverifiable(code, f"{what} holds a control character other than newline.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unverifiable(code, f"{what} is not UTF-8.") from None
