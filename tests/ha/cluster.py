"""Three machines with one database: who leads, whether its changes are kept elsewhere, and who comes back."""

import contextlib
import random
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.ha.node import PACKAGES, USER, Node, Ports, until_gone
from tests.support.memory import MEMORY
from tests.support.postgres import handed_over, programs

_MACHINES = 3
_PORTS = range(18_000, 20_000)
_ROOM_BYTES = 3 * 1024**3
_FORMED_S, _BACK_S = 90.0, 90.0
_RULES = {
    # The shortest life of a leader's lease that Patroni allows: what a fail-over waits for.
    "ttl": 20,
    "loop_wait": 2,
    "retry_timeout": 8,
    "synchronous_mode": "quorum",
    "synchronous_mode_strict": True,
    "synchronous_node_count": 1,
    "postgresql": {
        "use_pg_rewind": True,
        "use_slots": True,
        "parameters": {
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "max_connections": 200,
            "shared_buffers": "64MB",
            "wal_keep_size": "256MB",
            "max_wal_size": "256MB",
        },
    },
}
ASYNCHRONOUS = {"synchronous_mode": False, "synchronous_mode_strict": False}
"""What makes an acknowledged change live on one machine alone: for the control."""


@dataclass
class Cluster:
    """The three machines. `identity` runs them; `kept_elsewhere` is whether a change waits for a second machine."""

    nodes: list[Node]
    identity: dict[str, Any]
    kept_elsewhere: bool

    def url(self, database: str) -> str:
        """Return the address of a database that leads to whichever machine takes changes."""
        hosts = "&".join(f"host=127.0.0.1:{node.ports.postgres}" for node in self.nodes)
        return f"postgresql://{USER}@/{database}?{hosts}&target_session_attrs=read-write"

    def new_database(self, name: str) -> str:
        """Create a database on the leader, and return its address."""
        place = f"host=127.0.0.1 port={self.leader().ports.postgres} user={USER} dbname=postgres"
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def leader(self) -> Node:
        """Return the machine that takes changes."""
        (leading,) = (node for node in self.nodes if node.asked("/patroni").get("role") in {"primary", "master"})
        return leading

    def members(self) -> dict[str, dict[str, Any]]:
        """Return what the first machine that answers says of each."""
        told = next((found for node in self.nodes if (found := node.asked("/cluster"))), {})
        return {member["name"]: member for member in told.get("members", [])}

    def start(self) -> None:
        """Start all machines, and wait until two follow the third."""
        for node in self.nodes:
            node.start(self.identity)
        self._until(lambda: self.is_whole(_MACHINES), _FORMED_S)

    def comes_back(self, node: Node) -> None:
        """Start a machine that was killed, and wait until it follows who leads now."""
        node.start(self.identity)
        self._until(lambda: self.is_whole(_MACHINES) and self.leader() is not node, _BACK_S)

    def is_whole(self, machines: int) -> bool:
        """Say whether one leads and the others stream from it, on one history, as the mode wants it."""
        members = list(self.members().values())
        follows = "quorum_standby" if self.kept_elsewhere else "replica"
        roles = sorted(member["role"] for member in members)
        if roles != sorted(["leader", *[follows] * (machines - 1)]) or len({m.get("timeline") for m in members}) != 1:
            return False
        return all(
            member["state"] in {"running", "streaming"} for member in members if member["role"] == "leader"
        ) and all(member["state"] == "streaming" for member in members if member["role"] != "leader")

    def stop(self) -> None:
        """Stop all machines and forget their data."""
        for node in self.nodes:
            node.ends()
        for node in self.nodes:
            node.stop()

    def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            said = "\n".join(f"{node.name}: {node.said()}" for node in self.nodes)
            assert time.monotonic() < deadline, f"{self.members()}\n{said}"
            time.sleep(0.2)


@contextlib.contextmanager
def running_cluster(**rules: Any) -> Iterator[Cluster]:
    """Start three machines on memory-backed storage, fsync on; `rules` change what the cluster keeps to."""
    assert (PACKAGES / "patroni").is_dir(), "Patroni is not installed: run `make ha-test`"
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= _ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix="broker-ha-", dir=MEMORY if has_room else None))
    try:
        cluster = _built(folder, _RULES | rules)
        try:
            cluster.start()
            yield cluster
        finally:
            pids = [pid for node in cluster.nodes for pid in node.processes()]
            cluster.stop()
            until_gone(pids)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _built(folder: Path, rules: dict[str, Any]) -> Cluster:
    found, ports = programs(folder), _free_ports(3 * _MACHINES)
    places = [Ports(*ports[number : number + 3]) for number in range(0, len(ports), 3)]
    nodes = []
    for number, own in enumerate(places):
        name = f"node{number + 1}"
        (folder / name).mkdir()
        nodes.append(Node(name, folder / name, found, own, [place for place in places if place != own]))
        nodes[-1].configure(rules)
    return Cluster(nodes, handed_over(folder), rules["synchronous_mode"] == "quorum")


def _free_ports(count: int) -> list[int]:
    """Choose ports that nobody listens at now, below those that the kernel gives to callers."""
    free: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            free.append(port)
        if len(free) == count:
            return free
    raise AssertionError("no free ports")
