"""`make run` as its user meets it: what answers where, and what is said clearly when something is wrong."""

import base64
import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from broker.tlog.cosignature import CosignatureVerifier
from broker.tlog.disclosure import check, decode
from broker.tlog.note import Ed25519Verifier, open_note
from broker.tlog.receipt import verify_receipt
from broker.tlog.witness import checkpoint_path
from tests.support.actors import Person
from tests.support.platform_client import PlatformClient, details
from tests.support.waiting import until
from tests.support.world import World, free_port_base

pytestmark = pytest.mark.timeout(180)
on_sqlite = pytest.mark.parametrize("world", ["sqlite"], indirect=True)


def test_an_occupied_port_is_told_in_one_clear_line(tmp_path: Path) -> None:
    base = free_port_base()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base + 12))
        taken.listen()
        done = World(tmp_path, base).command("sandbox", "up", check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert str(base + 12) in done.stderr
    assert "BROKER_SANDBOX_PORT_BASE" in done.stderr


def test_an_unwritable_folder_is_told_in_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    done = World(tmp_path / "file" / "data").command("sandbox", "up", check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "cannot be written" in done.stderr


@on_sqlite
def test_a_second_world_on_the_same_folder_is_refused(world: World) -> None:
    done = World(world.data_dir).command("sandbox", "up", check=False)
    assert done.returncode == 2
    assert "already runs" in done.stderr


@pytest.mark.parametrize("value", ["x", "70000"])
def test_a_port_base_that_cannot_be_used_is_told(tmp_path: Path, value: str) -> None:
    done = World(tmp_path).command("sandbox", "up", check=False, BROKER_SANDBOX_PORT_BASE=value)
    assert done.returncode == 2
    assert "SANDBOX_PORT_BASE" in done.stderr


def test_a_broker_without_a_base_url_or_keys_refuses_to_start(tmp_path: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}
    command = [sys.executable, "-m", "broker", "serve"]
    for extra, word in (
        ({}, "BASE_URL"),
        ({"BROKER_BASE_URL": "http://broker.example"}, "https"),
        ({"BROKER_BASE_URL": "https://broker.example", "BROKER_DATA_DIR": str(tmp_path)}, "key file"),
    ):
        done = subprocess.run(command, env=bare | extra, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert word in done.stderr


@on_sqlite
def test_secrets_are_made_at_start_and_kept_from_others(world: World) -> None:
    secret_files = ["keys.json", "passwords.json", "info.json", "harbor/config.json", "messenger/config.json"]
    secret_files += [f"witness-{bank}/key.json" for bank in ("harbor", "meridian")]
    secret_files += [f"clients/{path.name}" for path in (world.data_dir / "clients").iterdir()]
    for name in secret_files:
        mode = stat.S_IMODE((world.data_dir / name).stat().st_mode)
        assert mode == 0o600, f"{name} has mode {mode:o}"


@on_sqlite
def test_doctor_finds_nothing_wrong_and_names_what_is(world: World) -> None:
    sandbox = {
        "BROKER_MODE": "sandbox",
        "BROKER_BASE_URL": world.info["issuer"],
        "BROKER_OUTBOUND_ALLOW": ",".join(bank["issuer"].removeprefix("http://") for bank in world.info["banks"]),
    }
    well = world.command("doctor", check=False, **sandbox)
    assert well.returncode == 0, well.stdout
    unreachable = world.command("doctor", check=False, **(sandbox | {"BROKER_OUTBOUND_ALLOW": ""}))
    assert unreachable.returncode == 1
    assert "PROBLEM" in unreachable.stdout


@on_sqlite
def test_the_tail_of_the_log_shows_events_and_no_personal_details(world: World) -> None:
    info = world.info
    Person.of(info, "harbor").shares(PlatformClient.of(info), "balances")
    tail = world.command("audit", "tail", "--json", BROKER_MODE="sandbox", BROKER_BASE_URL=info["issuer"]).stdout
    assert "grant.approved" in tail
    assert info["users"][0]["name"] not in tail


@on_sqlite
def test_the_outsiders_answer_where_the_document_says(world: World) -> None:
    info = world.info
    for bank in info["banks"]:
        served = requests.get(bank["served_url"], timeout=10)
        assert isinstance(served.json(), list)
        assert requests.post(bank["faults_url"], data={"fault": "nonsense"}, timeout=10).status_code == 400
    tokens = Person.of(info, "meridian").shares(PlatformClient.of(info), "card_locations")
    assert tokens.access
    served = requests.get(info["banks"][1]["served_url"], timeout=10).json()
    assert {"interaction_id", "time", "customer", "category", "accounts"} <= set(served[-1])


@on_sqlite
def test_a_plain_pushed_request_needs_no_knowledge_but_the_document(world: World) -> None:
    info = world.info
    client = PlatformClient.of(info, 1)
    assert client.begin(details("balances", bank="harbor")).request_uri


@on_sqlite
def test_an_answer_comes_with_a_receipt_that_the_document_lets_anybody_check(world: World) -> None:
    info = world.info
    client, bank = PlatformClient.of(info), info["banks"][1]
    tokens = Person.of(info, bank["id"]).shares(client, "balances")
    answer = client.call(info["api"]["account_balances"], tokens.access)
    keys = [Ed25519Verifier.of_vkey(vkey) for vkey in bank["audit"]["vkeys"]]
    header = answer.headers["x-broker-receipt"]
    receipt = base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))
    leaf = json.loads(verify_receipt(receipt, keys, origin=bank["audit"]["origin"]).leaf)
    digest = hashlib.sha256(answer.content).hexdigest()
    assert check(leaf, decode(answer.headers["x-broker-disclosures"])) == {"responseDigest": digest}
    again = client.call(answer.links["receipt"]["url"], tokens.access)
    assert json.loads(verify_receipt(again.content, keys, origin=bank["audit"]["origin"]).leaf) == leaf
    rows = requests.get(bank["served_under_receipts_url"], timeout=10).text.splitlines()
    interaction = answer.headers["x-fapi-interaction-id"]
    # The bank answered under the entry that announced the access, which stands before the one of the release.
    assert {json.loads(row)["number"] < leaf["number"] for row in rows if interaction in row} == {True}


def test_every_log_of_the_world_is_cosigned_by_both_witnesses(world: World) -> None:
    info = world.info
    Person.of(info, "harbor").shares(PlatformClient.of(info), "balances")
    verifiers = [CosignatureVerifier.of_vkey(one["vkey"]) for one in info["witnesses"]]
    log = next(bank["audit"] for bank in info["banks"] if bank["id"] == "harbor")
    origin, names = log["origin"], {verifier.name for verifier in verifiers}

    def cosigners() -> set[str]:
        found = set()
        for witness, verifier in zip(info["witnesses"], verifiers, strict=True):
            answer = requests.get(f"{witness['url']}/{checkpoint_path(origin)}", timeout=10)
            if answer.status_code == 200:
                found |= {one.name for one in open_note(answer.content, [verifier]).verified}
        return found

    def published() -> set[str]:
        note = requests.get(f"{log['url']}/checkpoint", timeout=10).content
        return {one.name for one in open_note(note, [Ed25519Verifier.of_vkey(log["vkey"]), *verifiers]).verified}

    until(lambda: cosigners() == names)
    until(lambda: published() == {origin, *names})  # a bank that takes only what witnesses have signed can use it
