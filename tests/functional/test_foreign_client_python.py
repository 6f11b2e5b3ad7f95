"""The how-to for Python runs as it is printed: a library of others goes the whole way, with and without nonces.

And once more with a client that it has registered itself.
"""

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.actors import Person
from tests.support.how_to import OWN_CLIENT, decides, programs_of, walked

WHOLE_WAY = [
    *(("balances", 200), ("narrowed to", "transactions"), ("balances with less", 403)),
    *(("introspected", "transactions"), ("introspected, signed", "transactions")),
    *(("merged", "balances transactions card_locations"), ("the old token", 401), ("grant", "ACTIVE")),
    *(("revoked", True), ("after revoking", 401), ("given back", 204), ("after giving back", 401)),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("python") / "connect.py"
    for name, program in zip(("connect", "register"), programs_of("connect-with-python.md", "python"), strict=True):
        path.with_stem(name).write_text(program, encoding="utf-8")
    return path


def goes(program: Path, info: dict[str, Any], client: str, alg: str, decision: str) -> list[tuple[str, Any]]:
    platform = next(one for one in info["platforms"] if one["client_id"] == client)
    command = [sys.executable, str(program), info["issuer"], client, platform["jwk_file"], alg]
    return walked(command, program.parent, decides(Person.of(info, "harbor"), decision))


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
@pytest.mark.parametrize("client", ["pennywise", "quayside"])
def test_a_python_library_goes_the_whole_way(program: Path, info: dict[str, Any], client: str, alg: str) -> None:
    told = goes(program, info, client, alg, "approve")
    assert [(name, value) for name, value in told if name not in {"open", "granted"}] == WHOLE_WAY
    first, merged = [value for name, value in told if name == "granted"]
    assert [one["name"] for one in first[0]["categories"]] == ["balances", "transactions"]
    assert len(merged[0]["categories"]) == 3


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
@pytest.mark.parametrize("client", ["pennywise", "quayside"])
def test_a_python_library_is_told_when_the_person_says_no(program: Path, info: dict[str, Any], client: str) -> None:
    told = goes(program, info, client, "ES256", "deny")
    assert [name for name, _ in told] == ["open", "refused"]
    assert told[-1] == ("refused", "access_denied")


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
@pytest.mark.fapi(82)
def test_a_python_program_registers_a_client_of_its_own_and_looks_after_it(program: Path, info: dict[str, Any]) -> None:
    command = [sys.executable, str(program.with_stem("register")), info["issuer"]]
    decide = decides(Person.of(info, "harbor"), "approve")
    told = walked(command, program.parent, decide, INVITATION=info["registration_token"])
    assert [(name, value) for name, value in told if name != "open"] == OWN_CLIENT
