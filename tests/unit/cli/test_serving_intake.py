"""One connection's bytes become whole requests, whatever pieces they come in."""

import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, NoMoreData, ParseException
from hypothesis import given
from hypothesis import strategies as st

from broker.cli.serving.intake import Intake

GET = b"GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n\r\n"
FORM = b"POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n"
)
MOST = 1_000


def intake() -> Intake:
    cfg = Config()
    cfg.set("limit_request_line", 4_094)
    cfg.set("limit_request_fields", 60)
    cfg.set("limit_request_field_size", 16_384)
    return Intake(cfg, ("127.0.0.1", 1), MOST)


def requests(pieces: Iterable[bytes]) -> list[tuple[str, str, bytes]]:
    taking = intake()
    seen = []
    for piece in pieces:
        taking.add(piece)
        while (request := taking.take()) is not None:
            seen.append((request.method, request.uri, request.body.read()))
    assert taking.is_empty
    return seen


@given(st.lists(st.sampled_from([GET, FORM, CHUNKED]), min_size=1, max_size=4), st.data())
def test_requests_are_the_same_in_whatever_pieces_they_arrive(sent: list[bytes], data: st.DataObject) -> None:
    raw = b"".join(sent)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=12)) | {0, len(raw)})
    pieces = [raw[start:end] for start, end in itertools.pairwise(cuts)]
    assert requests(pieces) == requests([raw])
    assert [body for _, _, body in requests(pieces)] == [
        {GET: b"", FORM: b"hello", CHUNKED: b"hello world"}[one] for one in sent
    ]


@pytest.mark.parametrize("raw", [GET, FORM, CHUNKED])
def test_nothing_is_taken_before_the_last_byte(raw: bytes) -> None:
    taking = intake()
    for index in range(len(raw)):
        assert taking.take() is None
        taking.add(raw[index : index + 1])
    assert taking.take() is not None


def test_a_body_that_never_ends_is_handed_over_as_too_large_and_ends_the_connection() -> None:
    for raw in (
        FORM.replace(b"Content-Length: 5", b"Content-Length: 1001"),
        CHUNKED[: CHUNKED.index(b"5\r\nhello")] + b"100\r\n" + b"x" * 256 + b"\r\n" + b"300\r\n" + b"x" * 768 + b"\r\n",
    ):
        taking = intake()
        taking.add(raw)
        request: Any = taking.take()
        assert request.should_close()
        assert taking.is_empty


def test_a_body_of_one_byte_chunks_is_bounded_by_what_it_takes_on_the_wire() -> None:
    taking = intake()
    taking.add(CHUNKED[: CHUNKED.index(b"5\r\nhello")])
    sent = 0
    while (request := taking.take()) is None:
        taking.add(b"1;" + b"x" * 240 + b"\r\ny\r\n")
        sent += 247
        assert sent < 100_000
    assert request.should_close()


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"GET /" + b"a" * 4_100, LimitRequestLine),
        (b"GET /" + b"a" * 4_090 + b" HTTP/1.1\r\nHost: a\r\n\r\n", LimitRequestLine),
        (GET[:-2] + b"X: " + b"a" * 16_384 + b"\r\n\r\n", LimitRequestHeaders),
        (GET[:-2] + b"X: 1\r\n" * 60 + b"\r\n", LimitRequestHeaders),
        (GET[:-2] + (b"X: " + b"a" * 16_000 + b"\r\n") * 5, LimitRequestHeaders),
        (b"GET / HTTP/1.1\nHost: a\n\n", ParseException),
        (b"GET / HTTP/1.1\r\nHost: a\nX", ParseException),
        (CHUNKED.replace(b"5\r\nhello", b"5\r\nhell"), ParseException),
        (CHUNKED.replace(b"5\r\nhello", b"5" * 300), ParseException),
        (CHUNKED[: CHUNKED.index(b"X-Trailer")] + b"X: " + b"a" * 5_000, ParseException),
    ],
)
def test_what_cannot_become_a_request_is_refused_without_waiting_for_more(raw: bytes, kind: type[Exception]) -> None:
    taking = intake()
    taking.add(raw)
    with pytest.raises((kind, NoMoreData) if kind is ParseException else kind):
        taking.take()


def test_a_client_is_told_once_to_continue_and_only_while_the_body_is_missing() -> None:
    taking = intake()
    taking.add(FORM[:-5].replace(b"Content", b"Expect: 100-continue\r\nContent"))
    assert taking.take() is None
    assert taking.wants_continue
    assert not taking.wants_continue
    taking.add(b"hello")
    assert taking.take() is not None
