"""Reads a body within its size limit, counted on what it unpacks to."""

import zlib
from typing import Final

import urllib3

from broker.errors import BankInvalidAnswer

_CHUNK: Final = 65_536
_MAX_LENGTH_DIGITS: Final = 18
_GZIP: Final = zlib.MAX_WBITS | 16


def read_bounded(response: urllib3.HTTPResponse, max_bytes: int) -> bytes:
    """Read the whole body, unpacking gzip.

    Raises: BankInvalidAnswer when it is larger than `max_bytes`, or packed in another or a broken way.
    """
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > _MAX_LENGTH_DIGITS or int(announced) > max_bytes):
        raise _too_large()
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "gzip":
        return _read_gzip(response, max_bytes)
    if encoding != "identity":
        raise BankInvalidAnswer("The bank's answer is packed in a way that the broker does not accept.")
    return _read_plain(response, max_bytes)


def _read_plain(response: urllib3.HTTPResponse, max_bytes: int) -> bytes:
    body = bytearray()
    while chunk := response.read(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > max_bytes:
            raise _too_large()
    return bytes(body)


def _read_gzip(response: urllib3.HTTPResponse, max_bytes: int) -> bytes:
    """Unpack piece by piece, so that a small bomb never becomes a large buffer."""
    unpacker = zlib.decompressobj(_GZIP)
    body, received = bytearray(), 0
    try:
        while chunk := response.read(_CHUNK, decode_content=False):
            received += len(chunk)
            body += unpacker.decompress(chunk, max_bytes + 1 - len(body))
            if len(body) > max_bytes or received > max_bytes:
                raise _too_large()
    except zlib.error as error:
        raise BankInvalidAnswer("The bank's answer is packed wrongly.") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BankInvalidAnswer("The bank's answer is packed wrongly.")
    return bytes(body)


def _too_large() -> BankInvalidAnswer:
    return BankInvalidAnswer("The bank's answer is too large.")
