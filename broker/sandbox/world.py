"""Starts a whole world: the broker, two banks with their witnesses and a chat platform, processes that talk HTTP."""

import fcntl
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from broker.errors import ConfigurationInvalid
from broker.sandbox.info import refresh_processes
from broker.sandbox.layout import MESSENGER, Layout, layout_of
from broker.sandbox.processes import Processes
from broker.settings import Settings

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
            layout.messenger_rest_file.unlink(missing_ok=True)  # a world begins whole
            # It needs the whole broker, which a world that cannot start does without.
            from broker.sandbox.beginning import start  # noqa: PLC0415 - see above

            announce(start(settings, layout, processes))
            _watch(layout, processes)
        except _Stopped:
            pass
        finally:
            # A second Ctrl-C must not leave anything running either.
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            processes.stop()
            layout.info_file.unlink(missing_ok=True)


def _watch(layout: Layout, processes: Processes) -> None:
    while True:
        time.sleep(_WATCH_S)
        _follow_wish(layout, processes)
        if (name := processes.first_ended()) is not None:
            raise ConfigurationInvalid(f"{name} has stopped by itself; see {processes.log_dir / name}.log")


def _follow_wish(layout: Layout, processes: Processes) -> None:
    """Stop Messenger, or start it again, as `broker sandbox messenger` wants it; nobody else may be away."""
    rests, runs = layout.messenger_rest_file.exists(), MESSENGER in processes.running
    if rests is not runs:
        return
    if rests:
        processes.end(MESSENGER)
    else:
        processes.start_again(MESSENGER)
        processes.wait_ready(MESSENGER, f"{layout.messenger_url}/healthz")
    refresh_processes(layout, {name: process.pid for name, process in processes.running.items()})


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
