"""`broker audit witness`: a tlog-witness that a bank runs beside the broker, without its database."""

import signal
import threading
from pathlib import Path

import click
import structlog

from broker.clock import system_clock
from broker.errors import ConfigurationInvalid
from broker.telemetry import configure_logging
from broker.witness.heads import Heads, HeadsUnusable
from broker.witness.key import generate_key, load_key
from broker.witness.known_logs import load_logs
from broker.witness.server import WitnessServer
from broker.witness.service import Reply, Witness

_log = structlog.get_logger(__name__)
_LOGS = """# Which logs this witness cosigns; docs/how-to/run-a-witness.md explains. One rule a line:
# log   <vkey of one log>
# years <vkey of a log named .../<year>: its successors under the same key too>
"""
_folder_option = click.option(
    "--folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Holds key.json, logs.txt and the heads.",
)


@click.group()
def witness() -> None:
    """Run a witness: it remembers each log's last head and cosigns only what continues it."""


@witness.command()
@_folder_option
@click.option("--name", required=True, help="A URL without scheme, such as harbor.example/witness.")
def generate(folder: Path, name: str) -> None:
    """Make the witness's folder and key, and print the vkey that the broker is configured with."""
    cosigner = generate_key(folder / "key.json", name)
    logs = folder / "logs.txt"
    if not logs.exists():
        logs.write_text(_LOGS, encoding="utf-8")
    click.echo(cosigner.vkey)


@witness.command()
@_folder_option
def vkey(folder: Path) -> None:
    """Print the vkey of a witness that was made before."""
    click.echo(load_key(folder / "key.json").vkey)


@witness.command()
@_folder_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; TLS is a proxy's task.")
@click.option("--port", default=8431, show_default=True, type=click.IntRange(1, 65_535), help="Port to listen at.")
def run(folder: Path, host: str, port: int) -> None:
    """Serve the witness until stopped."""
    heads = Heads(folder / "heads")
    try:
        heads.prepare()
    except HeadsUnusable as error:
        raise ConfigurationInvalid(f"The folder {folder / 'heads'} cannot be written.") from error
    service = Witness(load_key(folder / "key.json"), load_logs(folder / "logs.txt"), heads, system_clock)
    try:
        server = WitnessServer((host, port), service, _tell)
    except OSError as error:
        raise ConfigurationInvalid(f"Port {port} of {host} cannot be used: {error.strerror}.") from error
    configure_logging("INFO")
    _serve(server)


def _serve(server: WitnessServer) -> None:
    def stop(*_: object) -> None:
        # `shutdown` waits for the loop, which this thread runs.
        threading.Thread(target=server.shutdown, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with server:
        server.serve_forever()


def _tell(reply: Reply) -> None:
    _log.info("witness.asked", log=reply.origin, status=reply.status)
