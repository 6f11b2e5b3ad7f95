"""The witness's HTTP, all of it bounded in size, time and number.

`POST /add-checkpoint`, `GET /<origin hash>/checkpoint` and `GET /healthz`; both prefixes of C2SP tlog-witness are one.
"""

import io
import re
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from broker.tlog.witness import LARGEST_REQUEST
from broker.witness.deadline import DeadlineReader
from broker.witness.service import Reply, Witness

_MOST_BYTES = LARGEST_REQUEST + 64 * 1024  # of one request, with its head
_MOST_CONNECTIONS = 64
_REQUEST_S = 10.0
_LENGTH = re.compile(r"[0-9]{1,9}")
_CHECKPOINT = re.compile(r"/([^/?#]+)/checkpoint")


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness with a thread for each connection, `most_connections` at most.

    A request (head and body) must have come within `request_s`; an idle connection is closed after the same time.
    `tell` hears of each answer of `/add-checkpoint`.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        witness: Witness,
        tell: Callable[[Reply], None],
        *,
        most_connections: int = _MOST_CONNECTIONS,
        request_s: float = _REQUEST_S,
    ) -> None:
        self.witness = witness
        self.tell = tell
        self.request_s = request_s
        self._room = threading.BoundedSemaphore(most_connections)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Conversation)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give the connection a thread, or close it when all are taken: an answer would take one."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # the machine has no further thread
            self._room.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve the connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that is gone or late is no event."""


class _Conversation(BaseHTTPRequestHandler):
    """The requests of one connection."""

    server: WitnessServer
    protocol_version = "HTTP/1.1"
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(message)s\n"

    def setup(self) -> None:
        """Read through a deadline; writing has the same time."""
        super().setup()
        self.connection.settimeout(self.server.request_s)
        self._reader = DeadlineReader(self.connection, self.server.request_s, _MOST_BYTES)
        self.rfile = io.BufferedReader(self._reader)

    def handle_one_request(self) -> None:
        """Serve one request within its own time."""
        self._reader.restart()
        super().handle_one_request()

    def do_POST(self) -> None:
        """Take a checkpoint."""
        if self.path != "/add-checkpoint":
            self._refuse(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
        elif (body := self._body()) is not None:
            reply = self.server.witness.add_checkpoint(body)
            self.server.tell(reply)
            self._answer(reply)

    def do_GET(self) -> None:
        """Show a checkpoint, or that the witness lives."""
        if self.path == "/healthz":
            self._answer(Reply(HTTPStatus.OK, b"ok\n"))
        elif match := _CHECKPOINT.fullmatch(self.path):
            self._answer(self.server.witness.checkpoint(match[1]))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "There is nothing at this address.")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 - the signature is http.server's
        """Refuse what is no request; nothing of it is repeated, so the texts of http.server are not used."""
        status = HTTPStatus(code)
        self.request_version = self.protocol_version  # else an unreadable one would be answered without a head
        self._refuse(status, f"{status.phrase}.")

    def version_string(self) -> str:
        """Name the program, not its version."""
        return "consent-broker-witness"

    def log_message(self, *_: Any) -> None:
        """Say nothing: paths are anybody's text; `tell` hears what matters."""

    def _body(self) -> bytes | None:
        """Return the body; None when it was refused, then the connection ends."""
        lengths = self.headers.get_all("Content-Length") or []
        if self.headers.get("Transfer-Encoding") is not None or len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "Send one Content-Length, and no Transfer-Encoding.")
        elif (length := int(lengths[0])) > LARGEST_REQUEST:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
        else:
            body = self.rfile.read(length)
            if len(body) == length:
                return body
            self.close_connection = True
        return None

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        # What follows on this connection may be the rest of a body that nobody has read.
        self.close_connection = True
        self._answer(Reply(status, f"{reason}\n".encode()))

    def _answer(self, reply: Reply) -> None:
        self.connection.settimeout(self.server.request_s)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(reply.body)
