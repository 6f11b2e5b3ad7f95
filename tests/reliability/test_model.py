"""The model of release and revoke holds, and each of its broken variants fails where it must."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_CHECK = Path(__file__).parents[2] / "docs/explanation/release-and-revoke/check.sh"
_NEEDED = ("sh", "dirname", "cat", "sed", "awk", "grep", "cut", "mktemp", "mkdir", "rm", "cc")


def check(*options: str, path: str = os.environ.get("PATH", "")) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(_CHECK), *options],
        env={"PATH": path},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def need_spin() -> None:
    missing = [tool for tool in ("spin", "cc") if shutil.which(tool) is None]
    if missing:
        reason = f"{missing[0]} is not installed (Debian: apt-get install spin gcc libc6-dev)"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


@pytest.mark.timeout(300)
def test_the_model_holds_and_every_broken_variant_fails_where_it_must() -> None:
    need_spin()
    done = check("--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("FAILS") >= 10
    assert "(!)" not in done.stdout


@pytest.mark.timeout(900)
def test_every_property_of_every_variant_is_as_it_is_told(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--size", "test") == "test":
        pytest.skip("a minute of searching: make campaign")
    need_spin()
    done = check()
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_spin_the_check_says_what_to_install(tmp_path: Path) -> None:
    for tool in _NEEDED:
        (tmp_path / tool).symlink_to(shutil.which(tool) or "/bin/false")
    done = check("--quick", path=str(tmp_path))
    assert done.returncode == 2
    assert "spin is missing. On Debian: apt-get install spin" in done.stderr
