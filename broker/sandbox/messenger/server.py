"""Messenger's server: starts, says one clear line when it cannot, stops when told."""

import errno
import logging
import signal
import sys
from pathlib import Path
from types import FrameType

import waitress

from .app import create_app
from .config import ConfigError, load

ADDRESS = "127.0.0.1"
CANNOT_START = 2


def serve(config_path: Path) -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        config = load(config_path)
        server = waitress.create_server(
            create_app(config),
            host=ADDRESS,
            port=config.port,
            threads=8,
            ident=None,
            max_request_body_size=64 * 1024,
            channel_timeout=30,
        )
    except ConfigError as error:
        return _say_why(str(error))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _say_why(f"port {config.port} is in use; stop what listens there, or give another port")
        return _say_why(f"cannot listen on port {config.port} ({error.strerror})")
    signal.signal(signal.SIGTERM, _stop)
    server.run()
    server.close()
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> None:
    # Waitress ends its loop on SystemExit and lets its threads finish what they do.
    raise SystemExit


def _say_why(why: str) -> int:
    sys.stderr.write(f"messenger: {why}\n")
    return CANNOT_START
