"""Collects the bytes of one connection until a whole request is there; gunicorn's parser says what it means."""

import re
from typing import Any

from gunicorn.http.body import Body, LengthReader
from gunicorn.http.errors import InvalidHeader, InvalidRequestLine, LimitRequestHeaders, LimitRequestLine, NoMoreData
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from broker.cli.serving.chunks import ChunkedBody

_END_OF_HEAD = b"\r\n\r\n"
_BARE_LF = re.compile(rb"(?<!\r)\n")
_HEAD_BYTES = 65_536  # all fields together; one field may have 16 KiB
_CHUNK_OVERHEAD = 2  # one-byte chunks take six bytes for each: no honest body, and a way to fill our memory


class Intake:
    """What has arrived on a connection and is not yet answered: at most one head and one body."""

    def __init__(self, cfg: Any, peer: Any, body_max_bytes: int) -> None:
        self._cfg = cfg
        self._peer = peer
        self._body_max_bytes = body_max_bytes
        self._raw = bytearray()
        self._looked_at = 0
        self._request: Request | None = None
        self._chunks: ChunkedBody | None = None
        self._length = 0
        self._wants_continue = False

    @property
    def is_empty(self) -> bool:
        """Say whether nothing of a further request has arrived."""
        return not self._raw and self._request is None

    @property
    def has_head(self) -> bool:
        """Say whether a head has been read whose body is incomplete."""
        return self._request is not None

    def wants_continue(self) -> bool:
        """Say, once a request, whether the client waits for `100 Continue` before the body (RFC 9110 §10.1.1)."""
        wants, self._wants_continue = self._wants_continue and not self._raw, False
        return wants

    def add(self, data: bytes) -> None:
        """Take in what the socket gave."""
        self._raw += data

    def take(self) -> Request | None:
        """Return the next request when its last byte is there, its body in memory; None until then.

        A body above the limit is not waited for: the application gets the request without it, answers 413 in the form
        of its endpoint, and the connection ends.

        Raises:
            ParseException: or NoMoreData: what has arrived is not one request with one meaning.
        """
        if self._request is None and not self._read_head():
            return None
        request = self._request
        if not self._is_body_complete(request):
            return None
        self._request, self._looked_at = None, 0
        return request

    def _read_head(self) -> bool:
        end = self._raw.find(_END_OF_HEAD, max(0, self._looked_at - 3))
        until = end + 4 if end >= 0 else len(self._raw)
        if _BARE_LF.search(self._raw, self._looked_at, until):
            raise InvalidRequestLine("bare LF")
        self._check_size(until)
        self._looked_at = len(self._raw)
        if end < 0:
            return False
        request = Request(self._cfg, IterUnreader([bytes(self._raw[:until])]), self._peer)
        del self._raw[:until]
        self._check(request)
        # gunicorn would say it when the body is here already.
        self._wants_continue = request._expected_100_continue  # noqa: SLF001 - the parser has no public name for it
        request._expected_100_continue = False  # noqa: SLF001 - as above
        self._request = request
        return True

    def _check_size(self, until: int) -> None:
        if until > _HEAD_BYTES:
            raise LimitRequestHeaders("all fields together")
        longest: int = self._cfg.limit_request_line
        if until > longest and self._raw.find(b"\r\n", 2, longest + 4) < 0:
            raise LimitRequestLine(until, longest)

    def _check(self, request: Request) -> None:
        """Refuse what gunicorn would let through, and learn how the body is framed (RFC 9112 §3.2, §6)."""
        fields: dict[str, str] = dict(request.headers)
        if request.version >= (1, 1) and "HOST" not in fields:
            raise InvalidHeader("HOST", req=request)
        if request.method == "CONNECT" or "#" in request.uri:
            raise InvalidRequestLine(request.uri)
        codings = [value.lower() for name, value in request.headers if name == "TRANSFER-ENCODING"]
        if codings not in ([], ["chunked"]):
            raise InvalidHeader("TRANSFER-ENCODING", req=request)
        self._chunks = ChunkedBody() if codings else None
        self._length = int(fields.get("CONTENT-LENGTH", "0"))

    def _is_body_complete(self, request: Any) -> bool:
        if self._chunks is not None:
            return self._are_chunks_complete(request, self._chunks)
        if self._length > self._body_max_bytes:
            _give(request, b"")
            self._end_with(request)
        elif len(self._raw) < self._length:
            return False
        elif self._length:
            _give(request, bytes(self._raw[: self._length]))
            del self._raw[: self._length]
        return True

    def _are_chunks_complete(self, request: Any, chunks: ChunkedBody) -> bool:
        end = chunks.end(self._raw)
        most = self._body_max_bytes
        if chunks.length > most or len(self._raw) > most * _CHUNK_OVERHEAD + _HEAD_BYTES:
            _give_dechunked(request, b"", max(chunks.length, most + 1))
            self._end_with(request)
            return True
        if end is None:
            return False
        _give_dechunked(request, _decoded(request, bytes(self._raw[:end]), chunks.length), chunks.length)
        del self._raw[:end]
        return True

    def _end_with(self, request: Any) -> None:
        request.force_close()
        self._raw.clear()


def _decoded(request: Any, raw: bytes, length: int) -> bytes:
    request.unreader.unread(raw)
    content: bytes = request.body.read()
    if len(content) != length or request.unreader.take_buffered():
        raise NoMoreData(b"")
    return content


def _give(request: Any, content: bytes) -> None:
    request.body = Body(LengthReader(IterUnreader([content]), len(content)))


def _give_dechunked(request: Any, content: bytes, length: int) -> None:
    """Give a body that had come in chunks as one of known length (RFC 9112 §7.1.3): it is counted as any other."""
    request.headers = [(name, value) for name, value in request.headers if name != "TRANSFER-ENCODING"]
    request.headers.append(("CONTENT-LENGTH", str(length)))
    _give(request, content)
