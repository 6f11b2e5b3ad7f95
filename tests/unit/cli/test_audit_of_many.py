"""Checks of more than one log: after a recovery, and a bank's list that names logs beside the one that is looked at."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from broker.audit.tree import head_of, listed
from broker.audit.vocabulary import Entry, Event, Initiator
from tests.support.audited import KEYS, LOG, Audited, audited, runs
from tests.support.core import LOG_KEYS, House
from tests.support.edge import services_of

NEXT = f"{LOG}-2"
TRUSTED = tuple(part for log in (LOG, NEXT) for part in ("--key", LOG_KEYS.vkeys(log)[0]))
_CALL = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor", access_id="a-1")


@pytest.fixture
def harbor(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Audited]:
    services_of(house, "https://broker.example")  # makes the key file
    for name, value in {
        "BASE_URL": "https://broker.example",
        "DATABASE_URL": house.store.url,
        "DATA_DIR": str(house.folder),
    }.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    folder = tmp_path / "auditor"
    folder.mkdir()
    with audited(house, folder) as served:
        served.accesses_happen(5)
        yield served


def said(result: Result, code: int = 0) -> str:
    assert result.exit_code == code, result.output
    return str(result.output)


def recovers(harbor: Audited, witnessed: int = 13, **abandoned: object) -> None:
    """Another log in place of Harbor's, of which a witness had seen some entries more."""
    root = b64encode(bytes(32)).decode()
    head = {"origin": LOG, "size": witnessed, "root": root, "witness": "w1", **abandoned}
    with harbor.house.sequencer.recovery("harbor", LOG) as transaction:
        transaction.recover("harbor", NEXT, head)


def test_a_database_with_a_recovered_log_is_good_and_what_was_lost_is_told(harbor: Audited) -> None:
    recovers(harbor)
    told = said(runs("verify", "--database", *TRUSTED))
    assert f"{LOG}: 10 entries, all as they must be" in told
    assert f"stands in place of {LOG}, which was left at 10 entries" in told
    assert "the witness w1 had seen 13 entries of that log" in told
    assert "LOST: at least 3 entries, numbers 10 to 12" in told
    found = json.loads(said(runs("verify", "--database", *TRUSTED, "--json")))["logs"][NEXT]["recovered"]
    assert (found["lost"], found["abandoned"]["size"], found["witnessed"]["size"]) == (3, 10, 13)


def test_a_former_log_is_held_against_what_a_recovered_one_says(harbor: Audited) -> None:
    with harbor.house.database.read() as session:
        former = harbor.file("former", head_of(session, LOG).note)
    older = harbor.file("older", harbor.accesses_happen(1)[0].receipt.partition(b"\n\n")[2])
    recovers(harbor, 20)
    check = ("verify", "--database", "--log", NEXT, *TRUSTED, "--former")
    with harbor.house.database.read() as session:
        left = harbor.file("left", head_of(session, LOG).note)
    assert "in place of" in said(runs(*check, left))
    assert "can be compared with neither" in said(runs(*check, former), 2)
    assert older.read_bytes().splitlines()[1] == b"12"
    assert "in place of" in said(runs(*check, older))


def test_logs_are_in_the_order_of_their_numbers(harbor: Audited) -> None:
    with harbor.house.sequencer.recovery("harbor", LOG) as transaction:
        transaction.recover("harbor", NEXT, {"origin": LOG, "size": 1, "root": "x", "witness": "w"})
    with harbor.house.sequencer.recovery("harbor", NEXT) as transaction:
        transaction.recover("harbor", f"{LOG}-10", {"origin": NEXT, "size": 1, "root": "x", "witness": "w"})
    with harbor.house.sequencer.transaction(["harbor"]) as transaction:
        transaction.succeed("harbor", "broker.example/audit/harbor/2027")
    with harbor.house.database.read() as session:
        names = [head.origin.rpartition("/")[2] for head in listed(session, "harbor")]
    assert names == ["2026", "2026-2", "2026-10", "2027"]


def test_an_access_announced_in_a_log_that_nobody_looks_at_is_found(harbor: Audited) -> None:
    """The key's owner has a second log beside the year's own, and the bank served what that one announced."""
    harbor.house.sequencer.append(Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, "harbor"))
    own = harbor.served_list([0, 2, 4, 6, 8]).read_bytes()
    parallel = json.dumps({"log": f"{LOG}-7", "number": 3, "interactionId": "i-1"}).encode()
    served = harbor.file("both.jsonl", own + b"\n" + parallel)
    for source in (
        ("--log", harbor.url, "--credential-file", harbor.credential_file),
        ("--database",),
        ("--database", "--log", LOG),
    ):
        told = said(runs("verify", *source, "--key", KEYS[0], "--served", served), 1)
        assert f"1 lines of the served list are of logs that were not checked: {LOG}-7 (1) (served-elsewhere)" in told
        fault = json.loads(said(runs("verify", *source, "--key", KEYS[0], "--served", served, "--json"), 1))["fault"]
        assert fault["code"] == "served-elsewhere"
    assert "5 requests" in said(runs("verify", "--database", "--key", KEYS[0], "--served", harbor.file("own", own)))


def test_one_list_is_held_against_several_logs_in_one_run(harbor: Audited) -> None:
    own = harbor.served_list([0, 2, 4, 6, 8]).read_bytes()
    recovers(harbor)
    placed = harbor.house.sequencer.append(replace(_CALL, interaction_id="i-1"))
    assert placed.log == NEXT
    more = json.dumps({"log": NEXT, "number": placed.number, "interactionId": "i-1"}).encode()
    served = harbor.file("both.jsonl", own + b"\n" + more)
    both = ("--log", harbor.url, "--log", f"{harbor.url}-2", "--credential-file", harbor.credential_file)
    check = ("verify", *TRUSTED, "--served", served)
    found = json.loads(said(runs(*check, *both, "--json")))["logs"]
    assert {log: one["served"]["served"] for log, one in found.items()} == {LOG: 5, NEXT: 1}
    mirrors: list[str | Path] = []
    for url, key, folder in ((harbor.url, TRUSTED[1], "m1"), (f"{harbor.url}-2", TRUSTED[3], "m2")):
        copy = harbor.folder / folder
        credential = ("--credential-file", harbor.credential_file)
        said(runs("mirror", "--log", url, "--to", copy, *credential, "--key", key))
        mirrors += ["--mirror", copy]
    assert "1 requests that the bank served" in said(runs(*check, *mirrors))
    assert "served-elsewhere" in said(runs(*check, *mirrors[:2]), 1)
    assert "1 requests that the bank served" in said(runs(*check, "--database"))
    assert "of one log" in said(runs(*check, *mirrors, "--last-checkpoint", harbor.folder / "last"), 2)


def test_a_list_that_is_newer_than_the_checkpoint_accuses_nobody_and_is_not_good(harbor: Audited) -> None:
    copy, last = harbor.folder / "copy", harbor.folder / "last"
    said(
        runs("mirror", "--log", harbor.url, "--to", copy, "--credential-file", harbor.credential_file, "--key", KEYS[0])
    )
    harbor.accesses_happen(2)
    check = ("verify", "--mirror", copy, "--key", KEYS[0], "--served", harbor.served_list([0, 8, 10, 12]))
    told = said(runs(*check, "--last-checkpoint", last), 2)
    assert told.startswith(f"OPEN {LOG}: 2 lines of the served list, from number 10 on, are not covered")
    assert "(served-not-covered)" in told
    assert not last.exists()
    found = json.loads(said(runs(*check, "--json"), 2))
    assert (found["verified"], found["open"]["code"], found["open"]["count"]) == (None, "served-not-covered", 2)
    worse = ("verify", "--mirror", copy, "--key", KEYS[0], "--served", harbor.served_list([1, 10]))
    assert "served-not-logged" in said(runs(*worse), 1)
