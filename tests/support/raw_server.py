"""A TCP server on loopback that does with each connection whatever a test says, and counts them."""

import contextlib
import itertools
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

Behaviour = Callable[[socket.socket, bytes], None]

PORTS = range(8470, 8490)


class RawServer:
    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.behaviour = behaviour
        self.requests: list[bytes] = []
        self.connections = 0
        self._tls = tls
        self._listener = bound_socket()
        self.port: int = self._listener.getsockname()[1]
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset({f"localhost:{self.port}", f"127.0.0.1:{self.port}"})

    def url(self, path: str = "/", scheme: str = "http", host: str = "localhost") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def wait_until_closing(self, seconds: float) -> bool:
        return self._closing.wait(seconds)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(plain)
            plain.settimeout(5)
            # Clients that cut the line early are what these tests are about.
            stack.enter_context(contextlib.suppress(OSError))
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            stack.enter_context(connection)
            request = _whole_request(connection)
            if request:
                self.requests.append(request)
                self.behaviour(connection, request)


def bound_socket() -> socket.socket:
    # Each test process begins elsewhere in the range, so that parallel runs rarely meet.
    start = os.getpid() % len(PORTS)
    for port in itertools.islice(itertools.cycle(PORTS), start, start + len(PORTS)):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(16)
        except OSError:
            listener.close()
        else:
            return listener
    raise RuntimeError("no free port in the tests' range")


def _whole_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request:
        chunk = connection.recv(65_536)
        if not chunk:
            return b""
        request += chunk
    head, _, body = request.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    wanted = int(lengths[0]) if lengths else 0
    while len(body) < wanted:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def answering(body: bytes = b"{}", status: str = "200 OK", headers: tuple[str, ...] = ()) -> Behaviour:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    if not any(line.lower().startswith("content-type") for line in headers):
        lines.append("Content-Type: application/json")
    answer = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body

    def behave(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(answer)

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    remaining = iter(behaviours)

    def behave(connection: socket.socket, request: bytes) -> None:
        next(remaining)(connection, request)

    return behave


@contextlib.contextmanager
def serving(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    server = RawServer(behaviour, tls)
    try:
        yield server
    finally:
        server.close()
