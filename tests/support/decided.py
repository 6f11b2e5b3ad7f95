"""A house in which things were decided, and the operator who asks about them with `broker policy`."""

import shutil
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from broker.cli.main import cli
from broker.crypto import key_file
from broker.errors import BrokerError
from broker.policy import Catalogue
from broker.release import Release, Wanted
from broker.settings import default_policies_dir
from broker.storage.single_use import Condition
from tests.support.core import KEY, House, as_text, call_of
from tests.support.edge import services_of

BASE = "https://broker.example"


def operated(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Make the house that of the broker whose environment the commands find."""
    settings = services_of(house, BASE).settings
    key_file.write(settings.key_file, {"sealing": b64encode(KEY).decode()})
    for name, value in {"BASE_URL": BASE, "DATABASE_URL": house.store.url, "DATA_DIR": str(house.folder)}.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    return house


def interaction(number: int) -> str:
    return f"{number:08}-1111-4111-8111-111111111111"


def reads(
    house: House,
    grant_id: str,
    number: int,
    category: str = "balances",
    *,
    catalogue: Catalogue | None = None,
    claims: tuple[Condition, ...] = (),
    filtered: frozenset[str] = frozenset(),
) -> None:
    """Read a category without the person under an id of its own, whether it is allowed or refused."""
    release = house.release
    if catalogue is not None:
        parts = {name: getattr(release, name) for name in Release.__slots__}
        release = Release(**{**parts, "catalogue": catalogue})
    call = replace(call_of(grant_id, is_attended=False), interaction_id=interaction(number), claims=claims)
    try:
        release.read(call, Wanted(category, filtered_fields=filtered), as_text).held.drop()
    except BrokerError:
        return


def changed(folder: Path, file: str, change: Callable[[str], str]) -> Path:
    """Return a copy of the shipped policies with one file changed."""
    shutil.copytree(default_policies_dir(), folder)
    text = (folder / file).read_text()
    (folder / file).write_text(after := change(text))
    assert after != text
    return folder


def run(*arguments: str) -> Result:
    with capture_logs():  # `broker` itself keeps them off the terminal
        ran = CliRunner().invoke(cli, ["policy", *arguments])
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return ran
