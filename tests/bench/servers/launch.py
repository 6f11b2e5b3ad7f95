"""Starts one candidate with two processes of eight threads: `python -m tests.bench.servers.launch NAME PORT`."""

import os
import signal
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.bench.servers.app import app

WORKERS, THREADS = 2, 8
_APP = "tests.bench.servers.app:app"


def broker(port: int) -> None:
    server = import_module("broker.cli.serving.server")
    server.Server(lambda: app, server.Limits("127.0.0.1", port, WORKERS, THREADS, 1 << 17), "WARNING").run()


def gunicorn(port: int) -> None:
    options = f"-w {WORKERS} --threads {THREADS} -k gthread -b 127.0.0.1:{port} --log-level warning"
    sys.argv = ["gunicorn", *options.split(), "--no-control-socket", _APP]
    import_module("gunicorn.app.wsgiapp").run()


def waitress(port: int) -> None:
    create = import_module("waitress").create_server
    _fork(port, lambda listener: create(app, sockets=[listener], threads=THREADS, connection_limit=1000).run())


def cheroot(port: int) -> None:
    class OnGivenSocket(import_module("cheroot.wsgi").Server):  # type: ignore[misc] # cheroot has no type information
        def bind(self, *_arguments: Any) -> socket.socket:
            self.socket = self.given
            return self.socket

    def run(listener: socket.socket) -> None:
        server = OnGivenSocket(("127.0.0.1", port), app, numthreads=THREADS, max=THREADS)
        server.given = listener
        signal.signal(signal.SIGTERM, lambda *_: server.stop())
        server.start()

    _fork(port, run)


def granian(port: int) -> None:
    import_module("granian").Granian(
        _APP,
        address="127.0.0.1",
        port=port,
        interface="wsgi",
        workers=WORKERS,
        blocking_threads=THREADS,
        log_level=import_module("granian.log").LogLevels.warning,
    ).serve()


def uvicorn(port: int) -> None:
    import_module("uvicorn").run(
        "tests.bench.servers.launch:asgi", port=port, workers=WORKERS, log_level="warning", access_log=False
    )


def _fork(port: int, run: Callable[[socket.socket], None]) -> None:
    """Run workers on one listening socket, and stop them with this process."""
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    children = []
    for _ in range(WORKERS):
        child = os.fork()
        if child == 0:
            run(listener)
            os._exit(0)
        children.append(child)
    signal.signal(signal.SIGTERM, lambda *_: [os.kill(child, signal.SIGTERM) for child in children])
    for child in children:
        os.waitpid(child, 0)


def __getattr__(name: str) -> Any:
    if name != "asgi":
        raise AttributeError(name)
    return import_module("a2wsgi").WSGIMiddleware(app, workers=THREADS)


CANDIDATES: dict[str, Callable[[int], None]] = {
    "broker": broker,
    "gunicorn": gunicorn,
    "waitress": waitress,
    "cheroot": cheroot,
    "granian": granian,
    "uvicorn": uvicorn,
}

if __name__ == "__main__":
    CANDIDATES[sys.argv[1]](int(sys.argv[2]))
