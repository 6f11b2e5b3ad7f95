"""`broker sandbox clock`: what a span may be, and what is said."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from broker.cli.sandbox import sandbox
from broker.errors import BrokerError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MODE", "BASE_URL", "PORT", "OUTBOUND_ALLOW", "SANDBOX_PORT_BASE", "DATABASE_URL", "KEY_FILE"):
        monkeypatch.setenv(f"BROKER_{name}", "")
        monkeypatch.delenv(f"BROKER_{name}")
    monkeypatch.setenv("BROKER_DATA_DIR", str(tmp_path))
    (tmp_path / "keys.json").touch()
    (tmp_path / "world.lock").touch()
    return tmp_path


def clock(*arguments: str) -> Result:
    return CliRunner().invoke(sandbox, ["clock", *arguments])


def test_a_span_of_minutes_hours_or_days_puts_the_clock_forward(folder: Path) -> None:
    assert "the real time" in clock().output
    for span, said in (("90m", "1 h 30 min"), ("12h", "13 h 30 min"), ("30d", "30 d 13 h 30 min")):
        assert f"{said} ahead of the real time" in clock("advance", span).output
    assert "30 d 13 h 30 min ahead" in clock().output
    told = json.loads(clock("advance", "1h", "--json").output)
    assert told["advanced_seconds"] == (30 * 24 + 14) * 3600 + 30 * 60
    assert (folder / "clock.json").exists()


@pytest.mark.parametrize(
    "span", ["", "30", "0d", "-1d", "+1d", "1.5d", "1y", "d", "1d2h", "\u0663d", "1 d", "9999999d", "3661d"]
)
def test_anything_else_is_refused_and_changes_nothing(folder: Path, span: str) -> None:
    refused = clock("advance", "--", span)
    assert isinstance(refused.exception, BrokerError)
    assert not (folder / "clock.json").exists()


def test_there_is_no_clock_where_no_sandbox_is(folder: Path) -> None:
    (folder / "keys.json").unlink()
    assert isinstance(clock("advance", "1d").exception, BrokerError)
    assert isinstance(clock().exception, BrokerError)


@pytest.mark.parametrize("command", [["clock", "advance", "30d"], ["load", "people.json"], ["clean"], ["info"]])
def test_no_sandbox_command_touches_the_folder_of_a_real_broker(folder: Path, command: list[str]) -> None:
    (folder / "world.lock").unlink()
    (folder / "people.json").write_text("{}", encoding="utf-8")
    if command[0] == "load":
        command = ["load", str(folder / "people.json")]
    refused = CliRunner().invoke(sandbox, command)
    assert isinstance(refused.exception, BrokerError)
    assert "no sandbox" in refused.exception.detail
    assert sorted(path.name for path in folder.iterdir()) == ["keys.json", "people.json"]


@pytest.mark.parametrize(("name", "value"), [("MODE", "production"), ("BASE_URL", "https://broker.example")])
def test_no_sandbox_command_runs_in_the_environment_of_a_real_broker(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"BROKER_{name}", value)
    refused = clock("advance", "30d")
    assert isinstance(refused.exception, BrokerError)
    assert "real broker" in refused.exception.detail
    assert not (folder / "clock.json").exists()
