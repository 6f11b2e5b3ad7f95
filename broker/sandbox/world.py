"""Starts a whole world: the broker, two banks with their witnesses and a chat platform, processes that talk HTTP."""

import fcntl
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from broker.app import build_services
from broker.audit.log_keys import LogKeys
from broker.clock import system_clock
from broker.crypto import key_file
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.errors import ConfigurationInvalid
from broker.sandbox import outsiders, witnesses
from broker.sandbox.facts import write_info
from broker.sandbox.layout import CLIENTS, Layout, layout_of
from broker.sandbox.processes import Processes
from broker.sandbox.registrations import register, sandbox_platforms
from broker.sandbox.secret_files import logins, public_jwks
from broker.settings import Settings, watch_sandbox
from broker.storage import schema
from broker.storage.engine import Database

_WATCH_S = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stopped(Exception):
    """Somebody asked the world to stop."""


def run(settings: Settings, announce: Callable[[dict[str, Any]], None]) -> None:
    """Run the world until asked to stop; `announce` is called with the info document once everything answers.

    Raises:
        ConfigurationInvalid: a port is taken, the folder cannot be written, or a process ended by itself.
    """
    layout = layout_of(settings)
    with _only_world_of(layout), _stopping_on_signals():
        processes = Processes(layout.folder("logs"))
        try:
            _check_ports(layout)
            announce(_start(settings, layout, processes))
            _watch(processes)
        except _Stopped:
            pass
        finally:
            # A second Ctrl-C must not leave anything running either.
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            processes.stop()
            layout.info_file.unlink(missing_ok=True)


def _start(settings: Settings, layout: Layout, processes: Processes) -> dict[str, Any]:
    if not settings.key_file.exists():
        generate_keyset(settings.key_file, system_clock())
    key_file.add_missing(settings.key_file, system_clock())  # of a sandbox of an earlier version
    people = logins(layout)
    jwks = public_jwks(layout, CLIENTS)
    keyset = load_keyset(settings.key_file)
    signed_by = LogKeys(keyset.log, keyset.retired_log)
    for bank in layout.banks:
        log = f"{settings.base_host}/audit/{bank.id}/{system_clock().year}"
        keys = outsiders.BrokerKeys(keyset.public_jwks(), signed_by.vkeys(log))
        path = outsiders.write_bank(layout, bank, people, keys)
        processes.start(bank.id, ["broker.sandbox.bank", "--config", str(path)])
    watchers = witnesses.prepare(layout, signed_by, settings.base_host)
    settings = watch_sandbox([f"{one.vkey} {one.url}" for one in watchers], witnesses.QUORUM)
    for one in watchers:
        processes.start(one.process, one.command)
    schema.upgrade(Database(settings.database_url))
    for one in watchers:
        processes.wait_ready(one.process, f"{one.url}/healthz")  # nothing is logged before they confirm the logs
    services = build_services(settings)
    clients = sandbox_platforms(layout, services.catalogue, jwks)
    register(services, layout, clients, {bank.id: outsiders.sign_in_scope(bank) for bank in layout.banks})
    services.close()
    processes.start("broker", ["broker", "serve"])
    processes.start("worker", ["broker", "worker"])
    processes.start("messenger", ["broker.sandbox.messenger", "--config", str(outsiders.write_messenger(layout))])
    for bank in layout.banks:
        processes.wait_ready(bank.id, f"{bank.url}/healthz")
    processes.wait_ready("broker", f"{layout.broker_url}/readyz")
    processes.wait_ready("messenger", f"{layout.messenger_url}/healthz")
    return write_info(settings, layout, people, clients, processes, watchers=watchers)


def _watch(processes: Processes) -> None:
    while True:
        time.sleep(_WATCH_S)
        if (name := processes.first_ended()) is not None:
            raise ConfigurationInvalid(f"{name} has stopped by itself; see {processes.log_dir / name}.log")


def _check_ports(layout: Layout) -> None:
    for name, port in layout.ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise ConfigurationInvalid(
                    f"Port {port}, which {name} needs, is in use. Stop what listens there, "
                    "or move all ports with BROKER_SANDBOX_PORT_BASE."
                ) from error


@contextmanager
def _only_world_of(layout: Layout) -> Iterator[None]:
    """Hold the data folder for this world alone; the lock ends with the process, however it ends."""
    try:
        layout.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (layout.data_dir / "world.lock").open("w", encoding="ascii")
    except OSError as error:
        raise ConfigurationInvalid(f"The folder {layout.data_dir} cannot be written: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationInvalid(f"A sandbox already runs on {layout.data_dir}.") from error
        yield


@contextmanager
def _stopping_on_signals() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _Stopped

    former = {number: signal.signal(number, stop) for number in _SIGNALS}
    yield
    for number, action in former.items():
        signal.signal(number, action)
