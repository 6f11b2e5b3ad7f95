"""A small house whose log is served over HTTP on this machine, and the commands of those who check it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

from click.testing import CliRunner, Result
from structlog.testing import capture_logs
from werkzeug.serving import WSGIRequestHandler, make_server

from broker.audit import credentials
from broker.audit.leaf import draft
from broker.audit.vocabulary import Appended, Entry, Event, Initiator
from broker.cli.main import cli
from broker.clock import rfc3339
from tests.support.core import LOG_KEYS, House
from tests.support.edge import app_of
from tests.support.forged_log import text_of

LOG = "broker.example/audit/harbor/2026"
KEYS = LOG_KEYS.vkeys(LOG)
_CALL = Entry(
    Event.ACCESS_REQUESTED,
    Initiator.DATA_RECIPIENT,
    "harbor",
    platform_id="messenger",
    category="balances",
    details={"customer": "sub-alice", "accounts": ["ref-1"]},
)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's signature
        """Say nothing."""


@dataclass
class Audited:
    """The served log of Harbor: `url` is where, `secret` opens its entries."""

    house: House
    folder: Path
    url: str
    secret: str
    accesses: int = 0
    placed: list[Appended] = field(default_factory=list)

    def accesses_happen(self, count: int, body: bytes = b"{}") -> list[Appended]:
        """Log so many accesses of Alice, two entries each."""

        writer = self.house.sequencer._writer
        entries = []
        for number in range(self.accesses, self.accesses + count):
            call = replace(_CALL, user_id=self.house.alice.user_id, access_id=f"access-{number}")
            details = {"responseDigest": sha256(body).hexdigest()}
            entries += [call, replace(call, event=Event.ACCESS_RELEASED, records=1, details=details)]
        with self.house.database.write() as session:
            written = writer.write(session, writer.lock(session, ["harbor"])["harbor"], list(map(draft, entries)))
        placed = [one.appended() for one in written]
        self.accesses += count
        self.placed += placed
        return placed

    @property
    def credential_file(self) -> Path:
        path = self.folder / "credential"
        path.write_text(f"{self.secret}\n", encoding="ascii")
        return path

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def served_list(self, numbers: Sequence[int], at: datetime | None = None) -> Path:
        """Write the list that the bank keeps of the requests it has served."""
        rows = self.house.store.rows("SELECT number, leaf_hash FROM audit_entries WHERE log LIKE '%harbor%'")
        hashes = dict(rows)

        told = {"log": LOG} if at is None else {"log": LOG, "at": rfc3339(at)}
        lines = [{**told, "number": number, "leafHash": text_of(bytes(hashes[number]))} for number in numbers]
        return self.file("served.jsonl", "\n".join(map(json.dumps, lines)).encode())


def runs(*arguments: str | Path) -> Result:
    """Run `broker audit …` in this process."""
    with capture_logs():  # `broker` itself keeps them off the terminal
        return CliRunner().invoke(cli, ["audit", *map(str, arguments)])


@contextmanager
def audited(house: House, folder: Path) -> Iterator[Audited]:
    """Serve the house's log on a port of this machine, over real HTTP."""
    with house.database.write() as session:
        _, secret = credentials.create(session, "harbor", house.watch())
    server = make_server("127.0.0.1", 0, app_of(house, "https://broker.example"), threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Audited(house, folder, f"http://127.0.0.1:{server.port}/audit/harbor/2026", secret)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
