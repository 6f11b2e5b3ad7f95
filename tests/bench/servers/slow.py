"""Clients that hold on to a server: they send nothing, or a byte a second, or never read."""

import contextlib
import socket
import threading
from typing import Self

_OPENINGS = {
    "idle": b"",
    "headers": b"GET /hello HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "bodies": b"POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\n",
    "readers": b"GET /large/1000000 HTTP/1.1\r\nHost: localhost\r\n\r\n",
}
KINDS = tuple(_OPENINGS)


class SlowClients:
    """A number of slow clients of one kind, who come back when they are cut off; used as a context."""

    def __init__(self, port: int, kind: str, number: int) -> None:
        self._port = port
        self._opening = _OPENINGS[kind]
        self._drips = kind in {"headers", "bodies"}
        self._connections: list[socket.socket | None] = [None] * number
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._drip)
        self.cut = 0

    def __enter__(self) -> Self:
        self._open()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        for connection in filter(None, self._connections):
            connection.close()

    def _drip(self) -> None:
        second = 0
        while not self._stopped.wait(1):
            second += 1
            for index, connection in enumerate(self._connections):
                # Who never reads does not see that it was cut: a fifth of them comes anew each second.
                stale = not self._drips and self._opening and index % 5 == second % 5
                if connection is not None and (stale or not self._is_open(connection)):
                    self.cut += 1
                    connection.close()
                    self._connections[index] = None
            self._open()

    def _open(self) -> None:
        for index, connection in enumerate(self._connections):
            if connection is None:
                with contextlib.suppress(OSError):
                    self._connections[index] = self._new()

    def _new(self) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(2)
        connection.connect(("127.0.0.1", self._port))
        connection.setblocking(False)
        connection.send(self._opening)
        return connection

    def _is_open(self, connection: socket.socket) -> bool:
        try:
            if self._drips:
                connection.send(b"x")
            if self._opening and not self._drips:
                return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
            return connection.recv(1024) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False
