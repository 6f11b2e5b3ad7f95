"""What the client does with servers that are slow, greedy, broken or lying."""

import gzip
import socket
import ssl
import time
from decimal import Decimal

import pytest

from broker.errors import BankInvalidAnswer, BankTimeout, BankUnavailable
from broker.outbound import Answer, OutboundClient
from broker.outbound.breaker import FAILURES_TO_OPEN
from tests.support.raw_server import Behaviour, RawServer, answering, bound_socket, in_turn, serving

LIMIT = 100_000
TLS = ssl.create_default_context()  # loading the certificates takes long, and they are not needed here


def client_of(server: RawServer, timeout_s: float = 2.0) -> OutboundClient:
    return OutboundClient(server.allowed, timeout_s, LIMIT, time.monotonic, jitter=lambda: 0.0, tls=TLS)


def fetched(behaviour: Behaviour, timeout_s: float = 2.0) -> Answer:
    with serving(behaviour) as server:
        return client_of(server, timeout_s).get(server.url(), {}, breaker="bank")


def dripping(before: bytes) -> Behaviour:
    def behave(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(before)
        for _ in range(60):
            connection.sendall(b"x")
            time.sleep(0.05)

    return behave


def reset(connection: socket.socket, _request: bytes) -> None:
    # Linger 0 turns the close into a reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def test_an_answer_comes_back_with_status_headers_and_exact_money() -> None:
    answer = fetched(answering(b'{"amount": 12.30}', headers=("X-Thing: yes",)))
    assert (answer.status, answer.headers["x-thing"]) == (200, "yes")
    assert answer.json() == {"amount": Decimal("12.30")}


def test_the_request_carries_the_name_as_host_and_our_headers() -> None:
    with serving(answering()) as server:
        client_of(server).get(server.url("/a?b=c"), {"Authorization": "Bearer t"}, breaker="bank")
        head = server.requests[0].decode()
        assert head.startswith("GET /a?b=c HTTP/1.1\r\n")
        assert f"\r\nhost: localhost:{server.port}\r\n" in head.lower()
        assert "\r\nAuthorization: Bearer t\r\n" in head


def test_a_form_is_posted_once_even_when_the_bank_is_down() -> None:
    with serving(answering(status="503 Down")) as server:
        with pytest.raises(BankUnavailable):
            client_of(server).post_form(server.url(), {"a": "b &"}, {}, breaker="bank")
        assert len(server.requests) == 1
        assert server.requests[0].endswith(b"\r\n\r\na=b+%26")


def test_a_get_is_tried_again_after_503() -> None:
    down = answering(status="503 Down")
    assert fetched(in_turn(down, down, answering(b"{}"))).status == 200


def test_a_get_is_tried_three_times_and_no_more() -> None:
    with serving(answering(status="502 Bad")) as server:
        with pytest.raises(BankUnavailable):
            client_of(server).get(server.url(), {}, breaker="bank")
        assert len(server.requests) == 3


def test_a_connection_that_breaks_after_the_request_is_not_tried_again() -> None:
    with serving(reset) as server:
        with pytest.raises(BankUnavailable):
            client_of(server).get(server.url(), {}, breaker="bank")
        assert len(server.requests) == 1


def test_a_refused_connection_is_tried_again_until_the_server_is_there() -> None:
    listener = bound_socket()
    port = listener.getsockname()[1]
    listener.close()
    pauses: list[float] = []
    client = OutboundClient(
        frozenset({f"localhost:{port}"}), 2.0, LIMIT, time.monotonic, sleep=pauses.append, jitter=lambda: 0.5
    )
    with pytest.raises(BankUnavailable):
        client.get(f"http://localhost:{port}/", {}, breaker="bank")
    assert pauses == [0.1, 0.2]


def test_client_errors_are_answers_not_failures() -> None:
    assert fetched(answering(b'{"code": "701"}', status="404 Not Found")).status == 404


def test_a_slow_server_is_left_at_the_deadline() -> None:
    with serving(lambda _connection, _request: None) as server:
        server.behaviour = lambda _connection, _request: bool(server.wait_until_closing(3)) and None
        began = time.monotonic()
        with pytest.raises(BankTimeout):
            client_of(server, 0.4).get(server.url(), {}, breaker="bank")
        assert time.monotonic() - began < 1.0


@pytest.mark.parametrize(
    "before",
    [b"", b"HTTP/1.1 200 OK\r\nX-Drip: ", b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n"],
    ids=["status line", "headers", "body"],
)
def test_a_server_that_drips_bytes_is_cut_at_the_deadline(before: bytes) -> None:
    with serving(dripping(before)) as server:
        began = time.monotonic()
        with pytest.raises(BankTimeout):
            client_of(server, 0.4).get(server.url(), {}, breaker="bank")
        assert time.monotonic() - began < 1.0


def test_a_name_server_that_never_answers_ends_at_the_deadline() -> None:
    def stuck(_host: str, _port: int) -> list[str]:
        time.sleep(1.0)
        return []

    client = OutboundClient(frozenset(), 0.2, LIMIT, time.monotonic, resolve=stuck)
    with pytest.raises(BankTimeout):
        client.get("https://bank.example/", {}, breaker="bank")


def test_time_that_we_used_up_ourselves_is_no_failure_of_the_bank() -> None:
    with serving(answering()) as server:
        client = client_of(server)
        for left_s in (0.0, -1.0, -0.001, -20.0, 0.0, -5.0):
            with pytest.raises(BankTimeout):
                client.get(server.url(), {}, breaker="bank", deadline_s=left_s)
        assert client.get(server.url(), {}, breaker="bank").status == 200
        assert server.connections == 1


def test_addresses_that_we_refuse_are_no_failure_of_the_bank() -> None:
    found = ["10.0.0.1"]
    with serving(answering()) as server:
        allowed = frozenset({f"bank.example:{server.port}"})
        client = OutboundClient(allowed, 2.0, LIMIT, time.monotonic, resolve=lambda _host, _port: found, tls=TLS)
        for _ in range(FAILURES_TO_OPEN + 1):
            with pytest.raises(BankUnavailable, match="does not call this address"):
                client.get("https://bank.example/", {}, breaker="bank")
        found[:] = ["127.0.0.1"]
        assert client.get(server.url(host="bank.example"), {}, breaker="bank").status == 200


def test_a_name_that_does_not_resolve_is_a_failure_of_the_bank() -> None:
    client = OutboundClient(frozenset(), 2.0, LIMIT, time.monotonic, resolve=lambda _host, _port: [], tls=TLS)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(BankUnavailable):
            client.get("https://bank.example/", {}, breaker="bank")
    with pytest.raises(BankUnavailable, match="rest"):
        client.get("https://bank.example/", {}, breaker="bank")


def test_a_body_announced_too_large_is_not_read() -> None:
    def behave(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")

    with pytest.raises(BankInvalidAnswer, match="too large"):
        fetched(behave)


@pytest.mark.parametrize("coding", ["", "Content-Encoding: gzip\r\n"])
def test_an_endless_body_is_cut_at_the_limit(coding: str) -> None:
    sent = 0

    def behave(connection: socket.socket, _request: bytes) -> None:
        nonlocal sent
        connection.sendall(f"HTTP/1.1 200 OK\r\n{coding}Transfer-Encoding: chunked\r\n\r\n".encode())
        piece = gzip.compress(b"[" * 10_000_000, mtime=0) if coding else b"[" * 65_536
        for _ in range(1000):
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            sent += len(piece)

    with pytest.raises(BankInvalidAnswer, match="too large"):
        fetched(behave)
    assert sent < 50_000_000


def test_a_small_body_that_unpacks_to_a_large_one_is_refused() -> None:
    bomb = gzip.compress(b"0" * 50_000_000, mtime=0)
    assert len(bomb) < LIMIT
    with pytest.raises(BankInvalidAnswer, match="too large"):
        fetched(answering(bomb, headers=("Content-Encoding: gzip",)))


def test_gzip_within_the_limit_is_unpacked() -> None:
    packed = gzip.compress(b'{"a": 1}', mtime=0)
    assert fetched(answering(packed, headers=("Content-Encoding: gzip",))).json() == {"a": 1}


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"not gzip", "gzip"),
        (gzip.compress(b"{}", mtime=0)[:-4], "gzip"),
        (gzip.compress(b"{}", mtime=0) + b"more", "gzip"),
        (b"", "gzip"),
        (b"{}", "br"),
        (b"{}", "gzip, gzip"),
    ],
)
def test_other_or_broken_packing_is_refused(body: bytes, coding: str) -> None:
    with pytest.raises(BankInvalidAnswer, match="packed"):
        fetched(answering(body, headers=(f"Content-Encoding: {coding}",)))


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Again", "308 Moved", "101 Up", "999 Odd"])
def test_redirects_and_odd_statuses_are_errors(status: str) -> None:
    with serving(answering(status=status, headers=("Location: http://localhost:1/",))) as server:
        with pytest.raises(BankInvalidAnswer, match="redirect"):
            client_of(server).get(server.url(), {}, breaker="bank")
        assert server.connections == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\0\0\0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n",
    ],
)
def test_what_is_not_http_is_a_coded_error(raw: bytes) -> None:
    with pytest.raises(BankUnavailable):
        fetched(lambda connection, _request: connection.sendall(raw))


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "tökén", "a\0b"])
def test_a_header_that_could_smuggle_another_is_never_sent(value: str) -> None:
    with serving(answering()) as server:
        with pytest.raises(BankInvalidAnswer):
            client_of(server).get(server.url(), {"Authorization": value}, breaker="bank")
        assert server.requests == []


def test_proxies_from_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetched(answering()).status == 200


def test_a_name_is_resolved_once_for_all_attempts() -> None:
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    down = answering(status="503 Down")
    with serving(in_turn(down, answering())) as server:
        allowed = frozenset({f"bank.example:{server.port}"})
        client = OutboundClient(allowed, 2.0, LIMIT, time.monotonic, resolve=rebinding, jitter=lambda: 0.0)
        assert client.get(server.url(host="bank.example"), {}, breaker="bank").status == 200
    assert asked == ["bank.example"]


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"", b"\xff", b"[NaN]", b"[Infinity]", b'{"a":1,"a":2}', b"[" * 50_000, b"9" * 5000, b"{} {}"],
)
def test_a_body_that_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(BankInvalidAnswer, match="not JSON"):
        Answer(200, {"content-type": "application/json"}, body).json()


@pytest.mark.parametrize("label", ["text/html", "", "application/jsonp", "text/json"])
def test_json_under_another_label_is_refused(label: str) -> None:
    with pytest.raises(BankInvalidAnswer, match="not JSON"):
        Answer(200, {"content-type": label}, b"{}").json()


@pytest.mark.parametrize("coding", [(), ("Content-Encoding: gzip",)])
@pytest.mark.parametrize("piece", [b"0.5,", b"[],", b"{},"])
def test_a_body_of_too_many_values_is_refused_and_counts_as_a_failure(piece: bytes, coding: tuple[str, ...]) -> None:
    body = b"[" + piece * 400_000 + b"1]"
    with serving(answering(gzip.compress(body, 1, mtime=0) if coding else body, headers=coding)) as server:
        client = OutboundClient(server.allowed, 5.0, tls=TLS)
        for _ in range(FAILURES_TO_OPEN):
            with pytest.raises(BankInvalidAnswer, match="too large"):
                client.get(server.url(), {}, breaker="bank")
        with pytest.raises(BankUnavailable, match="rest"):
            client.get(server.url(), {}, breaker="bank")
