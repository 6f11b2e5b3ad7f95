"""The page for auditors runs as it stands, and the list of faults is complete."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from broker.audit import verification
from broker.cli.main import cli
from tests.architecture.pages import DOCS, code_blocks, first_cells, section
from tests.support.audited import KEYS, LOG, Audited, audited
from tests.support.core import House

_PAGE = DOCS / "how-to" / "audit-the-log.md"
_FAULT = re.compile(r'(?:Fault\(\s*|_refuse\([\w\[\]]+, |_REWRITTEN = \()"([a-z]+(?:-[a-z]+)+)"')


@pytest.fixture
def harbor(house: House, tmp_path: Path) -> Iterator[Audited]:
    folder = tmp_path / "auditor"
    folder.mkdir()
    with audited(house, folder) as served:
        served.accesses_happen(10)
        yield served


def test_every_command_of_the_page_for_auditors_runs(harbor: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    harbor.file("log.keys", "\n".join(KEYS).encode())
    harbor.served_list(range(0, 20, 2)).rename(harbor.folder / "served.jsonl")
    assert harbor.credential_file.name == "credential"
    monkeypatch.chdir(harbor.folder)
    commands = "".join(code_blocks(_PAGE, "sh")).replace('"$LOG"', harbor.url).strip().splitlines()
    said = []
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "broker"
        with capture_logs():
            ran = CliRunner().invoke(cli, arguments)
        assert ran.exit_code == 0, (command, ran.output)
        said.append(ran.stdout)
    assert len(said) == 4
    assert said[1].startswith(f"{LOG}: 20 entries, all as they must be")
    assert "10 requests that the bank served are all announced in it" in said[2]
    assert (harbor.folder / "log.csv").read_text(encoding="utf-8").count("\n") == 21
    assert (harbor.folder / "last-checkpoint").read_bytes().startswith(LOG.encode())


def test_every_fault_is_documented_and_nothing_else_is() -> None:
    folder = Path(verification.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    told = first_cells(section(DOCS / "reference" / "log-faults.md", "Faults"))
    assert len(told) == len(set(told))
    assert set(told) == set(_FAULT.findall(source))
