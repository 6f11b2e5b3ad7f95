"""Reads a body within its limits, counted on what it unpacks to: bytes, and values that JSON would make of them."""

import zlib
from typing import Final

import urllib3

from broker.errors import BankInvalidAnswer

_CHUNK: Final = 65_536
_MAX_LENGTH_DIGITS: Final = 18
_GZIP: Final = zlib.MAX_WBITS | 16
_MOST_VALUES: Final = 400_000
"""More than any bank's page holds; beyond, a few megabytes of text become a hundred of objects and a second of work."""


class _Body:
    """What has been read so far. A body that is too large is given up while it arrives: its rest is not read."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._values = 0
        self.read = bytearray()

    @property
    def room(self) -> int:
        """Return how many bytes may follow, and one more, by which it is seen that there are too many."""
        return self._max_bytes + 1 - len(self.read)

    def add(self, piece: bytes) -> None:
        self.read += piece
        self._values += piece.count(b",") + piece.count(b"[") + piece.count(b"{")
        if len(self.read) > self._max_bytes or self._values > _MOST_VALUES:
            raise _too_large()


def read_bounded(response: urllib3.HTTPResponse, max_bytes: int) -> bytes:
    """Read the whole body, unpacking gzip.

    Raises: BankInvalidAnswer when it is larger than `max_bytes`, holds too many values, or is packed in another or a
        broken way.
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
    body = _Body(max_bytes)
    while chunk := response.read(_CHUNK, decode_content=False):
        body.add(chunk)
    return bytes(body.read)


def _read_gzip(response: urllib3.HTTPResponse, max_bytes: int) -> bytes:
    """Unpack piece by piece, so that a small bomb never becomes a large buffer."""
    unpacker = zlib.decompressobj(_GZIP)
    body, received = _Body(max_bytes), 0
    try:
        while chunk := response.read(_CHUNK, decode_content=False):
            received += len(chunk)
            body.add(unpacker.decompress(chunk, body.room))
            if received > max_bytes:
                raise _too_large()
    except zlib.error as error:
        raise BankInvalidAnswer("The bank's answer is packed wrongly.") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BankInvalidAnswer("The bank's answer is packed wrongly.")
    return bytes(body.read)


def _too_large() -> BankInvalidAnswer:
    return BankInvalidAnswer("The bank's answer is too large.")
