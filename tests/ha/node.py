"""One machine of a highly available database: Patroni with its PostgreSQL, started, killed at once, started again."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import yaml

from tests.support.postgres import clean
from tests.support.served import children_of

_ROOT = Path(__file__).resolve().parents[2]
PACKAGES = _ROOT / ".ha" / "packages"
"""Where `make ha-test` puts Patroni; the broker's own environment stays without it."""
_STOP_S = 20.0
_READ_BITS = {"dac_read_search": 2, "dac_override": 1}
USER = "broker"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where one machine listens, all on loopback."""

    postgres: int
    rest: int
    raft: int


class Node:
    """One machine. `rules` are what the whole cluster keeps to (Patroni's dynamic configuration)."""

    def __init__(self, name: str, folder: Path, programs: Path, ports: Ports, others: list[Ports]) -> None:
        self.name, self.folder, self.ports = name, folder, ports
        self._programs, self._others = programs, others
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, rules: dict[str, Any]) -> None:
        """Write the file that Patroni starts from."""
        (self.folder / "patroni.yml").write_text(yaml.safe_dump(self._configuration(rules)), encoding="utf-8")

    def start(self, identity: dict[str, Any]) -> None:
        """Start Patroni, which starts PostgreSQL, as a user who is not root."""
        environment = clean(self.folder) | {"PYTHONPATH": str(PACKAGES), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [*_dropping(identity), sys.executable, "-m", "patroni", str(self.folder / "patroni.yml")]
        with (self.folder / "patroni.log").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ends(self) -> None:
        """Ask Patroni to end, and PostgreSQL with it."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """Wait until everything has ended that was asked to; what does not is killed."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_S)
        self.kill()

    def kill(self) -> None:
        """End everything on this machine without a word (kill -9), as when its power goes."""
        pids = self.processes()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(_STOP_S)

    def hold_senders(self) -> int:
        """Stop the processes that send changes to the other machines; return how many there were."""
        senders = [pid for pid in children_of(self._postmaster() or 0) if b"walsender" in _command_of(pid)]
        for pid in senders:
            os.kill(pid, signal.SIGSTOP)
        return len(senders)

    def processes(self) -> list[int]:
        """Return the ids of Patroni, PostgreSQL and all of their children, parents first."""
        found = [] if self._process is None or self._process.poll() is not None else [self._process.pid]
        postmaster = self._postmaster()
        found += [] if postmaster is None else [postmaster]
        for pid in found:  # grows while we go along
            found += [child for child in children_of(pid) if child not in found]
        return found

    def asked(self, path: str) -> dict[str, Any]:
        """Ask Patroni; an empty answer says that nobody is there."""
        connection = HTTPConnection("127.0.0.1", self.ports.rest, timeout=5)
        try:
            connection.request("GET", path)
            told: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, ValueError):
            return {}
        finally:
            connection.close()
        return told

    def said(self) -> str:
        """Return the end of what Patroni and PostgreSQL wrote."""
        return (self.folder / "patroni.log").read_text(encoding="utf-8", errors="replace")[-3_000:]

    def _postmaster(self) -> int | None:
        """Return the id of this machine's PostgreSQL; a file that a killed one has left may name somebody else."""
        try:
            pid = int((self.folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if str(self.folder).encode() in _command_of(pid) else None

    def _configuration(self, rules: dict[str, Any]) -> dict[str, Any]:
        postgres, raft = f"127.0.0.1:{self.ports.postgres}", f"127.0.0.1:{self.ports.raft}"
        rest = f"127.0.0.1:{self.ports.rest}"
        trusted = ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust", "local all all trust"]
        return {
            "scope": "broker",
            "name": self.name,
            "restapi": {"listen": rest, "connect_address": rest},
            "raft": {
                "data_dir": str(self.folder / "raft"),
                "self_addr": raft,
                "partner_addrs": [f"127.0.0.1:{other.raft}" for other in self._others],
            },
            "bootstrap": {"dcs": rules, "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "no-sync"]},
            "postgresql": {
                "listen": postgres,
                "connect_address": postgres,
                "data_dir": str(self.folder / "data"),
                "bin_dir": str(self._programs),
                "pgpass": str(self.folder / "pgpass"),
                "authentication": {"superuser": {"username": USER}, "replication": {"username": "replicator"}},
                "parameters": {"unix_socket_directories": str(self.folder)},
                "pg_hba": trusted,
            },
        }


def until_gone(pids: list[int], seconds: float = _STOP_S) -> None:
    """Wait until these processes have ended; those of others are buried by init."""
    deadline = time.monotonic() + seconds
    while any(_command_of(pid) for pid in pids):
        assert time.monotonic() < deadline, pids
        time.sleep(0.01)


def _command_of(pid: int) -> bytes:
    """Return how a process was called, empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _dropping(identity: dict[str, Any]) -> list[str]:
    """Return the command that makes root a user whom PostgreSQL accepts, who still can read where Python lies."""
    if not identity:
        return []
    status = Path("/proc/self/status").read_text(encoding="ascii")
    bounding = int(status.partition("CapBnd:")[2].split()[0], 16)
    kept = next((f"+{name}" for name, bit in _READ_BITS.items() if bounding >> bit & 1), None)
    privilege = [] if kept is None else ["--inh-caps", kept, "--ambient-caps", kept]
    user, group = str(identity["user"]), str(identity["group"])
    return ["setpriv", "--reuid", user, "--regid", group, "--clear-groups", *privilege, "--"]
