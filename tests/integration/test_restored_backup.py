"""The story of a restored backup, with a real broker and a real witness: nothing is signed twice, and who mends it."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from broker.audit.submission import Says
from broker.audit.tree import heads
from broker.tlog.cosignature import CosignatureVerifier
from tests.support.caller import Caller
from tests.support.fleet import ROOT, Fleet, running_fleet
from tests.support.planted import planted
from tests.support.sharer import Sharer
from tests.support.waiting import until
from tests.support.wire import Answer, Line, message
from tests.support.witnessed import submission_on, witness_at
from tests.support.witnesses import WitnessProcess, new_witness


@dataclass
class Story:
    """A broker with one witness, one person who shares balances, and the platform that reads them."""

    fleet: Fleet
    folder: Path
    vkey: str
    port: int
    witness: WitnessProcess | None = None
    reader: Caller = field(init=False)
    sharer: Sharer = field(init=False)
    grant: str = field(init=False)
    token: str = field(init=False)

    def __post_init__(self) -> None:
        person = self.fleet.person()
        self.reader, self.sharer = self.fleet.caller(), self.fleet.sharer(person)
        self.grant = self.fleet.grant(person, ("balances",))
        (self.token,) = self.fleet.tokens(self.grant, self.reader.dpop.thumbprint, ("balances",), count=1)

    def witness_starts(self) -> None:
        """Tell the witness of the logs, whose key is known now, and let it serve."""
        host, keys = self.fleet.services.settings.base_host, self.fleet.services.log_keys
        with self.fleet.services.database.read() as session:
            (log,) = [head.origin for head in heads(session) if head.origin.startswith(f"{host}/audit/harbor/")]
        (self.folder / "logs.txt").write_text(f"years {keys.vkeys(log)[0]}\n", encoding="utf-8")
        self.witness = WitnessProcess(self.folder, self.port)

    @property
    def log(self) -> str:
        with self.fleet.services.database.read() as session:
            return next(head.origin for head in heads(session) if head.is_current and "/harbor/" in head.origin)

    def reads(self) -> tuple[int, str]:
        return self._told(self.reader.read("balances", self.token))

    def acts(self, action: str) -> tuple[int, str]:
        return self._told(self.sharer.acts(action, self.grant))

    def ready(self) -> tuple[int, str]:
        line = Line(self.fleet.port)
        try:
            return self._told(line.call(message("GET", "/readyz", {"Accept": "application/json"})))
        finally:
            line.close()

    def size(self) -> int:
        return len(self.fleet.log())

    @contextmanager
    def stopped(self) -> Iterator[Path]:
        """Stop the broker for the block; the database's file is given, at rest."""
        self.fleet.server.stop()
        self.fleet.services.close()
        file = Path(self.fleet.services.database.engine.url.database or "")
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield file
        for name in ("wal", "shm"):
            file.with_name(f"{file.name}-{name}").unlink(missing_ok=True)
        self.fleet.server.start()
        self.fleet.server.wait()
        self.reader.line.close()
        self.sharer.line.close()

    def backup(self) -> bytes:
        """Copy the database of the running broker, as its own means do."""
        with closing(sqlite3.connect(self.fleet.services.database.engine.url.database or "")) as connection:
            return connection.serialize()

    def is_pushed(self) -> bool:
        """Show the witness the newest checkpoint, as `broker worker` does."""
        services = self.fleet.services
        witness = witness_at(CosignatureVerifier.of_vkey(self.vkey), self.port)
        submission = submission_on(services.database, [self.port], keys=services.log_keys)
        return submission.submit(witness, self.log).says is Says.CONSISTENT

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `broker` command in the broker's environment."""
        settings = self.fleet.services.settings
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("BROKER_", "COV_"))}
        environment |= {
            "BROKER_MODE": "sandbox",
            "BROKER_BASE_URL": settings.base_url,
            "BROKER_DATA_DIR": str(settings.data_dir),
            "BROKER_DATABASE_URL": settings.database_url,
            "BROKER_OUTBOUND_ALLOW": ",".join(settings.outbound_allow),
            "BROKER_WITNESSES": f"{self.vkey} http://localhost:{self.port}",
        }
        command = [sys.executable, "-m", "broker", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    @staticmethod
    def _told(answer: Answer) -> tuple[int, str]:
        return answer.status, answer.code if answer.status >= 400 else ""


@contextmanager
def telling(folder: Path, code: Path = ROOT) -> Iterator[Story]:
    vkey = new_witness(folder / "witness").vkey
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))  # not the one that the broker is about to choose
        port = probe.getsockname()[1]
    watched: dict[str, Any] = {"allowed": [f"localhost:{port}"], "BROKER_WITNESSES": f"{vkey} http://localhost:{port}"}
    with running_fleet(folder, code=code, workers=1, **watched) as fleet:
        story = Story(fleet, folder / "witness", vkey, port)
        try:
            yield story
        finally:
            if story.witness is not None:
                story.witness.stop()


def restored(story: Story) -> bytes:
    """Read, keep a backup, read on, and put the backup back. Return what was lost."""
    until(lambda: story.reads() == (200, ""))
    backup = story.backup()
    assert story.reads() == (200, "")
    assert story.is_pushed()
    with story.stopped() as file:
        newest = file.read_bytes()
        file.write_bytes(backup)
    return newest


def test_a_restored_backup_signs_nothing_until_it_is_mended(tmp_path: Path) -> None:
    with telling(tmp_path) as story:
        # Without its witness: pages work, data does not flow; and it heals without hands.
        assert story.reads() == (503, "witnesses-unavailable")
        assert (story.acts("pause")[0], story.acts("resume")[0]) == (303, 303)
        assert story.ready() == (200, "")
        story.witness_starts()
        newest = restored(story)

        # The restored backup.
        size = story.size()
        until(lambda: story.ready() == (503, "log-forked"))
        assert story.reads() == (503, "log-forked")
        assert story.acts("revoke") == (503, "log-forked")
        assert story.size() == size
        assert "audit.log_forked" in story.fleet.server.said()
        found = json.loads(story.command("doctor", "--json").stdout)
        assert [f["level"] for f in found if f["check"].startswith("witness ")] == ["error"]

        # The honest control: the newest state goes on.
        with story.stopped() as file:
            backup = file.read_bytes()
            file.write_bytes(newest)
        assert story.reads() == (200, "")
        assert story.ready() == (200, "")

        # All is lost but the backup: another log, and nothing flows before the person has looked.
        with story.stopped() as file:
            file.write_bytes(backup)
        assert story.reads() == (503, "log-forked")
        forked = story.log
        mended = story.command("audit", "recover", "--log", forked, "--yes")
        assert mended.returncode == 0, mended.stderr
        assert story.log == f"{forked}-2"
        assert story.ready() == (200, "")
        assert story.reads() == (403, "grant-paused")
        assert story.acts("resume")[0] == 303
        assert story.reads() == (200, "")


@pytest.mark.control
@pytest.mark.campaign
def test_without_the_start_up_rule_the_log_is_forked(tmp_path: Path) -> None:
    checked, unchecked = "        for bank, log in logs.items():\n", "        for bank, log in ():\n"
    code = planted(tmp_path / "code", "broker/audit/permits.py", checked, unchecked)
    (tmp_path / "data").mkdir()
    with telling(tmp_path / "data", code) as story:
        story.witness_starts()
        restored(story)
        size = story.size()
        assert story.reads() == (200, "")
        assert story.size() > size
