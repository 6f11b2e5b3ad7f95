"""Starts the processes of a sandbox world, waits until they answer, and leaves none behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from broker.errors import ConfigurationInvalid

# Long: who has ended is noticed at once, and a busy machine may need a minute for each.
_READY_WITHIN_S = 180.0
_POLL_S = 0.1
_STOP_WITHIN_S = 15.0
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Processes:
    """The running processes of one world by name, in the order started."""

    log_dir: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _commands: dict[str, Sequence[str]] = field(default_factory=dict, init=False)

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start `python -m <arguments>` in a session of its own, so that Ctrl-C reaches this process alone."""
        self._commands[name] = arguments
        with (self.log_dir / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603 - our own modules, no shell
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_stop_with_parent,  # noqa: PLW1509 - this process has one thread
            )

    def wait_ready(self, name: str, url: str) -> None:
        """Return when the URL answers with success.

        Raises:
            ConfigurationInvalid: the process ended, and the log's last line is told; or it did not answer in three
                minutes.
        """
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            if self.running[name].poll() is not None:
                raise ConfigurationInvalid(f"{name} did not start: {self._last_line(name)}")
            try:
                with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - http on loopback, made by us
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(_POLL_S)
        raise ConfigurationInvalid(
            f"{name} has not answered for three minutes; is the machine very busy? See {self.log_dir / name}.log."
        )

    def first_ended(self) -> str | None:
        """Return the name of a process that has ended by itself, None while all run."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def start_again(self, name: str) -> None:
        """Start a process that was ended, by the command of the first time."""
        self.start(name, self._commands[name])

    def end(self, name: str) -> None:
        """Stop one process; the others go on."""
        alone = Processes(self.log_dir, {name: self.running.pop(name)})
        alone.stop()

    def stop(self) -> None:
        """Ask every process to stop, newest first; kill what has not stopped after 15 s."""
        for process in reversed(self.running.values()):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_WITHIN_S
        for process in self.running.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _last_line(self, name: str) -> str:
        path = self.log_dir / f"{name}.log"
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else f"see {path}"


def _stop_with_parent() -> None:
    """Have Linux send SIGTERM to this child when the world dies without a chance to stop it."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def family(pid: int) -> list[int]:
    """Return the process and its living children (Linux), the process alone elsewhere."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return [pid]
    return [pid, *map(int, children)]


def is_alive(pid: int) -> bool:
    """Say whether a process with this id runs."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
