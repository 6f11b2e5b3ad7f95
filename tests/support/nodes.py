"""Several `broker serve`, each as on a machine of its own, on one PostgreSQL behind one address."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.fleet import ROOT, Fleet, standing_fleet
from tests.support.front import Front, listening
from tests.support.served import Server, free_ports


@dataclass(frozen=True, slots=True)
class Node:
    """One `broker serve` with its own port and data folder."""

    port: int
    server: Server


@dataclass
class Nodes:
    """The nodes and what is before them: the fleet's own port is that of the front."""

    fleet: Fleet
    front: Front
    nodes: list[Node]


@contextmanager
def running_nodes(
    folder: Path, database_url: str, *, code: Path = ROOT, count: int = 3, threads: int = 16, **environment: str
) -> Iterator[Nodes]:
    """Start so many nodes of one process each, and the front; stop them afterwards.

    They share the key file and the policies, as an operator copies them. `environment` is for all of them. Half of the
    `threads` of a node may wait for one bank: when a node dies, those that are left have room for its callers.
    """
    with (
        standing_fleet(folder, database_url, (code, "broker"), size=(1, threads), **environment) as fleet,
        ExitStack() as stack,
    ):
        ports = [port for port in free_ports(count + 1) if port != fleet.port][:count]
        nodes = [Node(port, _server(fleet, folder, code, port, threads)) for port in ports]
        for node in nodes:
            node.server.start()
            stack.callback(_ended, node.server)
        fleet.server = nodes[0].server
        for node in nodes:
            node.server.wait()
        yield Nodes(fleet, stack.enter_context(listening(Front(fleet.port, ports))), nodes)


def _server(fleet: Fleet, folder: Path, code: Path, port: int, threads: int) -> Server:
    own = folder / f"node-{port}"
    own.mkdir()
    told = {
        "BROKER_PORT": str(port),
        "BROKER_DATA_DIR": str(own),
        "BROKER_KEY_FILE": str(fleet.services.settings.key_file),
    }
    options = ("--workers", "1", "--threads", str(threads))
    return Server(code, fleet.server.environment | told, port, own / "serve.log", *options)


def _ended(server: Server) -> None:
    """Stop a node that still runs; who was killed has ended."""
    if server.process is not None and server.process.poll() is None:
        server.stop()
