"""A witness that lies: it reads the request as one would, and sends back whatever a test says."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from broker.tlog.witness import AddCheckpoint, parse_add_checkpoint

Lie = Callable[[socket.socket, AddCheckpoint], None]


def answer(status: int, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} So", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def saying(status: int, body: bytes = b"", *headers: str) -> Lie:
    return lambda line, _request: line.sendall(answer(status, body, *headers))


@contextmanager
def lying(lie: Lie) -> Iterator[int]:
    """Listen until the block ends; the port is given."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, lie), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(20)


def _serve(listener: socket.socket, lie: Lie) -> None:
    while True:
        try:
            line, _ = listener.accept()
        except OSError:
            return
        with line, contextlib.suppress(OSError):
            line.settimeout(10)
            lie(line, parse_add_checkpoint(_body(line)))


def _body(line: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += line.recv(65_536)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [row.partition(b":")[2] for row in head.split(b"\r\n") if row.lower().startswith(b"content-length:")]
    while len(body) < int(lengths[0]):
        body += line.recv(65_536)
    return body
