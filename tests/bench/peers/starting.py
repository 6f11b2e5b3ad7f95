"""Starts the contenders, and stops them afterwards."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.peers.applications import ACCOUNTS, BANK
from tests.bench.peers.contenders import (
    Contender,
    Peer,
    Readers,
    get,
    machine_tokens,
    repeated,
)
from tests.bench.peers.django_site import TOKEN
from tests.support import postgres
from tests.support.fleet import ROOT, Fleet, running_fleet
from tests.support.quick_bank import QuickBank, accounts_of
from tests.support.served import free_port

HELLO, PROXY = "bare Flask", "plain Flask proxy of the bank"
DJANGO = "django-oauth-toolkit, token check, {}"
BEARER, DPOP = "node-oidc-provider, userinfo, bearer", "node-oidc-provider, userinfo, DPoP"
CALL, HTTP_CALL = "full call, {}", "full call, bank over HTTP, {}"
MANY, ONE_PROCESS = "full call, 100 transactions, SQLite", "full call, one process, SQLite"
TOKENS, PEER_TOKENS = "token endpoint, {}", "node-oidc-provider, token endpoint"
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_START_S = 30.0
_PROJECT = Path(__file__).resolve().parents[3]
_BENCH = _PROJECT / ".bench"
_MEMORY = "tests.bench.peers.in_memory"


@contextmanager
def peers(folder: Path) -> Iterator[list[Contender]]:
    """Start what is not ours; whoever is not installed is left out."""
    with ExitStack() as stack:
        found = [_hello(stack), _proxy(stack)]
        if (_BENCH / "django").is_dir():
            found += [_django(stack, folder / "django.db")]
        if (_BENCH / "oidc_provider" / "node_modules").is_dir():
            found += _node(stack)
        yield found


@contextmanager
def ours(database: str, folder: Path) -> Iterator[list[Contender]]:
    """Start the broker on one database: with banks in memory, with a bank over HTTP; on SQLite in one process too."""
    with ExitStack() as stack:
        server = stack.enter_context(_server(database, folder))
        name = DATABASES[database]

        def fleet(program: str, workers: int = 2) -> Fleet:
            own = folder / f"{program.rpartition('.')[2]}-{workers}"
            own.mkdir()
            url = postgres.PostgresServer(server["url"]).new_database() if server else None
            return stack.enter_context(running_fleet(own, url, workers=workers, program=program))

        def of(fleet: Fleet, called: str, category: str = "balances") -> Contender:
            assert fleet.server.process is not None
            prepare = Readers(fleet, category).prepare
            return Contender(called, fleet.port, fleet.server.main, prepare, database=server and int(server["pid"]))

        memory, real = fleet(_MEMORY), fleet("broker")
        found = [of(memory, CALL.format(name)), of(real, HTTP_CALL.format(name))]
        asking = machine_tokens([memory.caller() for _ in range(16)])
        token = Contender(TOKENS.format(name), memory.port, memory.server.main, asking, concurrencies=(16,))
        token.database = found[0].database
        found.append(token)
        if not server:
            more = [of(memory, MANY, "transactions"), of(fleet(_MEMORY, 1), ONE_PROCESS)]
            for one in more:
                one.concurrencies = (16,)
            found += more
        yield found


@contextmanager
def _server(database: str, folder: Path) -> Iterator[dict[str, str]]:
    if database == "sqlite":
        yield {}
        return
    folder.chmod(0o711)  # PostgreSQL runs as another user where root starts it
    running = postgres.start(folder)
    try:
        yield running
    finally:
        postgres.stop(running)


def _hello(stack: ExitStack) -> Contender:
    port = free_port()
    pid = _started(stack, port, [sys.executable, "-m", "tests.bench.peers.applications", "hello", str(port)])
    return Contender(HELLO, port, pid, repeated(get("/hello")), repeats=True)


def _proxy(stack: ExitStack) -> Contender:
    bank, port = QuickBank(), free_port()
    stack.callback(bank.close)
    told = {BANK: f"{bank.origin}/fdx/v6", ACCOUNTS: ",".join(accounts_of("c000001"))}
    command = [sys.executable, "-m", "tests.bench.peers.applications", "proxy", str(port)]
    pid = _started(stack, port, command, **told)
    asked = get("/balances", Authorization="Bearer of-c000001")
    return Contender(PROXY, port, pid, repeated(asked), repeats=True)


def _django(stack: ExitStack, file: Path) -> Contender:
    port = free_port()
    told = {"DJANGO_DATABASE": str(file), "PYTHONPATH": os.pathsep.join([str(_BENCH / "django"), str(_PROJECT)])}
    prepare = [sys.executable, "-m", "tests.bench.peers.django_site", "prepare"]
    subprocess.run(prepare, check=True, cwd=_PROJECT, env=os.environ | told, timeout=120)
    command = [sys.executable, "-m", "tests.bench.peers.applications", "django", str(port)]
    pid = _started(stack, port, command, **told)
    asked = get("/hello", Authorization=f"Bearer {TOKEN}")
    return Contender(DJANGO.format("SQLite"), port, pid, repeated(asked), repeats=True)


def _node(stack: ExitStack) -> list[Contender]:
    port = free_port()
    peer = Peer(port)
    told = {"PORT": str(port), "BENCH_JWK": json.dumps(peer.key.jwk), "BENCH_JKT": peer.dpop.thumbprint}
    folder = _BENCH / "oidc_provider"
    output = stack.enter_context((folder / "said").open("w+"))
    pid = _started(stack, port, ["node", "server.mjs"], cwd=folder, output=output.fileno(), **told)
    said = next(line for line in (folder / "said").read_text().splitlines() if line.startswith("{"))
    made = json.loads(said)
    bearer = get("/me", Authorization=f"Bearer {made['bearer']}")
    return [
        Contender(BEARER, port, pid, repeated(bearer), repeats=True),
        Contender(DPOP, port, pid, peer.userinfo(made["bound"]), per_second=2_500),
        Contender(PEER_TOKENS, port, pid, peer.tokens, per_second=2_500, concurrencies=(16,)),
    ]


def _started(
    stack: ExitStack, port: int, command: list[str], cwd: Path = _PROJECT, output: int | None = None, **told: str
) -> int:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}
    running = subprocess.Popen(command, cwd=cwd, env={**kept, "PYTHONPATH": str(ROOT), **told}, stdout=output)
    stack.callback(running.wait, 30)
    stack.callback(running.terminate)
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        assert running.poll() is None, f"{command} has ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return running.pid
        time.sleep(0.05)
    raise AssertionError(f"{command} does not listen")
