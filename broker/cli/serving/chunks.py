"""Finds the end of a chunked body while it arrives, so that nothing incomplete is ever read (RFC 9112 §7.1)."""

import re

from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize, LimitRequestHeaders

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")
_LONGEST_SIZE_LINE = 256
_LONGEST_TRAILER = 4_096


class ChunkedBody:
    """Walks over the chunks of one body, never twice over the same one.

    gunicorn's own reader decodes what is found here: two readings that must agree.
    """

    def __init__(self) -> None:
        self._at = 0
        self.length = 0  # bytes of content in the chunks seen so far

    def end(self, raw: bytearray) -> int | None:
        """Return where the body ends in `raw`, or None while it is incomplete.

        Raises:
            ParseException: this is no chunked body.
        """
        while (line_end := raw.find(b"\r\n", self._at, self._at + _LONGEST_SIZE_LINE)) >= 0:
            size = self._size(raw, line_end)
            if size == 0:
                return self._end_of_trailer(raw, line_end)
            behind = line_end + 2 + size + 2
            if len(raw) < behind:
                return None
            if raw[behind - 2 : behind] != b"\r\n":
                raise ChunkMissingTerminator(bytes(raw[behind - 2 : behind]))
            self.length += size
            self._at = behind
        begun = raw[self._at : self._at + _LONGEST_SIZE_LINE]
        if len(begun) == _LONGEST_SIZE_LINE or b"\n" in begun:
            raise InvalidChunkSize(b"no size line")
        return None

    def _size(self, raw: bytearray, line_end: int) -> int:
        match = _SIZE_LINE.fullmatch(raw, self._at, line_end)
        if match is None:
            raise InvalidChunkSize(b"no size line")
        return int(match[1], 16)

    @staticmethod
    def _end_of_trailer(raw: bytearray, line_end: int) -> int | None:
        found = raw.find(b"\r\n\r\n", line_end)  # without trailer fields it begins with the line's own end
        if found < 0 and len(raw) - line_end > _LONGEST_TRAILER:
            raise LimitRequestHeaders("trailer section")
        return found + 4 if found >= 0 else None
