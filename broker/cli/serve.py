"""`broker serve`: worker processes behind one listening socket."""

import errno
import gc
import socket
import threading
import time
from dataclasses import replace

import click
from flask import Flask

from broker.app import build_services, create_app
from broker.cli.serving.policies import PoliciesInUse
from broker.cli.serving.server import Limits, Server
from broker.edge.services import Services
from broker.errors import BrokerError, ConfigurationInvalid
from broker.metrics.around import MeasuredCalls
from broker.metrics.opening import open_figures
from broker.settings import Settings, load_settings
from broker.storage.base import prepare_models
from broker.storage.schema import check_revision
from broker.telemetry import configure_logging

_PORT_PATIENCE_S = 3.0  # the workers of a broker that was killed notice it, finish, and let go of the port
_PORT_PAUSE_S = 0.05


@click.command()
@click.option("--workers", type=click.IntRange(1, 64), default=None, help="Processes; default BROKER_WORKERS.")
@click.option("--threads", type=click.IntRange(1, 256), default=None, help="Threads each; default BROKER_THREADS.")
def serve(workers: int | None, threads: int | None) -> None:
    """Serve the broker until stopped."""
    settings = load_settings()
    settings = replace(settings, workers=workers or settings.workers, threads=threads or settings.threads)
    configure_logging(settings.log_level)
    policies = _check(settings)
    figures = open_figures(settings)
    prepare_models()
    gc.freeze()  # what the workers inherit: their searches for garbage need not look at it, nor copy its pages

    def build() -> Flask:
        configure_logging(settings.log_level)
        services = build_services(settings, catalogue=policies.catalogue, figures=figures)
        _start_confirming(services, policies)
        app = create_app(services)
        if figures is not None:
            app.wsgi_app = MeasuredCalls(app.wsgi_app, figures)  # type: ignore[method-assign] # Flask's documented way
        return app

    Server(build, _limits(settings), settings.log_level, policies.renew, figures).run()


def _limits(settings: Settings) -> Limits:
    return Limits(
        settings.host,
        settings.port,
        settings.workers,
        settings.threads,
        settings.request_max_bytes,
        requests=settings.requests_max,
        pinning=settings.pin_workers,
    )


def _start_confirming(services: Services, policies: PoliciesInUse) -> None:
    """Have the witnesses asked about every log at once, so that `/readyz` knows and the first call need not wait.

    A log that could not be told of the policies before is told as soon as they have answered.
    """

    def confirm() -> None:
        try:
            services.sequencer.permits.obtain_all()
            policies.tell(services)
        except BrokerError:
            return  # the database is away; each call asks by itself

    threading.Thread(target=confirm, name="confirming", daemon=True).start()


def _check(settings: Settings) -> PoliciesInUse:
    """Refuse to start, in one clear line, what every worker would refuse again and again.

    Return the policies that were read: all workers keep to them, also one that starts later in another's place.
    """
    services = build_services(settings)
    policies = PoliciesInUse(settings, services.catalogue, tells=True)
    services.database.check_durability()
    services.fences.prepare()
    check_revision(services.database)
    policies.tell(services)  # before anything is judged by them
    services.close()
    deadline = time.monotonic() + _PORT_PATIENCE_S
    while (error := _port_error(settings)) is not None:
        in_use = error.errno == errno.EADDRINUSE
        if not in_use or time.monotonic() > deadline:
            reason = "is in use" if in_use else f"cannot be used: {error.strerror}"
            raise ConfigurationInvalid(f"Port {settings.port} {reason}. Set BROKER_PORT to another one.") from error
        time.sleep(_PORT_PAUSE_S)
    return policies


def _port_error(settings: Settings) -> OSError | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return error
    return None
