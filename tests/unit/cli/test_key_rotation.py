"""The log's key is rotated: both sign for a while, every log says so, and what the old one signed stays valid."""

import json

import pytest
from click.testing import CliRunner

from broker.app import build_services
from broker.audit.tree import entries_of, head_of
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.cli.main import cli
from broker.edge.services import Services
from broker.settings import load_settings
from broker.tlog.note import open_note
from broker.tlog.receipt import verify_receipt
from tests.support.core import House
from tests.support.edge import services_of

_LOG = "broker.example/audit/harbor/2026"
_ENTRY = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor")


@pytest.fixture
def started(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    services_of(house, "https://broker.example")  # makes the key file
    for name, value in {
        "BASE_URL": "https://broker.example",
        "DATABASE_URL": house.store.url,
        "DATA_DIR": str(house.folder),
    }.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    return house


def broker(house: House) -> Services:
    return build_services(load_settings(), house.watch)


def keys(command: str) -> str:
    result = CliRunner().invoke(cli, ["keys", command])
    assert result.exit_code == 0, result.output
    return result.output


def signers(services: Services) -> int:
    with services.database.read() as session:
        note = head_of(session, _LOG).note
    return len(open_note(note, services.log_keys.verifiers(_LOG)).verified)


def test_while_a_key_is_rotated_both_sign_and_afterwards_the_new_one(started: House) -> None:
    before = broker(started)
    old = before.sequencer.append(_ENTRY)
    told = keys("rotate")
    both = broker(started)
    assert all(vkey in told for vkey in both.log_keys.vkeys(_LOG))
    assert (signers(both), len(both.log_keys.signing_keys)) == (2, 2)
    # Whoever has only the old key goes on verifying.
    between = both.sequencer.append(_ENTRY)
    assert verify_receipt(between.receipt, before.log_keys.verifiers(_LOG)).index == between.number

    keys("retire")
    after = broker(started)
    new = after.sequencer.append(_ENTRY)
    assert signers(after) == 1
    trusted = after.log_keys.verifiers(_LOG)
    assert [verify_receipt(one.receipt, trusted).index for one in (old, between, new)] == [0, 2, 4]
    with after.database.read() as session:
        said = [json.loads(leaf) for leaf in entries_of(session, _LOG, 0, 9)]
    assert [(one["event"], len(one.get("logKeys", []))) for one in said] == [
        ("access.requested", 0),
        ("keys.rotated", 2),
        ("access.requested", 0),
        ("keys.rotated", 1),
        ("access.requested", 0),
    ]
    assert keys("logs").splitlines() == list(after.log_keys.vkeys(_LOG))
    for one in (before, both, after):
        one.close()
