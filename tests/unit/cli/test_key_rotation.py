"""The log's key is rotated: both sign for a while, every log says so, and what the old one signed stays valid."""

import html
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from broker.app import build_services, create_app
from broker.audit.tree import entries_of, head_of
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.audit.vouching import vkeys_of
from broker.cli.main import cli
from broker.edge.services import Services
from broker.settings import load_settings
from broker.tlog.note import Ed25519Verifier, open_note
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


def said_in(services: Services, log: str) -> list[int]:
    with services.database.read() as session:
        leaves = [json.loads(leaf) for leaf in entries_of(session, log, 0, 99)]
    return [len(leaf["logKeys"]) for leaf in leaves if leaf["event"] == "keys.rotated"]


def exits(command: str, code: int) -> str:
    result = CliRunner().invoke(cli, ["keys", command])
    assert result.exit_code == code, result.output
    return f"{result.output}{result.exception}"


def test_a_rotation_that_one_log_could_not_take_up_is_repeated_and_written_once_in_each(started: House) -> None:
    meridian = "broker.example/audit/meridian/2026"
    before = broker(started)
    for bank in ("harbor", "meridian"):
        before.sequencer.append(replace(_ENTRY, bank_id=bank))
    for command, keys_of in (("rotate", [2]), ("retire", [2, 1])):
        started.runs(f"UPDATE audit_logs SET size = -size WHERE name = '{_LOG}'")  # noqa: S608 - ours
        told = exits(command, 1)
        assert f"{_LOG} does not say so yet: log-unavailable" in told
        # The other one says it all the same.
        assert said_in(before, meridian) == keys_of
        started.runs(f"UPDATE audit_logs SET size = -size WHERE name = '{_LOG}'")  # noqa: S608 - ours
        keys(command)
        assert said_in(before, _LOG) == said_in(before, meridian) == keys_of
        assert "keys-rotating" in exits(command, 1)
    before.close()


def test_a_retired_key_vouches_for_no_log_in_use_and_for_those_that_ended_while_it_signed(started: House) -> None:
    following = "broker.example/audit/harbor/2027"
    before = broker(started)
    before.sequencer.append(_ENTRY)
    with before.sequencer.transaction(["harbor"]) as transaction:
        transaction.succeed("harbor", following)
    (old,) = before.log_keys.signing_keys
    keys("rotate")
    keys("retire")
    after = broker(started)
    (new,) = after.log_keys.signing_keys
    with after.database.read() as session:
        ended, current = (vkeys_of(after.log_keys, head_of(session, log)) for log in (_LOG, following))
    assert ended == (Ed25519Verifier(_LOG, old).vkey,)
    assert current == (Ed25519Verifier(following, new).vkey,)
    http = create_app(after).test_client()
    assert http.get("/audit/harbor/2027/keys").text.splitlines() == list(current)
    assert http.get("/audit/harbor/2026/keys").text.splitlines() == list(ended)
    page = http.get("/receipts/verify").text
    assert all(vkey in html.unescape(page) for vkey in (*ended, *current))
    assert Ed25519Verifier(following, old).vkey not in html.unescape(page)
    checked = CliRunner().invoke(cli, ["audit", "verify", "--database"])
    assert checked.exit_code == 0, checked.output
    for one in (before, after):
        one.close()


def test_what_a_stolen_retired_key_signs_in_a_log_in_use_is_found(started: House) -> None:
    before = broker(started)
    before.sequencer.append(_ENTRY)
    keys("rotate")
    keys("retire")
    # A process that still has the old key alone goes on signing.
    before.sequencer.append(_ENTRY)
    both = [part for vkey in broker(started).log_keys.verifiers(_LOG) for part in ("--key", vkey.vkey)]
    found = CliRunner().invoke(cli, ["audit", "verify", "--database"])
    assert (found.exit_code, "signature-missing" in found.output) == (1, True)
    found = CliRunner().invoke(cli, ["audit", "verify", "--database", *both])
    assert (found.exit_code, "key-retired" in found.output) == (1, True)
    before.close()
