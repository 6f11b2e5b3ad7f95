"""`broker doctor`: each fault is caused for real; it is found, said with its mend, and nothing secret is shown."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks import service as banks
from broker.cli.doctor import clocks
from broker.cli.doctor.examination import examine
from broker.cli.doctor.finding import Finding, Level
from broker.clock import system_clock
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.crypto.sealing import Sealer
from broker.events import outbox
from broker.settings import default_policies_dir
from broker.storage import schema
from broker.storage.base import new_id
from broker.storage.engine import Database
from broker.storage.single_use import Claim, claim
from broker.users.service import Users
from tests.support.answering import Answering, answering
from tests.support.core import NOON, House
from tests.support.postgres import PostgresServer
from tests.support.smtp import PASSWORD, USER, MailHouse, listening
from tests.support.stores import SqliteStore

METADATA = "/.well-known/oauth-authorization-server"
DISCOVERY = "/.well-known/openid-configuration"


@dataclass
class Patient:
    """A small broker that is well, until a test does something to it."""

    folder: Path
    database: Database
    broker: Answering
    bank: Answering
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> Path:
        return self.folder / "keys.json"

    @property
    def file(self) -> Path:
        return self.folder / "broker.db"

    def is_examined(self) -> list[Finding]:
        for name in [name for name in os.environ if name.startswith("BROKER_")]:
            del os.environ[name]
        os.environ.update(self.settings)
        return list(examine())

    def complaints(self) -> dict[str, Finding]:
        return {finding.check: finding for finding in self.is_examined() if finding.level is not Level.OK}

    def complaint(self, check: str, level: Level = Level.ERROR) -> str:
        """Return what is found under this check and its mend, as one text."""
        found = [one for one in self.is_examined() if one.check == check and one.level is level]
        assert found, self.complaints()
        assert all(one.mend is not None and one.mend.endswith(".") for one in found)
        return "\n".join(f"{one.found} -> {one.mend}" for one in found)


def add_bank(patient: Patient, bank_id: str = "harbor", standard: str = "fdx") -> None:
    url = patient.bank.url
    with patient.database.write() as session:
        banks.add(session, banks.Bank(bank_id, "Harbor", standard, url, f"{url}/fdx", "broker", "openid"), NOON)


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Patient]:
    before = dict(os.environ)
    database = Database(SqliteStore(tmp_path / "broker.db").url)
    generate_keyset(tmp_path / "keys.json", system_clock())
    with answering() as broker, answering() as bank:
        well = Patient(tmp_path, database, broker, bank)
        well.settings = {
            "BROKER_MODE": "sandbox",
            "BROKER_BASE_URL": broker.url,
            "BROKER_DATA_DIR": str(tmp_path),
            "BROKER_OUTBOUND_ALLOW": bank.authority,
            "BROKER_BANK_TIMEOUT_S": "1",
        }
        broker.answers = {METADATA: {"issuer": broker.url}, "/readyz": {"status": "ready"}}
        bank.answers = {DISCOVERY: {"issuer": bank.url, "token_endpoint": f"{bank.url}/token"}}
        add_bank(well)
        yield well
    database.close()
    os.environ.clear()
    os.environ.update(before)


def test_of_a_broker_that_is_well_nothing_is_said_but_what_http_cannot_do(patient: Patient) -> None:
    findings = patient.is_examined()
    assert [finding.check for finding in findings if finding.level is not Level.OK] == ["cookies", "witnesses"]
    assert {"keys", "database durability", "audit log", "worker", "bank harbor", "serving"} <= {
        finding.check for finding in findings
    }


SETTINGS: dict[str, str] = {
    "BROKER_MODE": "sandbx",
    "BROKER_PORT": "x",
    "BROKER_WORKERS": "0",
    "BROKER_BANK_TIMEOUT_S": "-1",
    "BROKER_LOG_LEVEL": "LOUD",
    "BROKER_BASE_URL": "http://user:hunter2@broker.example",
}


@pytest.mark.parametrize("variable", list(SETTINGS))
def test_a_setting_that_cannot_be_used_is_named_and_the_rest_is_looked_at(patient: Patient, variable: str) -> None:
    patient.settings[variable] = SETTINGS[variable]
    told = patient.complaint("configuration")
    assert variable in told
    assert "hunter2" not in told
    assert any(finding.check == "audit log" for finding in patient.is_examined())


def test_a_base_url_that_is_missing_is_named_and_nobody_is_called(patient: Patient) -> None:
    del patient.settings["BROKER_BASE_URL"]
    assert "BROKER_BASE_URL" in patient.complaint("configuration")
    assert "serving" not in {finding.check for finding in patient.is_examined()}


def test_a_mistyped_variable_is_told(patient: Patient) -> None:
    patient.settings["BROKER_DATABSE_URL"] = "postgresql://u:hunter2@h/n"
    told = patient.complaint("configuration", Level.WARN)
    assert "BROKER_DATABSE_URL" in told
    assert "hunter2" not in told


def test_what_deserves_a_look_in_production_is_told(patient: Patient) -> None:
    patient.settings |= {"BROKER_MODE": "production", "BROKER_HOST": "192.0.2.1"}
    patient.settings["BROKER_BASE_URL"] = f"https://localhost:{free_port()}"
    assert "BROKER_BASE_URL" in patient.complaint("base URL", Level.WARN)
    assert "127.0.0.1" in patient.complaint("listening", Level.WARN)
    assert patient.bank.authority in patient.complaint("outbound addresses", Level.WARN)
    assert "cookies" not in patient.complaints()


@pytest.mark.parametrize("pair", ["https://bank.example", "bank.example", "bank.example:0", "bank.example:99999", "*"])
def test_an_allowed_address_that_allows_nothing_is_told(patient: Patient, pair: str) -> None:
    patient.settings["BROKER_OUTBOUND_ALLOW"] += f",{pair}"
    assert pair in patient.complaint("outbound addresses")


def same_key_twice(path: Path) -> None:
    keys = json.loads(path.read_text())
    path.write_text(json.dumps(keys | {"cookie": keys["sealing"]}))


def of_an_earlier_version(path: Path) -> None:
    path.write_text(json.dumps({name: key for name, key in json.loads(path.read_text()).items() if name != "signing"}))


KEYS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "of an earlier version": (of_an_earlier_version, "broker keys upgrade"),
    "missing": (lambda path: path.unlink(), "broker keys generate"),
    "open to others": (lambda path: path.chmod(0o644), "chmod 600"),
    "damaged": (lambda path: path.write_text("{"), "backup"),
    "the same key twice": (same_key_twice, "backup"),
    "a folder": (lambda path: (path.unlink(), path.mkdir(0o700)), "backup"),
}


@pytest.mark.parametrize("fault", list(KEYS))
def test_keys_that_cannot_be_used_are_told_and_banks_are_not_asked(patient: Patient, fault: str) -> None:
    break_it, mend = KEYS[fault]
    break_it(patient.keys)
    assert mend in patient.complaint("keys")
    assert "keys" in patient.complaint("banks", Level.WARN)
    assert {"database", "audit log", "worker"} <= {finding.check for finding in patient.is_examined()}


def test_keys_of_another_broker_are_told(patient: Patient) -> None:
    keyset = load_keyset(patient.keys)
    users = Users(Sealer(keyset.sealing), keyset.subject)
    with patient.database.write() as session:
        users.sign_in(session, bank_id="harbor", subject="s", name="Alice Canary", credential=None, now=NOON)
    assert "keys and database" not in patient.complaints()
    patient.keys.unlink()
    generate_keyset(patient.keys, system_clock())
    assert "key file back" in patient.complaint("keys and database")


def test_keys_from_the_future_are_told(patient: Patient) -> None:
    patient.keys.unlink()
    generate_keyset(patient.keys, system_clock() + timedelta(days=2))
    assert "clock" in patient.complaint("keys", Level.WARN)


def test_policies_that_cannot_be_read_are_told_with_their_file(patient: Patient) -> None:
    policies = patient.folder / "policies"
    shutil.copytree(default_policies_dir(), policies)
    (policies / "purposes.yaml").write_text("- nothing", encoding="utf-8")
    patient.settings["BROKER_POLICIES_DIR"] = str(policies)
    told = patient.complaint("policies")
    assert "purposes.yaml" in told
    assert "broker policy check" in told


def no_file(patient: Patient) -> None:
    for path in patient.folder.glob("broker.db*"):
        path.unlink()


def no_database(patient: Patient) -> None:
    no_file(patient)
    patient.file.write_bytes(b"this is no database, whatever its name says" * 100)


DATABASES: dict[str, tuple[Callable[[Patient], Any], str, str]] = {
    "missing": (no_file, "database", "broker db upgrade"),
    "no database": (no_database, "database", "backup"),
    "empty": (lambda patient: (no_file(patient), patient.file.touch()), "database revision", "broker db upgrade"),
    "at an older revision": (
        lambda patient: schema.downgrade(patient.database, "base"),
        "database revision",
        "broker db upgrade",
    ),
    "under a strange URL": (
        lambda patient: patient.settings.update(BROKER_DATABASE_URL="mysql://u:hunter2@h/n"),
        "database",
        "BROKER_DATABASE_URL",
    ),
    "under no URL at all": (
        lambda patient: patient.settings.update(BROKER_DATABASE_URL="hunter2"),
        "database",
        "BROKER_DATABASE_URL",
    ),
    "several servers in words of another program": (
        lambda patient: patient.settings.update(BROKER_DATABASE_URL="postgresql://u:hunter2@a:5432,b:5432/n"),
        "database",
        "BROKER_DATABASE_URL",
    ),
    "several servers that may follow another": (
        lambda patient: patient.settings.update(BROKER_DATABASE_URL="postgresql://u:hunter2@a,b/n"),
        "database",
        "BROKER_DATABASE_URL",
    ),
    "a server that is not there": (
        lambda patient: patient.settings.update(
            BROKER_DATABASE_URL=f"postgresql://u:hunter2@127.0.0.1:{free_port()}/n?password=hunter2"
        ),
        "database",
        "BROKER_DATABASE_URL",
    ),
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("fault", list(DATABASES))
def test_a_database_that_cannot_be_used_is_told_and_the_rest_is_looked_at(patient: Patient, fault: str) -> None:
    break_it, check, mend = DATABASES[fault]
    patient.database.close()
    break_it(patient)
    told = patient.complaint(check)
    assert mend in told
    assert "hunter2" not in told
    assert "serving" in {finding.check for finding in patient.is_examined()}
    if fault == "missing":
        assert not patient.file.exists(), "looking must not make an empty database"


def test_a_server_that_is_not_safe_to_write_to_is_told(patient: Patient, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    name, reader = url.rpartition("/")[2], f"reader_{new_id(NOON)[-12:]}"
    database = Database(url)
    schema.upgrade(database)
    patient.settings["BROKER_DATABASE_URL"] = url
    findings = {finding.check: finding.level for finding in patient.is_examined()}
    for check in ("database", "database writing", "database durability", "database revision", "clock and database"):
        assert findings[check] is Level.OK, check
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (
            f"ALTER DATABASE {name} SET synchronous_commit = off",
            f"CREATE ROLE {reader} LOGIN",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}",
        ):
            connection.exec_driver_sql(statement)
    database.close()
    patient.settings["BROKER_DATABASE_URL"] = url.replace("broker@", f"{reader}@")
    assert "synchronous_commit" in patient.complaint("database durability")
    assert "primary" in patient.complaint("database writing")


def test_a_database_that_others_can_read_is_told(patient: Patient) -> None:
    patient.file.chmod(0o644)
    patient.folder.chmod(0o755)
    assert "chmod 700" in patient.complaint("database privacy", Level.WARN)


def test_a_database_of_another_user_is_told(patient: Patient) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(patient.file, 65_534, 65_534)
    assert "as the user" in patient.complaint("database owner", Level.WARN)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    done = subprocess.run(
        [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("a small disk of its own needs the right to mount")
    try:
        yield folder
    finally:
        subprocess.run([shutil.which("umount") or "umount", folder], check=True)


@pytest.mark.parametrize(("size", "level"), [("8m", Level.ERROR), ("200m", Level.WARN)])
def test_a_disk_that_fills_up_is_told(patient: Patient, size: str, level: Level) -> None:
    patient.database.close()
    small = patient.folder / "small"
    small.mkdir()
    with small_disk(small, size):
        shutil.copy(patient.file, small)
        patient.settings["BROKER_DATABASE_URL"] = f"sqlite:///{small}/broker.db"
        assert "Make room" in patient.complaint("disk", level)


def test_a_log_that_cannot_be_read_is_told_without_what_stands_there(patient: Patient) -> None:
    with patient.database.write() as session:
        for statement in (
            """INSERT INTO audit_logs (name, owner, size, last_time_us, is_current)
               VALUES ('h/audit/harbor/1', 'harbor', 1, 5, true)""",
            """INSERT INTO audit_entries (log, number, time_us, event, leaf)
               VALUES ('h/audit/harbor/1', 0, 5, 'x', x'63616e617279')""",
        ):
            session.connection().exec_driver_sql(statement)
    told = patient.complaint("audit log")
    assert "backup" in told
    assert "canary" not in told


def test_a_clock_that_was_set_back_is_told(house: House) -> None:
    house.watch.now = system_clock() + timedelta(hours=1)
    house.sequencer.append(Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, bank_id="harbor"))
    findings = {finding.check: finding for finding in clocks.findings(house.database, system_clock, system_clock)}
    assert findings["clock and log"].level is Level.ERROR
    assert "set back" in findings["clock and log"].found


@pytest.mark.parametrize(("off_s", "level"), [(0, Level.OK), (5, Level.WARN), (-5, Level.WARN), (60, Level.ERROR)])
def test_a_database_server_with_another_time_is_told(postgres: PostgresServer, off_s: int, level: Level) -> None:
    database = Database(postgres.new_database())
    schema.upgrade(database)
    findings = {
        finding.check: finding
        for finding in clocks.findings(database, system_clock, lambda: system_clock() + timedelta(seconds=off_s))
    }
    database.close()
    assert findings["clock and database"].level is level


def an_old_task(patient: Patient) -> None:
    with patient.database.write() as session:
        outbox.put(session, outbox.TaskKind.BANK_END, {}, system_clock() - timedelta(minutes=5))


def leave_claim(patient: Patient, age: timedelta) -> None:
    with patient.database.write() as session:
        assert claim(session, Claim("dpop", new_id(NOON), system_clock() - age))


def an_old_claim(patient: Patient) -> None:
    leave_claim(patient, timedelta(minutes=15))


@pytest.mark.parametrize("leave", [an_old_task, an_old_claim])
def test_work_that_nobody_does_is_told(patient: Patient, leave: Callable[[Patient], None]) -> None:
    leave(patient)
    assert "broker worker" in patient.complaint("worker")


def test_a_used_proof_that_the_worker_still_keeps_on_purpose_is_no_complaint(patient: Patient) -> None:
    leave_claim(patient, timedelta(minutes=9))
    assert "worker" not in patient.complaints()


def test_a_bank_that_is_down_slow_or_somebody_else_is_told_within_its_time(patient: Patient) -> None:
    patient.bank.answers[DISCOVERY]["issuer"] = "https://other.example"
    assert "broker bank add" in patient.complaint("bank harbor")
    patient.bank.answers[DISCOVERY] = 503
    assert "is up" in patient.complaint("bank harbor")
    patient.bank.is_silent = True
    assert "BROKER_BANK_TIMEOUT_S" in patient.complaint("bank harbor")
    patient.settings["BROKER_OUTBOUND_ALLOW"] = ""
    assert "BROKER_OUTBOUND_ALLOW" in patient.complaint("bank harbor")


def test_a_bank_of_an_unknown_standard_is_told(patient: Patient) -> None:
    add_bank(patient, standard="telex")
    assert "broker bank add" in patient.complaint("bank harbor")


@pytest.mark.parametrize(("off_s", "level"), [(6, Level.WARN), (-3600, Level.ERROR)])
def test_a_bank_with_another_time_is_told(patient: Patient, off_s: int, level: Level) -> None:
    patient.bank.at = datetime.now(UTC) + timedelta(seconds=off_s)
    assert "NTP" in patient.complaint("clock and bank harbor", level)


def test_a_bank_without_facts_and_a_broker_without_banks_are_told(patient: Patient) -> None:
    add_bank(patient, "lagoon")
    assert "banks/lagoon.yaml" in patient.complaint("bank lagoon")
    with patient.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM banks")
    assert "broker bank add" in patient.complaint("banks", Level.WARN)


def test_what_answers_at_the_base_url_is_told(patient: Patient) -> None:
    patient.broker.answers["/readyz"] = 503
    assert "not ready" in patient.complaint("readiness")
    patient.broker.answers[METADATA] = {"issuer": "https://another.example"}
    assert "something else" in patient.complaint("serving").lower()
    patient.broker.answers = {}
    assert "something else" in patient.complaint("serving").lower()
    patient.settings["BROKER_BASE_URL"] = f"http://localhost:{free_port()}"
    assert "broker serve" in patient.complaint("serving", Level.WARN)


def test_a_mail_server_that_does_not_let_us_in_is_told_without_the_password(patient: Patient) -> None:
    with listening(MailHouse(asks_for_password=True)) as mails:
        patient.settings["BROKER_SMTP_URL"] = f"smtp://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{mails.port}"
        assert "mail" not in patient.complaints()
        patient.settings["BROKER_SMTP_URL"] = f"smtp://{USER}:canary@127.0.0.1:{mails.port}"
        assert "it answers 535" in patient.complaint("mail")
        mails.refuses["EHLO"] = mails.refuses["HELO"] = "550 canary"
        assert "it answers 550" in patient.complaint("mail")
    assert "ConnectionRefusedError" in patient.complaint("mail")
    assert "canary" not in patient.complaint("mail")
    assert mails.taken == []


def run(patient: Patient, *options: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}
    command = [sys.executable, "-m", "broker", "doctor", *options]
    return subprocess.run(
        command, env=clean | patient.settings, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_exits_with_1_only_when_something_does_not_work(patient: Patient) -> None:
    well = run(patient, "--json")
    assert (well.returncode, well.stderr) == (0, "")
    assert {"check", "level", "found", "mend"} == set(json.loads(well.stdout)[0])
    patient.keys.chmod(0o644)
    ill = run(patient)
    assert (ill.returncode, ill.stderr) == (1, "")
    lines = ill.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("PROBLEM  keys:"))
    assert lines[at + 1].strip().startswith("-> Run `chmod 600")
    assert "\x1b" not in ill.stdout, "no colours where nobody looks"


def test_with_everything_broken_at_once_there_is_a_finding_for_each_and_no_trace(patient: Patient) -> None:
    patient.keys.unlink()
    no_database(patient)
    patient.settings |= {"BROKER_POLICIES_DIR": "/nowhere", "BROKER_PORT": "x", "BROKER_BASE_URL": "ftp://x"}
    with suppress(KeyError):
        del patient.settings["BROKER_OUTBOUND_ALLOW"]
    done = run(patient, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    broken = {finding["check"] for finding in json.loads(done.stdout) if finding["level"] == "error"}
    assert broken == {"configuration", "keys", "policies", "database"}
