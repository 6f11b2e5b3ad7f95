"""gunicorn with our worker: what it listens on, its limits, and its log lines in our format."""

import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from broker.cli.serving.processors import allowed, chosen
from broker.cli.serving.room import Load
from broker.cli.serving.worker import STOPS, Worker
from broker.errors import BrokerError

_log = structlog.get_logger(__name__)

_GRACE_S = 20
_REQUEST_LINE_BYTES = 4_094
_HEADER_FIELDS = 60
_HEADER_BYTES = 16_384  # a DPoP proof with a large RSA key and a long assertion fit
_DESCRIPTORS_KEPT = 768  # for databases, banks, logs, and two for each fence that one act may take
_BEFORE_NEXT_TRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Where to serve, with how much of what; a client may take so many seconds for a whole head, for a whole body."""

    host: str
    port: int
    workers: int
    threads: int
    body_max_bytes: int
    head_s: float = 10.0
    body_s: float = 20.0
    connections: int = 2_000  # of each process
    requests: int = 256  # that a process has taken on and not yet answered; more are refused
    pinning: str = "auto"


class _JsonLogger(Logger):  # type: ignore[misc] # gunicorn has no type information
    """Lets gunicorn's own lines go through our JSON format."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Arbiter(Arbiter):  # type: ignore[misc] # gunicorn has no type information
    """gunicorn's parent, whose workers never judge by two sets of policies at a time."""

    def handle_hup(self) -> None:
        """Go over to what the operator has changed, if it can be used.

        The old workers take no more connections, and finish what they have begun; connections wait for the new ones.
        """
        if not self.app.renew():
            return
        for pid in list(self.WORKERS):
            self.kill_worker(pid, signal.SIGTERM)
        super().handle_hup()


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no type information
    """Serves what `build` returns; every worker builds its own after the fork.

    `renew` is asked in the parent on SIGHUP, before other workers are made: False keeps those that there are. `load` is
    told how many requests each process has in hand, and which process has ended.
    """

    def __init__(
        self,
        build: Callable[[], Any],
        limits: Limits,
        log_level: str,
        renew: Callable[[], bool] = lambda: True,
        load: Load | None = None,
    ) -> None:
        self._build = build
        self.renew = renew
        self.limits = limits
        self.load_told = load
        self._log_level = log_level
        self.lifeline = os.pipe()  # workers hold the reading end: it ends when the parent does, however that happens
        super().__init__()

    def run(self) -> None:
        """Serve until stopped. A stop reaches a worker also when it comes while that one is forked."""
        os.register_at_fork(
            before=partial(signal.pthread_sigmask, signal.SIG_BLOCK, STOPS),
            after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, STOPS),
        )
        _Arbiter(self).run()

    def load_config(self) -> None:
        limits = self.limits
        options: dict[str, Any] = {
            "bind": [f"{limits.host}:{limits.port}"],
            "workers": limits.workers,
            "threads": limits.threads,
            "worker_class": Worker,
            "worker_connections": _connections(limits.connections),
            "graceful_timeout": _GRACE_S,
            "limit_request_line": _REQUEST_LINE_BYTES,
            "limit_request_fields": _HEADER_FIELDS,
            "limit_request_field_size": _HEADER_BYTES,
            "header_map": "refuse",  # a_b and a-b would be one variable
            "control_socket_disable": True,  # one more way in that nobody needs
            "forwarded_allow_ips": "",  # links come from BROKER_BASE_URL, never from headers
            "proc_name": "broker",
            "errorlog": "-",
            "loglevel": self._log_level.lower(),
            "logger_class": _JsonLogger,
            "pre_fork": self._place,
            "child_exit": self._ended,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def _place(self, arbiter: Any, worker: Any) -> None:
        taken = [one.processor for one in arbiter.WORKERS.values()]
        worker.processor = chosen(self.limits.pinning, self.limits.workers, allowed(), taken)

    def _ended(self, _arbiter: Any, worker: Any) -> None:
        if self.load_told is not None:
            self.load_told.ended(worker.pid)

    def load(self) -> Any:
        """Build the application; when it cannot be now (the database is away), end this worker to try again.

        gunicorn takes any other failure for a mistake that lasts, and stops everything.
        """
        try:
            return self._build()
        except BrokerError as error:
            _log.error("server.worker_not_ready", code=error.code)
            time.sleep(_BEFORE_NEXT_TRY_S)
            raise SystemExit(1) from error


def _connections(wanted: int) -> int:
    """Return how many connections a process may hold, after asking the kernel for as many files as it allows us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = wanted + _DESCRIPTORS_KEPT
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(1, files - _DESCRIPTORS_KEPT)
