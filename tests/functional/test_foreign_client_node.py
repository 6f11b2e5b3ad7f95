"""The how-to for Node runs as it is printed: a strict library of others goes the whole way, plain and signed.

And once more with a client that it has registered itself.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import ROOT
from tests.support.actors import Person
from tests.support.how_to import OWN_CLIENT, decides, programs_of, walked

_INSTALLED = ROOT / ".interop" / "oauth4webapi" / "node_modules"
_MISSING = "node from version 20 on, or oauth4webapi, is not here: `make test` installs the library"
_OLDEST = 20
WHOLE_WAY = [
    *(("balances", 200), ("narrowed to", "transactions"), ("balances with less", 403)),
    *(("introspected", "transactions"), ("introspected, signed", "transactions")),
    *(("merged", "balances transactions card_locations"), ("the old token", 401), ("grant", "ACTIVE")),
    *(("after revoking", 401), ("given back", 204), ("after giving back", 401)),
]


def _version() -> int:
    """The first number of Node's version, 0 without Node."""
    node = shutil.which("node")
    if node is None:
        return 0
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30).stdout
    return int(told.removeprefix("v").partition(".")[0])


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if _version() < _OLDEST or not _INSTALLED.is_dir():
        assert os.environ.get("CI") != "true", _MISSING
        pytest.skip(_MISSING)
    folder = tmp_path_factory.mktemp("node")
    (folder / "node_modules").symlink_to(_INSTALLED)
    path = folder / "connect.mjs"
    for name, program in zip(("connect", "register"), programs_of("connect-with-node.md", "javascript"), strict=True):
        path.with_stem(name).write_text(program, encoding="utf-8")
    return path


def goes(
    program: Path, info: dict[str, Any], client: str, alg: str, messages: str, decision: str
) -> list[tuple[str, Any]]:
    platform = next(one for one in info["platforms"] if one["client_id"] == client)
    command = ["node", str(program), info["issuer"], client, platform["jwk_file"], alg, messages]
    return walked(command, program.parent, decides(Person.of(info, "harbor"), decision))


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("client", "alg", "messages"),
    [
        ("pennywise", "ES256", "plain"),
        ("pennywise", "Ed25519", "plain"),
        ("quayside", "PS256", "plain"),
        ("quayside", "Ed25519", "signed"),
    ],
)
def test_a_node_library_goes_the_whole_way(
    program: Path, info: dict[str, Any], client: str, alg: str, messages: str
) -> None:
    told = goes(program, info, client, alg, messages, "approve")
    assert [(name, value) for name, value in told if name not in {"open", "granted"}] == WHOLE_WAY


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
@pytest.mark.parametrize("messages", ["plain", "signed"])
def test_a_node_library_is_told_when_the_person_says_no(program: Path, info: dict[str, Any], messages: str) -> None:
    told = goes(program, info, "quayside", "ES256", messages, "deny")
    assert told[1:] == [("refused", "access_denied")]


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
def test_a_node_program_registers_a_client_of_its_own_and_looks_after_it(program: Path, info: dict[str, Any]) -> None:
    command = ["node", str(program.with_stem("register")), info["issuer"]]
    decide = decides(Person.of(info, "harbor"), "approve")
    told = walked(command, program.parent, decide, INVITATION=info["registration_token"])
    assert [(name, value) for name, value in told if name != "open"] == OWN_CLIENT
