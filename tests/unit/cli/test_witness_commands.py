"""`broker audit witness` and what `broker doctor` says of witnesses."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker.cli.doctor import witnesses
from broker.cli.doctor.finding import Finding, Level
from broker.cli.main import cli
from broker.clock import system_clock
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.errors import ConfigurationInvalid
from broker.tlog.cosignature import CosignatureVerifier
from tests.support.sandbox_settings import sandbox_settings
from tests.support.served import free_port
from tests.support.witnessed import ENTRY, LOG, Watched, watched

_RUN = ["audit", "witness"]


def test_a_witness_is_made_once_and_tells_its_vkey(tmp_path: Path) -> None:
    folder = str(tmp_path / "w")
    made = CliRunner().invoke(cli, [*_RUN, "generate", "--folder", folder, "--name", "harbor.example/w"])
    assert (made.exit_code, CosignatureVerifier.of_vkey(made.output.strip()).name) == (0, "harbor.example/w")
    assert CliRunner().invoke(cli, [*_RUN, "vkey", "--folder", folder]).output == made.output
    again = CliRunner().invoke(cli, [*_RUN, "generate", "--folder", folder, "--name", "harbor.example/w"])
    assert isinstance(again.exception, ConfigurationInvalid)
    assert (tmp_path / "w" / "key.json").stat().st_mode & 0o777 == 0o600
    assert "years" in (tmp_path / "w" / "logs.txt").read_text(encoding="utf-8")


def test_a_witness_without_key_or_folder_does_not_start(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "file" / "w"):
        (tmp_path / "file").touch()
        ran = CliRunner().invoke(cli, [*_RUN, "run", "--folder", str(folder)])
        assert isinstance(ran.exception, ConfigurationInvalid), ran.output


def test_the_witness_imports_neither_a_database_nor_the_web(tmp_path: Path) -> None:
    program = (
        "import sys; from click.testing import CliRunner; from broker.cli.main import cli; "
        "CliRunner().invoke(cli, ['audit', 'witness', 'run', '--folder', sys.argv[1]]); "
        "print([name for name in ('sqlalchemy', 'flask', 'requests', 'urllib3') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path) as opened:
        opened.process().append(ENTRY)
        yield opened


def examined(log: Watched, *entries: str, ports: tuple[int, ...] = ()) -> list[Finding]:
    key_file = log.house.folder / "doctor.json"
    if not key_file.exists():
        generate_keyset(key_file, system_clock())
    allowed = frozenset(f"localhost:{port}" for port in ports)
    settings = sandbox_settings(log.house.folder, witnesses=entries, outbound_allow=allowed)
    return list(witnesses.findings(settings, log.house.database, load_keyset(key_file)))


def entry_of(log: Watched) -> tuple[str, int]:
    (witness,) = log.witnesses.members
    return f"{witness.verifier.vkey} {witness.url}", int(witness.url.rpartition(":")[2])


def test_doctor_tells_of_a_witness_that_agrees(log: Watched) -> None:
    entry, port = entry_of(log)
    (found,) = examined(log, entry, ports=(port,))
    assert (found.level, found.check) == (Level.OK, "witness w1.example")


def test_doctor_tells_of_no_witness_a_silent_one_and_a_wrong_setting(log: Watched) -> None:
    (none,) = examined(log)
    assert (none.level, "older copy" in none.found) == (Level.WARN, True)
    entry, _ = entry_of(log)
    port = free_port()
    silent, quorum = examined(log, f"{entry.split()[0]} http://localhost:{port}", ports=(port,))
    assert (silent.level, quorum.level, quorum.check) == (Level.WARN, Level.ERROR, "quorum of witnesses")
    (wrong,) = examined(log, "nonsense")
    assert (wrong.level, "BROKER_WITNESSES" in str(wrong.mend)) == (Level.ERROR, True)


def test_doctor_tells_of_a_restored_backup_and_how_to_mend_it(log: Watched) -> None:
    copy = log.backup()
    log.process().append(ENTRY)
    assert log.submits() == ["consistent"]
    log.restore(copy)
    entry, port = entry_of(log)
    found = examined(log, entry, ports=(port,))
    assert found[0].level is Level.ERROR
    assert LOG in found[0].found
    assert "broker audit recover" in str(found[0].mend)
    assert json.dumps([one.found for one in found])
