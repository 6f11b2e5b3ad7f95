"""What two servers could read differently has one meaning here, or is refused: the corpus of request smuggling.

After every message stands a second request. Whoever reads the first one longer or shorter than we do would see another
second one; refused means one answer, 4xx, the end of the connection, and an application that saw nothing.
"""

import json
import re
import socket
from collections.abc import Iterator

import pytest

from tests.support.serving import Served, rest

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("served")) as running:
        yield running


def post(*fields: bytes, body: bytes = b"", line: bytes = b"POST /first HTTP/1.1") -> bytes:
    return b"\r\n".join([line, b"Host: a", *fields, b"", body])


def chunked(body: bytes, *fields: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", *fields, body=body)


def get(line: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join([line, *fields, b"", b""])


REFUSED = {
    "length and chunks": chunked(CHUNKS, b"Content-Length: 5"),
    "chunks and length": post(b"Content-Length: 15", b"Transfer-Encoding: chunked", body=CHUNKS),
    "two lengths": post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello!"),
    "the same length twice": post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
    "a list of lengths": post(b"Content-Length: 5, 5", body=b"hello"),
    "a length with a sign": post(b"Content-Length: +5", body=b"hello"),
    "a negative length": post(b"Content-Length: -5", body=b"hello"),
    "a hexadecimal length": post(b"Content-Length: 0x5", body=b"hello"),
    "a length with an underscore": post(b"Content-Length: 1_0", body=b"hellohello"),
    "a length with a fraction": post(b"Content-Length: 5.0", body=b"hello"),
    "an empty length": post(b"Content-Length: ", body=b"hello"),
    "a length in superscript": post(b"Content-Length: \xb2", body=b"he"),
    "a length with a space inside": post(b"Content-Length: 1 0", body=b"hellohello"),
    "an endless length": post(b"Content-Length: " + b"9" * 5_000, body=b"hello"),
    "a space before the colon of the length": post(b"Content-Length : 5", body=b"hello"),
    "a tab before the colon of the coding": post(b"Transfer-Encoding\t: chunked", body=CHUNKS),
    "a length under a folded line": post(b"X: 1", b" Content-Length: 5", body=b"hello"),
    "a folded coding": post(b"Transfer-Encoding:", b" chunked", body=CHUNKS),
    "an underscore in the name of the length": post(b"Content_Length: 5", body=b"hello"),
    "two codings": chunked(CHUNKS, b"Transfer-Encoding: chunked"),
    "a coding before chunks": post(b"Transfer-Encoding: gzip, chunked", body=CHUNKS),
    "a coding in a field of its own": post(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked", body=CHUNKS),
    "chunks twice": post(b"Transfer-Encoding: chunked, chunked", body=CHUNKS),
    "chunks, then identity": post(b"Transfer-Encoding: chunked, identity", body=CHUNKS),
    "identity": post(b"Transfer-Encoding: identity", b"Content-Length: 5", body=b"hello"),
    "an unknown coding": post(b"Transfer-Encoding: xchunked", body=CHUNKS),
    "a quoted coding": post(b'Transfer-Encoding: "chunked"', body=CHUNKS),
    "a coding with a vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=CHUNKS),
    "a coding with a NUL": post(b"Transfer-Encoding: chunked\x00", body=CHUNKS),
    "a coding with a parameter": post(b"Transfer-Encoding: chunked;a=b", body=CHUNKS),
    "an empty coding": post(b"Transfer-Encoding:", body=CHUNKS),
    "chunks in HTTP/1.0": post(b"Transfer-Encoding: chunked", body=CHUNKS, line=b"POST /first HTTP/1.0"),
    "a chunk size with a sign": chunked(b"+5\r\nhello\r\n0\r\n\r\n"),
    "a negative chunk size": chunked(b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size with a prefix": chunked(b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size with an underscore": chunked(b"0_5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size after a space": chunked(b" 5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size before a space": chunked(b"5 \r\nhello\r\n0\r\n\r\n"),
    "an empty chunk size": chunked(b"\r\nhello\r\n0\r\n\r\n"),
    "a chunk size that overflows": chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "a chunk size that is no number": chunked(b"five\r\nhello\r\n0\r\n\r\n"),
    "a chunk size before a bare LF": chunked(b"5\nhello\r\n0\r\n\r\n"),
    "a chunk size before a bare CR": chunked(b"5\rhello\r\n0\r\n\r\n"),
    "a chunk longer than it says": chunked(b"4\r\nhello\r\n0\r\n\r\n"),
    "a chunk shorter than it says": chunked(b"6\r\nhello\r\n0\r\n\r\n"),
    "a chunk that ends with a bare LF": chunked(b"5\r\nhello\n0\r\n\r\n"),
    "an extension with a bare LF": chunked(b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "an extension with a bare CR": chunked(b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    "an extension that is none": chunked(b"5;\x00\r\nhello\r\n0\r\n\r\n"),
    "a length among the trailers": chunked(b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
    "a host among the trailers": chunked(b"5\r\nhello\r\n0\r\nHost: b\r\n\r\n"),
    "a trailer that is none": chunked(b"5\r\nhello\r\n0\r\nGET / HTTP/1.1\r\n\r\n"),
    "a bare LF after the request line": b"GET /first HTTP/1.1\nHost: a\r\n\r\n",
    "a bare LF between fields": b"GET /first HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n",
    "a bare LF at the end of the head": b"GET /first HTTP/1.1\r\nHost: a\r\n\n",
    "a bare CR in a field": get(b"GET /first HTTP/1.1", b"Host: a", b"X: 1\rY: 2"),
    "a NUL in a field": get(b"GET /first HTTP/1.1", b"Host: a", b"X: 1\x00"),
    "a field without a colon": get(b"GET /first HTTP/1.1", b"Host: a", b"X"),
    "a field without a name": get(b"GET /first HTTP/1.1", b"Host: a", b": 1"),
    "a space before the first field": get(b"GET /first HTTP/1.1", b" Host: a"),
    "no host": get(b"GET /first HTTP/1.1"),
    "two hosts": get(b"GET /first HTTP/1.1", b"Host: a", b"Host: b"),
    "no version": get(b"GET /first", b"Host: a"),
    "version 2": get(b"GET /first HTTP/2.0", b"Host: a"),
    "version 1.10": get(b"GET /first HTTP/1.10", b"Host: a"),
    "version 01.1": get(b"GET /first HTTP/01.1", b"Host: a"),
    "a version in lower case": get(b"GET /first http/1.1", b"Host: a"),
    "a tab in the request line": get(b"GET\t/first\tHTTP/1.1", b"Host: a"),
    "two spaces in the request line": get(b"GET  /first HTTP/1.1", b"Host: a"),
    "a space in the target": get(b"GET /first second HTTP/1.1", b"Host: a"),
    "a fragment in the target": get(b"GET /first#part HTTP/1.1", b"Host: a"),
    "a control character in the target": get(b"GET /fi\x01rst HTTP/1.1", b"Host: a"),
    "a byte above 127 in the target": get(b"GET /fi\xffrst HTTP/1.1", b"Host: a"),
    "a target without a slash": get(b"GET first HTTP/1.1", b"Host: a"),
    "a method in lower case": get(b"get /first HTTP/1.1", b"Host: a"),
    "a method with a colon": get(b"GE:T /first HTTP/1.1", b"Host: a"),
    "CONNECT": get(b"CONNECT a:80 HTTP/1.1", b"Host: a"),
    "a star for GET": get(b"GET * HTTP/1.1", b"Host: a"),
    "two empty lines first": b"\r\n\r\n" + get(b"GET /first HTTP/1.1", b"Host: a"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "the beginning of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
    "another expectation": post(b"Expect: 200-maybe", b"Content-Length: 5", body=b"hello"),
}
FIRST, SECOND = ("/first", ""), ("/smuggled", "")
UNDERSTOOD = {
    "one empty line first": (b"\r\n" + get(b"GET /first HTTP/1.1", b"Host: a"), [FIRST, SECOND]),
    "a body by length": (post(b"Content-Length: 5", body=b"hello"), [("/first", "hello"), SECOND]),
    "a length with leading zeros": (post(b"Content-Length: 005", body=b"hello"), [("/first", "hello"), SECOND]),
    "a body that looks like a request": (
        post(b"Content-Length: 35", body=SMUGGLED),
        [("/first", SMUGGLED.decode()), SECOND],
    ),
    "a GET with a body": (
        post(b"Content-Length: 5", body=b"hello", line=b"GET /first HTTP/1.1"),
        [("/first", "hello"), SECOND],
    ),
    "an expectation that is not waited for": (
        post(b"Expect: 100-continue", b"Content-Length: 5", body=b"hello"),
        [("/first", "hello"), SECOND],
    ),
    "a body above the limit, which ends the connection": (post(b"Content-Length: 999999"), [FIRST]),
    "the same with an expectation": (post(b"Expect: 100-continue", b"Content-Length: 999999"), [FIRST]),
    "chunks": (chunked(CHUNKS), [("/first", "hello"), SECOND]),
    "chunks in capitals": (post(b"TRANSFER-ENCODING: Chunked", body=CHUNKS), [("/first", "hello"), SECOND]),
    "chunks with extensions": (chunked(b'5;a="b;c"\r\nhello\r\n0\r\n\r\n'), [("/first", "hello"), SECOND]),
    "chunks with trailers": (chunked(b"5\r\nhello\r\n0\r\nX: 1\r\n\r\n"), [("/first", "hello"), SECOND]),
    "a whole address as target": (get(b"GET http://b/first HTTP/1.1", b"Host: a"), [FIRST, SECOND]),
    "an unknown method": (get(b"BREW /first HTTP/1.1", b"Host: a"), [FIRST, SECOND]),
    "HTTP/1.0": (get(b"GET /first HTTP/1.0"), [FIRST]),
    "a wish to close": (get(b"GET /first HTTP/1.1", b"Host: a", b"Connection: close"), [FIRST]),
    "a wish to speak HTTP/2": (
        get(b"GET /first HTTP/1.1", b"Host: a", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"),
        [FIRST, SECOND],
    ),
}


def answers(served: Served, raw: bytes) -> list[tuple[int, dict[str, object]]]:
    """Status and JSON of every answer to these bytes, after which we send nothing more."""
    with served.connect() as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        left = rest(connection)
    found = []
    while left:
        head, left = left.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index] # each answer has a length
        found.append((int(head[9:12]), json.loads(left[:length])))
        left = left[length:]
    return found


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_one_meaning_is_refused_and_ends_the_connection(served: Served, name: str) -> None:
    seen_before = len(served.noted("made", "-"))
    [(status, problem)] = answers(served, REFUSED[name] + SMUGGLED)
    assert status in {400, 414, 417, 431}
    assert problem["status"] == status
    assert len(served.noted("made", "-")) == seen_before


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_what_is_understood_is_understood_to_the_byte(served: Served, name: str) -> None:
    raw, expected = UNDERSTOOD[name]
    found = answers(served, raw + SMUGGLED)
    assert [status for status, _ in found] == [200] * len(expected)
    assert [(seen["path"], seen["body"]) for _, seen in found] == expected


def test_a_header_that_names_our_variables_changes_nothing(served: Served) -> None:
    forged = [
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-For: 1.2.3.4",
        b"X-Forwarded-Host: b",
        b"X-Script-Name: /first",
    ]
    [(status, seen)] = answers(served, get(b"GET /first HTTP/1.1", b"Host: a", *forged))
    assert (status, seen["path"]) == (200, "/first")


def test_no_answer_names_a_version_of_the_server(served: Served) -> None:
    for raw in (get(b"GET /first HTTP/1.1", b"Host: a", b"Connection: close"), b"nonsense\r\n\r\n"):
        head = served.ask(raw).split(b"\r\n\r\n", 1)[0]
        assert not re.search(rb"(?i)server:.*\d", head)
