"""Quick HTTP over raw sockets that stay open: one line carries one request at a time, bursts end at one instant."""

import json
import select
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

_TIMEOUT_S = 30.0
_READ_BYTES = 65_536
_END_OF_HEAD = b"\r\n\r\n"


class LineBroken(Exception):
    """The connection ended before the whole answer had come: what the request did is not known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer, with the monotonic instants (ns) between which the call happened."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    called_ns: int
    returned_ns: int

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Return the code of a refusal, empty for anything else."""
        if not self.headers.get("content-type", "").endswith("json"):
            return ""
        body = self.json()
        return str(body.get("code") or body.get("error") or "") if isinstance(body, dict) else ""


def message(
    method: str,
    path: str,
    headers: Mapping[str, str],
    form: Mapping[str, Any] | Sequence[tuple[str, str]] | None = None,
) -> bytes:
    """Write a request as bytes; a form becomes its body."""
    body = b"" if form is None else urlencode(form, doseq=True).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    if form is not None:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Line:
    """One connection to the broker, opened when needed and again when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._called_ns = 0

    @property
    def is_open(self) -> bool:
        """Say whether there is a connection, as far as we know."""
        return self._socket is not None

    @property
    def local_port(self) -> int:
        """Return our end's port, by which traces know this connection."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    def open(self) -> None:
        """Connect, unless the connection is there and still good."""
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self.close()  # nothing can have been sent to us but the end
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=_TIMEOUT_S)
            if self._socket.getsockname() == self._socket.getpeername():
                # Nobody listens, and the kernel gave us that very port: we would answer ourselves.
                self.close()
                raise ConnectionRefusedError
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        """Send bytes of a request on the open connection.

        Raises: LineBroken
        """
        assert self._socket is not None
        self._called_ns = time.monotonic_ns()
        try:
            self._socket.sendall(data)
        except OSError as error:
            self._broken(error)

    def receive(self) -> Answer:
        """Read one answer.

        Raises: LineBroken
        """
        head, _, rest = self._read_until(_END_OF_HEAD).partition(_END_OF_HEAD)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = self._read_body(rest, int(headers.get("content-length", "0")))
        answer = Answer(int(first.split(" ")[1]), headers, body, self._called_ns, time.monotonic_ns())
        if headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def call(self, request: bytes) -> Answer:
        """Send a request and read its answer.

        Raises: LineBroken
        """
        try:
            self.open()
        except OSError as error:
            self._called_ns = time.monotonic_ns()
            self._broken(error)
        self.send(request)
        return self.receive()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __del__(self) -> None:
        self.close()  # callers come and go with their threads; a line that nobody holds has ended

    def _read_until(self, end: bytes) -> bytes:
        data = b""
        while end not in data:
            data += self._read()
        return data

    def _read_body(self, start: bytes, length: int) -> bytes:
        while len(start) < length:
            start += self._read()
        return start

    def _read(self) -> bytes:
        if self._socket is None:
            raise LineBroken
        try:
            data = self._socket.recv(_READ_BYTES)
        except OSError as error:
            self._broken(error)
        if not data:
            self._broken(None)
        return data

    def _broken(self, cause: Exception | None) -> None:
        self.close()
        raise LineBroken from cause


def burst(lines: Sequence[Line], requests: Sequence[bytes]) -> list[Answer]:
    """Send all requests so that their last bytes leave within microseconds of one another; return all answers."""
    for line, request in zip(lines, requests, strict=True):
        line.open()
        line.send(request[:-1])
    for line, request in zip(lines, requests, strict=True):
        line.send(request[-1:])
    return [line.receive() for line in lines]
