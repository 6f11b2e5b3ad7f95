"""Which witnesses the broker trusts is the operator's word, read strictly."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.audit.witnesses import configured_witnesses
from broker.errors import ConfigurationInvalid
from broker.tlog.cosignature import Cosigner
from tests.support.sandbox_settings import sandbox_settings
from tests.support.small_logs import SmallLog

KEYS = [Ed25519PrivateKey.generate() for _ in range(17)]
VKEYS = [Cosigner(f"w{number}.example", key).vkey for number, key in enumerate(KEYS)]


def entries(count: int) -> tuple[str, ...]:
    return tuple(f"{vkey} https://w.example/{number}/" for number, vkey in enumerate(VKEYS[:count]))


@pytest.mark.parametrize(("count", "quorum"), [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_the_majority_is_the_quorum_unless_the_operator_says_otherwise(tmp_path: Path, count: int, quorum: int) -> None:
    found = configured_witnesses(sandbox_settings(tmp_path, witnesses=entries(count)))
    assert (len(found.members), found.quorum) == (count, quorum)
    if count:
        chosen = configured_witnesses(sandbox_settings(tmp_path, witnesses=entries(count), witness_quorum=1))
        assert (chosen.quorum, chosen.members[0].url) == (1, "https://w.example/0")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        VKEYS[0],
        "https://w.example",
        f"{VKEYS[0]} w.example",
        f"{VKEYS[0]} ftp://w.example",
        f"{VKEYS[0]} https://w.example/?x",
        f"{VKEYS[0]} https://w.example/#x",
        f"{VKEYS[0]} https://w.example and more",
        f"{VKEYS[0][:-4]}AAA= https://w.example",
        f"{SmallLog('w.example').signer.vkey} https://w.example",
    ],
    ids=range(10),
)
def test_what_is_no_witness_is_refused_by_its_place(tmp_path: Path, entry: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="Entry 2 "):
        configured_witnesses(sandbox_settings(tmp_path, witnesses=(*entries(1), entry)))


def test_nobody_counts_twice_and_the_quorum_can_be_reached(tmp_path: Path) -> None:
    twin = Cosigner("twin.example", KEYS[0]).vkey
    other = Cosigner("w0.example", KEYS[1]).vkey
    for vkey in (VKEYS[0], twin, other):
        with pytest.raises(ConfigurationInvalid, match="twice"):
            configured_witnesses(sandbox_settings(tmp_path, witnesses=(*entries(1), f"{vkey} https://t.example")))
    with pytest.raises(ConfigurationInvalid, match="QUORUM"):
        configured_witnesses(sandbox_settings(tmp_path, witnesses=entries(2), witness_quorum=3))
    with pytest.raises(ConfigurationInvalid, match="QUORUM"):
        configured_witnesses(sandbox_settings(tmp_path, witness_quorum=1))
    with pytest.raises(ConfigurationInvalid, match="more than 16"):
        configured_witnesses(sandbox_settings(tmp_path, witnesses=entries(17)))
