"""A fleet: one real `broker serve` of several processes on a database, a quick bank, and the services beside them.

What a test is not about (people, grants, sessions) is made at once through the services in the test's own process, on
the same database and with the same keys; what it is about goes over HTTP.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_wtf.csrf import generate_csrf
from sqlalchemy.orm import Session

from broker.app import build_services, create_app
from broker.audit.reader import LoggedEntry, tail
from broker.banks import service as banks
from broker.clock import system_clock
from broker.crypto.keyset import generate_keyset
from broker.edge.services import Services
from broker.edge.visitor import Visitor, browser_id, sign_in
from broker.platforms import service as platforms
from broker.platforms.options import Options
from broker.policy.vocabulary import MachineScope
from broker.storage import schema
from broker.storage.engine import Database
from tests.support.caller import CALLBACK, Caller
from tests.support.customers import DATA, PLATFORMS, Customers, Person
from tests.support.presence import patient_policies
from tests.support.quick_bank import QuickBank
from tests.support.sandbox_settings import sandbox_settings
from tests.support.served import Server, free_port
from tests.support.sharer import Sharer
from tests.support.signer import Signer

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Fleet(Customers):
    """A running broker with everything that acts on it."""

    banks: dict[str, QuickBank]
    server: Server
    keys: dict[str, Signer]
    entrance: Flask

    @property
    def base_url(self) -> str:
        return self.services.settings.base_url

    @property
    def port(self) -> int:
        return self.services.settings.port

    def caller(self, platform_id: str = "messenger") -> Caller:
        """Return a new machine of a platform."""
        return Caller(self.base_url, self.port, platform_id, self.keys[platform_id])

    def sharer(self, person: Person, wish: str = "") -> Sharer:
        """Sign the person in, in a new browser; `wish` is the sign-in wish that it fulfils (a consent's)."""
        client = self.entrance.test_client(use_cookies=False)
        query = {"bank": person.bank_id, "name": person.subject, "user": person.user_id, "wish": wish}
        answer = client.get("/t/enter", query_string=query, base_url=self.base_url)
        assert answer.status_code == 200, answer.text
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        told: dict[str, str] = answer.get_json()
        return Sharer(self.base_url, self.port, cookie, told["csrf_token"], told["browser"])

    def log(self, bank_id: str = "harbor") -> list[LoggedEntry]:
        """Return a bank's whole log in its order."""
        with self.services.database.read() as session:
            name = next((entry.log for entry in tail(session, after={}, limit=1) if entry.bank_id == bank_id), None)
            found = tail(session, after={name: -1}, limit=10_000_000) if name else []
        return sorted((entry for entry in found if entry.log == name), key=lambda entry: entry.number)

    def writes(self, change: Callable[[Session], Any]) -> Any:
        """Change the database in a write transaction of the test's own."""
        with self.services.database.write() as session:
            return change(session)


@contextmanager
def running_fleet(
    folder: Path,
    database_url: str | None = None,
    *,
    code: Path = ROOT,
    bank_ids: Sequence[str] = ("harbor",),
    workers: int = 4,
    threads: int = 8,
    prefix: Sequence[str] = (),
    allowed: Sequence[str] = (),
    program: str = "broker",
    **environment: str,
) -> Iterator[Fleet]:
    """Start everything and stop it afterwards; `code` is whose `broker` serves, `prefix` a command that runs it.

    `allowed` are addresses that it may call beside the banks'; `program` is the module that is run.
    """
    size = (workers, threads)
    built = (code, program)
    with standing_fleet(folder, database_url, built, bank_ids, size, prefix, allowed, **environment) as fleet:
        fleet.server.start()
        try:
            fleet.server.wait()
            yield fleet
        finally:
            fleet.server.stop()


@contextmanager
def standing_fleet(
    folder: Path,
    database_url: str | None,
    code: tuple[Path, str] = (ROOT, "broker"),
    bank_ids: Sequence[str] = ("harbor",),
    size: tuple[int, int] = (4, 8),
    prefix: Sequence[str] = (),
    allowed: Sequence[str] = (),
    **environment: str,
) -> Iterator[Fleet]:
    """Build everything, with its banks, and start no server; `size` is its worker processes and threads of each.

    `code` is a folder and the module in it that serves.
    """
    running = {bank_id: QuickBank() for bank_id in bank_ids}
    try:
        fleet = _built(folder, database_url, running, prefix, code, size, allowed, environment)
        try:
            yield fleet
        finally:
            fleet.services.close()
    finally:
        for bank in running.values():
            bank.close()


def _built(
    folder: Path,
    database_url: str | None,
    running: dict[str, QuickBank],
    prefix: Sequence[str],
    code: tuple[Path, str],
    size: tuple[int, int],
    allowed: Sequence[str],
    environment: dict[str, str],
) -> Fleet:
    port = free_port()
    settings = sandbox_settings(
        folder,
        base_url=f"http://localhost:{port}",
        port=port,
        outbound_allow=frozenset([*(f"localhost:{bank.port}" for bank in running.values()), *allowed]),
        database_url=database_url or f"sqlite:///{folder / 'broker.db'}",
        log_level="WARNING",
        policies_dir=patient_policies(folder),
    )
    generate_keyset(settings.key_file, system_clock())
    _migrate(settings.database_url)
    services = build_services(settings)
    keys = {platform: Signer() for platform in PLATFORMS}
    _register(services, running, keys)
    told = {
        "BROKER_MODE": "sandbox",
        "BROKER_BASE_URL": settings.base_url,
        "BROKER_PORT": str(port),
        "BROKER_DATA_DIR": str(folder),
        "BROKER_DATABASE_URL": settings.database_url,
        "BROKER_OUTBOUND_ALLOW": ",".join(settings.outbound_allow),
        "BROKER_LOG_LEVEL": settings.log_level,
        "BROKER_POLICIES_DIR": str(settings.policies_dir),
    }
    options = ("--workers", str(size[0]), "--threads", str(size[1]))
    folder_of_code, program = code
    log = folder / "serve.log"
    server = Server(folder_of_code, told | environment, port, log, *options, prefix=prefix, program=program)
    return Fleet(services, running, server, keys, _entrance(services))


def _migrate(database_url: str) -> None:
    database = Database(database_url)
    schema.upgrade(database)
    database.close()


def _register(services: Services, running: dict[str, QuickBank], keys: dict[str, Signer]) -> None:
    now, catalogue = system_clock(), services.catalogue
    with services.database.write() as session:
        for bank_id, bank in running.items():
            known = banks.Bank(
                bank_id, bank_id.title(), "fdx", bank.origin, f"{bank.origin}/fdx/v6", "broker", "openid"
            )
            banks.add(session, known, now)
        for platform_id, key in keys.items():
            platform = platforms.Platform(
                platform_id,
                platforms.PlatformKind.PLATFORM,
                platform_id.title(),
                {"keys": [key.jwk]},
                (CALLBACK,),
                DATA,
                ("chat_banking",),
                "chat_banking",
                options=Options(machine_scopes=tuple(MachineScope)),
            )
            platforms.add(session, catalogue, platform, http_loopback=True, now=now)


def _entrance(services: Services) -> Flask:
    """Return the product's application with one more address: the way in of somebody whom a bank has confirmed."""
    app = create_app(services)

    def enter() -> dict[str, Any]:
        asked = request.args
        sign_in(Visitor(asked["bank"], asked["name"], asked["user"], wish=asked["wish"]))
        return {"csrf_token": generate_csrf(), "browser": browser_id()}

    app.add_url_rule("/t/enter", "t_enter", enter)
    return app
