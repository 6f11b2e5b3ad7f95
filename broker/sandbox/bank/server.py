"""One bank's server: starts, says one clear line when it cannot, stops when told."""

import argparse
import errno
import signal
import socket
import sys
from pathlib import Path
from threading import Event
from types import FrameType

from waitress import create_server, wasyncore

from broker.sandbox.bank.app import create_app, open_bank
from broker.sandbox.bank.config import ConfigError, load_config
from broker.sandbox.bank.context import Bank

_HOST = "127.0.0.1"
_THREADS = 8
_CANNOT_START = 2


def main() -> int:
    """Serve until asked to stop and return the exit status."""
    parser = argparse.ArgumentParser(prog="broker.sandbox.bank", description="Serve one sandbox bank.")
    parser.add_argument("--config", required=True, type=Path, help="the bank's JSON configuration")
    stopping = Event()
    _stop_on_signals(stopping)
    try:
        config = load_config(parser.parse_args().config)
        # The port comes first: a second bank on the same files is turned away before it writes to them.
        with _bound(config.port) as listener:
            return _serve(open_bank(config, stopping), listener)
    except ConfigError as error:
        print(f"bank: {error}", file=sys.stderr)  # noqa: T201 - the one line a starter shows
        return _CANNOT_START


def _bound(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        raise ConfigError(f"port {port} is in use" if taken else f"cannot listen on port {port}") from error
    return listener


def _serve(bank: Bank, listener: socket.socket) -> int:
    connections: dict[int, object] = {}
    server = create_server(create_app(bank), map=connections, sockets=[listener], threads=_THREADS, ident=None)
    server.run()
    wasyncore.close_all(connections)
    return 0


def _stop_on_signals(stopping: Event) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()
        # Once it serves, waitress takes this as the word to finish what is being answered and return.
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
