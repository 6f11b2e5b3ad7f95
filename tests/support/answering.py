"""A small HTTP server on loopback that answers what a test has written down, path by path."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class Answering:
    """`answers` maps a path to what is answered as JSON, or to a bare status; `at` is what its clock says."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None
    is_silent: bool = False
    closing: Event = field(default_factory=Event)

    @property
    def authority(self) -> str:
        return self.url.removeprefix("http://")


@contextmanager
def answering() -> Iterator[Answering]:
    told = Answering()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if told.is_silent:
                told.closing.wait(20)
            answer = told.answers.get(self.path, 404)
            body = b"{}" if isinstance(answer, int) else json.dumps(answer).encode()
            self.send_response_only(answer if isinstance(answer, int) else 200)
            self.send_header("Date", format_datetime(told.at or datetime.now(UTC), usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = True
    told.url = f"http://localhost:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield told
    finally:
        told.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
