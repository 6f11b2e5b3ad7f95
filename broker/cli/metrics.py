"""`broker metrics`: tells a monitoring program on this machine what happens in the broker."""

import signal
import threading

import click

from broker.audit.witnesses import configured_witnesses
from broker.clock import system_clock
from broker.errors import ConfigurationInvalid
from broker.metrics.exposition import exposition
from broker.metrics.opening import make_folder
from broker.metrics.stored import Stored
from broker.settings import load_settings
from broker.storage.clock_file import own_clock
from broker.storage.engine import Database
from broker.telemetry import configure_logging

_CONNECTIONS = 2


@click.command()
def metrics() -> None:
    """Tell the figures of this machine's broker at /metrics until stopped."""
    settings = load_settings()
    configure_logging(settings.log_level)
    if settings.metrics_port is None:
        raise ConfigurationInvalid("Set BROKER_METRICS_PORT to the port on which /metrics shall be told.")
    names = tuple(witness.name for witness in configured_witnesses(settings).members)
    stored = Stored(Database(settings.database_url, _CONNECTIONS), own_clock(settings, system_clock), names)
    server = exposition(make_folder(settings), stored, settings.metrics_port)
    for number in (signal.SIGTERM, signal.SIGINT):
        # In a thread: it waits for the loop, which this very thread runs.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        server.serve_forever()
