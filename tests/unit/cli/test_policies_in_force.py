"""What the operator sees of policies in force: a broken set is not taken over, facts of banks are shown."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from click.testing import CliRunner
from structlog.testing import capture_logs

from broker.app import build_services
from broker.audit.policy_changes import current_logs, tell_logs
from broker.audit.policy_changes import files_told as last_told
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks import facts as bank_facts
from broker.cli.doctor import policies as doctor
from broker.cli.main import cli
from broker.cli.serving.policies import PoliciesInUse
from broker.clock import system_clock
from broker.crypto.keyset import generate_keyset
from broker.edge.services import Services
from broker.errors import NotFound
from broker.policy.loading import load_catalogue
from broker.settings import default_policies_dir
from broker.telemetry import begin_context
from tests.support.sandbox_settings import sandbox_settings
from tests.support.serving import wait_until
from tests.support.stores import SqliteStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the policies that a test may change."""
    return Path(shutil.copytree(default_policies_dir(), tmp_path / "policies"))


@pytest.fixture
def services(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    settings = sandbox_settings(tmp_path, policies_dir=folder, database_url=SqliteStore(tmp_path / "broker.db").url)
    generate_keyset(settings.key_file, system_clock())
    built = build_services(settings)
    built.sequencer.append(Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, bank_id="harbor"))
    for name in ("MODE", "BASE_URL", "DATABASE_URL", "DATA_DIR", "POLICIES_DIR"):
        monkeypatch.setenv(f"BROKER_{name}", str(getattr(settings, name.lower())))
    yield built
    built.close()


def narrows(folder: Path) -> None:
    harbor = folder / "banks" / "harbor.yaml"
    harbor.write_text(harbor.read_text().replace("[accounts, balances,", "[balances,"))


def breaks(folder: Path) -> None:
    harbor = folder / "banks" / "harbor.yaml"
    harbor.write_text(harbor.read_text().replace("[accounts,", "[thoughts,"))


def files_told(services: Services) -> list[str]:
    with services.database.read() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT leaf FROM audit_entries WHERE event = 'policy.changed' ORDER BY number"
        )
        return [json.loads(bytes(row[0]))["policyChange"]["files"] for row in rows]


def stores(services: Services, **changes: Any) -> None:
    bounds = services.catalogue.banks["harbor"]
    with services.sequencer.transaction(["harbor"]) as transaction:
        session, now = transaction.session, services.clock()
        seen = bank_facts.newest_version(session, "harbor")
        wished = replace(bounds, **changes)
        sealer, who = services.sealer, "Ada\x1b[2J"
        bank_facts.keep(session, sealer, bounds, wished, after=seen, author=who, reason="tidy", now=now)


def test_a_good_set_is_taken_over_and_told_a_broken_one_is_not(services: Services, folder: Path) -> None:
    used = PoliciesInUse(services.settings, services.catalogue, tells=True)
    used.tell(services)
    first = used.catalogue.digest
    breaks(folder)
    with capture_logs() as lines:
        assert not used.renew()
    (line,) = [line for line in lines if line["event"] == "policies.kept"]
    assert (line["log_level"], line["policy"]) == ("error", first)
    assert "banks/harbor.yaml:3: categories: " in line["mistake"]
    assert (used.catalogue.digest, files_told(services)) == (first, [first])
    shutil.copy(default_policies_dir() / "banks" / "harbor.yaml", folder / "banks" / "harbor.yaml")
    narrows(folder)
    assert used.renew()
    assert used.catalogue.digest == load_catalogue(folder).digest != first
    assert "accounts" not in used.catalogue.banks["harbor"].categories
    assert files_told(services) == [first, used.catalogue.digest]
    used.tell(services)
    assert len(files_told(services)) == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("harvest.yaml", "version: !!timestamp x"),
        ("20-banks.cedar", "forbid (principal, action, resource) when { " + "(" * 1_000 + "true" + ")" * 1_000 + " };"),
        ("20-banks.cedar", "forbid (principal, action, resource) when { " + " || ".join(["true"] * 120) + " };"),
    ],
)
def test_a_file_that_a_library_stumbles_over_leaves_the_old_set(
    services: Services, folder: Path, name: str, content: str
) -> None:
    used = PoliciesInUse(services.settings, services.catalogue, tells=True)
    (folder / name).write_text(content)
    with capture_logs() as lines:
        assert not used.renew()
    (line,) = [line for line in lines if line["event"] == "policies.kept"]
    assert name in line["mistake"]
    assert used.catalogue is services.catalogue


def test_a_failure_that_nobody_thought_of_leaves_the_old_set(services: Services) -> None:
    """The parent of all workers goes over by this: an exception that left it would end the broker."""
    used = PoliciesInUse(
        replace(services.settings, policies_dir=cast("Path", "no path")), services.catalogue, tells=True
    )
    with capture_logs() as lines:
        assert not used.renew()
    (line,) = [line for line in lines if line["event"] == "policies.kept"]
    assert (line["code"], line["mistake"]) == ("internal-error", "AttributeError")


def test_a_log_that_could_not_be_told_is_told_later(services: Services) -> None:
    used = PoliciesInUse(services.settings, services.catalogue, tells=True)
    with services.database.write() as session:
        session.connection().exec_driver_sql("UPDATE audit_logs SET size = -size")
    used.tell(services)
    assert files_told(services) == []
    with services.database.write() as session:
        session.connection().exec_driver_sql("UPDATE audit_logs SET size = -size")
    used.tell(services)
    assert files_told(services) == [services.catalogue.digest]


def test_a_repetition_does_not_take_back_what_another_process_has_told_since(services: Services) -> None:
    services.sequencer.append(Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, bank_id="meridian"))
    used = PoliciesInUse(services.settings, services.catalogue, tells=True)

    def turns_harbor_over() -> None:
        with services.database.write() as session:
            session.connection().exec_driver_sql("UPDATE audit_logs SET size = -size WHERE owner = 'harbor'")

    turns_harbor_over()
    used.tell(services)
    newer = replace(services.catalogue, digest="d" * 64)
    assert len(tell_logs(services.sequencer, newer)) == 1
    turns_harbor_over()
    used.tell(services)
    told = {"meridian": [used.catalogue.digest, newer.digest], "harbor": [used.catalogue.digest]}
    assert sorted(files_told(services)) == sorted(told["meridian"] + told["harbor"])
    with services.database.read() as session:
        logs = {name.split("/")[2]: name for name in current_logs(session)}
        assert {bank: last_told(session, logs[bank]) for bank in told} == {bank: it[-1] for bank, it in told.items()}


def test_what_a_process_says_after_telling_carries_nothing_of_the_entries(services: Services, folder: Path) -> None:
    begin_context()
    used = PoliciesInUse(services.settings, services.catalogue, tells=True)
    used.tell(services)
    assert structlog.contextvars.get_contextvars() == {}
    narrows(folder)
    assert used.renew()
    assert structlog.contextvars.get_contextvars() == {}
    assert len(files_told(services)) == 2


def test_a_command_that_judges_nothing_tells_nothing(services: Services, folder: Path) -> None:
    used = PoliciesInUse(services.settings, services.catalogue, tells=False)
    used.tell(services)
    narrows(folder)
    assert used.renew()
    assert files_told(services) == []


def test_doctor_tells_files_that_nobody_goes_by(services: Services, folder: Path) -> None:
    def complaints() -> list[str]:
        return [finding.found for finding in doctor.in_force(services.database, load_catalogue(folder))]

    assert complaints() == []
    tell_logs(services.sequencer, services.catalogue)
    assert complaints() == []
    narrows(folder)
    (found,) = complaints()
    assert "/audit/harbor/" in found
    assert list(doctor.in_force(services.database, None)) == []


def test_doctor_tells_facts_that_a_narrowed_file_cuts_down_and_those_that_cannot_be_read(
    services: Services, folder: Path
) -> None:
    stores(services, maximum_lookback_days=7)
    assert list(doctor.in_force(services.database, services.catalogue)) == []
    narrows(folder)
    (cut,) = doctor.in_force(services.database, load_catalogue(folder))
    assert (cut.check, cut.level.value) == ("facts of harbor", "warn")
    assert "Version 1 is wider than banks/harbor.yaml" in cut.found
    assert "-accounts" in cut.found
    with services.database.write() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO bank_facts VALUES ('harbor', 2, '[]', 'x', '2026-11-22 12:00:00', 'x')"
        )
    (unreadable,) = doctor.in_force(services.database, services.catalogue)
    assert (unreadable.level.value, "Version 2 cannot be read" in unreadable.found) == ("error", True)


def broker(*arguments: str) -> str:
    with capture_logs():
        result = CliRunner().invoke(cli, ["bank", "facts", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return str(result.output)


def test_the_operator_sees_what_a_bank_offers_and_what_it_changed(services: Services) -> None:
    bounds = services.catalogue.banks["harbor"]
    assert json.loads(broker("show", "harbor", "--json"))["version"] == 0
    assert json.loads(broker("history", "harbor", "--json")) == []
    stores(services, categories=bounds.categories - {"accounts"})
    stores(services, maximum_lookback_days=7)
    shown = json.loads(broker("show", "harbor", "--json"))
    assert (shown["version"], shown["facts"]["maximum_lookback_days"]) == (2, 7)
    assert shown["bounds"]["maximum_lookback_days"] == 365
    assert shown["policy"] != services.catalogue.digest
    history = json.loads(broker("history", "harbor", "--json"))
    assert [row["version"] for row in history] == [2, 1]
    assert "accounts" not in history[1]["categories"]
    told = broker("show", "harbor") + broker("history", "harbor")
    assert "tidy" in told
    assert "\x1b" not in told
    with pytest.raises(NotFound):
        broker("show", "nowhere")


def hears_sighup(pid: int) -> bool:
    (caught,) = re.findall(r"^SigCgt:\s*([0-9a-f]+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(caught, 16) & 1 << (signal.SIGHUP - 1))


def test_the_worker_goes_over_to_other_files_when_it_is_hung_up(services: Services, folder: Path) -> None:
    log = services.settings.data_dir / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "broker", "worker"], stdout=output, stderr=output)
    try:
        wait_until(lambda: hears_sighup(process.pid), 60)
        breaks(folder)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "policies.kept" in log.read_text(), 60)
        shutil.copy(default_policies_dir() / "banks" / "harbor.yaml", folder / "banks" / "harbor.yaml")
        narrows(folder)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "policies.renewed" in log.read_text(), 60)
        assert files_told(services) == [], "the logs are told by those who judge"
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text()
