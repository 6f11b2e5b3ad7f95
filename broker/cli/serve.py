"""`broker serve`: worker processes behind one listening socket."""

import errno
import socket
from dataclasses import replace
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from broker.app import build_services, create_app
from broker.errors import ConfigurationInvalid
from broker.settings import Settings, load_settings
from broker.storage.schema import check_revision
from broker.telemetry import configure_logging

_GRACE_S = 20
_REQUEST_LINE_BYTES = 4_094
_HEADER_FIELDS = 60
_HEADER_BYTES = 16_384  # a DPoP proof with a large RSA key and a long assertion fit


class _JsonLogger(Logger):  # type: ignore[misc] # gunicorn has no type information
    """Lets gunicorn's own lines go through our JSON format."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Server(BaseApplication):  # type: ignore[misc] # gunicorn has no type information
    """Hands the settings to gunicorn; every worker builds its own services after the fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        options: dict[str, Any] = {
            "bind": [f"{settings.host}:{settings.port}"],
            "workers": settings.workers,
            "threads": settings.threads,
            "worker_class": "gthread",
            "graceful_timeout": _GRACE_S,
            "limit_request_line": _REQUEST_LINE_BYTES,
            "limit_request_fields": _HEADER_FIELDS,
            "limit_request_field_size": _HEADER_BYTES,
            "control_socket_disable": True,  # one more way in that nobody needs
            "forwarded_allow_ips": "",  # links come from BROKER_BASE_URL, never from headers
            "proc_name": "broker",
            "errorlog": "-",
            "loglevel": settings.log_level.lower(),
            "logger_class": _JsonLogger,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        configure_logging(self._settings.log_level)
        return create_app(build_services(self._settings))


@click.command()
@click.option("--workers", type=click.IntRange(1, 64), default=None, help="Processes; default BROKER_WORKERS.")
@click.option("--threads", type=click.IntRange(1, 256), default=None, help="Threads each; default BROKER_THREADS.")
def serve(workers: int | None, threads: int | None) -> None:
    """Serve the broker until stopped."""
    settings = load_settings()
    settings = replace(settings, workers=workers or settings.workers, threads=threads or settings.threads)
    configure_logging(settings.log_level)
    _check(settings)
    _Server(settings).run()


def _check(settings: Settings) -> None:
    """Refuse to start, in one clear line, what every worker would refuse again and again."""
    services = build_services(settings)
    services.database.check_durability()
    check_revision(services.database)
    services.database.close()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            raise ConfigurationInvalid(f"Port {settings.port} {reason}. Set BROKER_PORT to another one.") from error
