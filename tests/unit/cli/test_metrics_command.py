"""`broker metrics` does not begin where nobody has asked for figures, or where its port is taken."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def refusal(folder: Path, port: str | None) -> str:
    """Run the command, which has to end at once, and return what it says."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}
    environment = clean | {"BROKER_BASE_URL": "https://broker.example", "BROKER_DATA_DIR": str(folder)}
    environment |= {} if port is None else {"BROKER_METRICS_PORT": port}
    command = [sys.executable, "-m", "broker", "metrics"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_without_a_port_there_are_no_figures(tmp_path: Path) -> None:
    assert "BROKER_METRICS_PORT" in refusal(tmp_path, None)
    assert not (tmp_path / "metrics").exists()


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "cannot be used" in refusal(tmp_path, str(taken.getsockname()[1]))


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, port: str) -> None:
    assert "BROKER_METRICS_PORT" in refusal(tmp_path, port)
