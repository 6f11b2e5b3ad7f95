"""What a bank's auditor does, over HTTP and offline, and how the commands end: 0 good, 1 bad, 2 not checked."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import text

from broker.audit import credentials
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.tlog import disclosure
from tests.support.audited import KEYS, LOG, Audited, audited, runs
from tests.support.core import LOG_KEYS, House
from tests.support.edge import services_of
from tests.support.forged_log import STRANGER, WITNESS
from tests.support.tampering import Forger

KEY = ("--key", KEYS[0])


@pytest.fixture
def harbor(house: House, tmp_path: Path) -> Iterator[Audited]:
    folder = tmp_path / "auditor"
    folder.mkdir()
    with audited(house, folder) as served:
        served.accesses_happen(140)
        yield served


@pytest.fixture
def broker(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The environment of the broker itself, for commands that use its database."""
    services_of(house, "https://broker.example")  # makes the key file
    for name, value in {
        "BASE_URL": "https://broker.example",
        "DATABASE_URL": house.store.url,
        "DATA_DIR": str(house.folder),
    }.items():
        monkeypatch.setenv(f"BROKER_{name}", value)
    return house


def said(result: Result, code: int = 0) -> str:
    assert result.exit_code == code, result.output
    return str(result.output)


def test_a_bank_mirrors_its_log_checks_it_and_finds_its_requests_in_it(harbor: Audited) -> None:
    copy, last = harbor.folder / "copy", harbor.folder / "last"
    mirror = ("mirror", "--log", harbor.url, "--to", copy, "--credential-file", harbor.credential_file, *KEY)
    assert said(runs(*mirror)) == f"{LOG}: 280 entries, 280 of them new, in {copy}\n"
    served = harbor.served_list([number for number in range(0, 280, 2) if number != 4])
    told = said(runs("verify", "--mirror", copy, *KEY, "--served", served, "--last-checkpoint", last))
    assert "280 entries, all as they must be" in told
    assert "139 requests that the bank served are all announced in it" in told
    assert "1 announced requests are not in the bank's list: 4 …" in told
    harbor.accesses_happen(200)
    found = json.loads(said(runs(*mirror, "--json")))
    assert found == {"verified": True, "log": LOG, "size": 680, "added": 400}
    online = ("verify", "--log", harbor.url, "--credential-file", harbor.credential_file, *KEY)
    assert json.loads(said(runs(*online, "--last-checkpoint", last, "--json")))["size"] == 680
    assert last.read_bytes().splitlines()[1] == b"680"


def test_a_mirror_that_was_changed_is_bad_and_the_entry_is_named(harbor: Audited) -> None:
    copy = harbor.folder / "copy"
    runs("mirror", "--log", harbor.url, "--to", copy, "--credential-file", harbor.credential_file, *KEY)
    bundle = copy / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes().replace(b'"access":"access-7"', b'"access":"access-8"', 1))
    told = said(runs("verify", "--mirror", copy, *KEY), 1)
    assert told == f"BAD  {LOG} entry 14: does not hash to what stands in the tree (entry-altered)\n"
    fault = json.loads(said(runs("verify", "--mirror", copy, *KEY, "--json"), 1))
    assert (fault["verified"], fault["fault"]["number"], fault["fault"]["code"]) == (False, 14, "entry-altered")


def test_a_request_served_and_never_logged_is_bad(harbor: Audited) -> None:
    served = harbor.served_list([0, 3])
    told = runs("verify", "--log", harbor.url, "--credential-file", harbor.credential_file, *KEY, "--served", served)
    assert "entry 3: announces no request" in said(told, 1)


def test_a_log_that_was_cut_is_found_by_who_keeps_the_last_checkpoint(harbor: Audited) -> None:
    last = harbor.folder / "last"
    online = (
        "verify",
        "--log",
        harbor.url,
        "--credential-file",
        harbor.credential_file,
        *KEY,
        "--last-checkpoint",
        last,
    )
    harbor.accesses_happen(1)
    older = harbor.house.store.rows("SELECT size, frontier, checkpoint FROM audit_logs")[0]
    names = dict(zip(("size", "frontier", "checkpoint"), older, strict=True))
    harbor.accesses_happen(1)
    said(runs(*online))
    before = last.read_bytes()
    with harbor.house.database.engine.begin() as connection:
        connection.execute(
            text("UPDATE audit_logs SET size = :size, frontier = :frontier, checkpoint = :checkpoint"), names
        )
    assert f"entry {older[0]}: is not there any more" in said(runs(*online), 1)
    assert last.read_bytes() == before


def test_what_cannot_be_checked_is_told_apart_from_what_is_bad(harbor: Audited) -> None:
    online = ("verify", "--log", harbor.url)
    assert "--credential-file" in said(runs(*online, *KEY), 2)
    wrong = harbor.file("wrong", b"bkr_ba_wrong")
    assert "living audit credential" in said(runs(*online, *KEY, "--credential-file", wrong), 2)
    assert json.loads(runs(*online, *KEY, "--json").stdout)["verified"] is None
    assert "no checkpoint" in said(runs("verify", "--log", f"{harbor.url}0", *KEY), 2)
    assert "cannot be reached" in said(runs("verify", "--log", "http://127.0.0.1:1/audit/harbor/2026", *KEY), 2)
    assert "signature-missing" in said(runs(*online, "--key", LOG_KEYS.vkeys("x")[0]), 1)
    assert "--key" in said(runs(*online), 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", *KEY),
        ("verify", "--database", "--mirror", ".", *KEY),
        ("verify", "--log", "http://broker.example/audit/harbor/2026", *KEY),
        ("verify", "--log", "ftp://broker.example/audit/harbor/2026", *KEY),
        ("verify", "--log", "https://user@broker.example/audit/harbor/2026", *KEY),
        ("verify", "--log", "https://broker.example:x/audit", *KEY),
        ("verify", "--log", "https://broker.example/audit", "--key", "a+b+c"),
        ("verify", "--log", "https://broker.example/audit", "--key", "/no/such/file"),
        ("verify", "--log", "https://broker.example/audit", "--quorum", "1", *KEY),
        ("export",),
        ("export", "--log", "x", "--mirror", "."),
    ],
    ids=lambda arguments: " ".join(arguments)[:60],
)
def test_a_command_that_makes_no_sense_is_refused(arguments: tuple[str, ...]) -> None:
    assert "Error" in said(runs(*arguments), 2)


@pytest.mark.usefixtures("harbor")
def test_the_broker_checks_its_own_database_with_its_own_keys(broker: House) -> None:
    broker.sequencer.append(Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM))
    keys = ("--key", KEYS[0], "--key", LOG_KEYS.vkeys("broker.example/audit/operator/2026")[0])
    told = said(runs("verify", "--database", *keys))
    assert f"{LOG}: 280 entries" in told
    assert "audit/operator/2026: 1 entries" in told
    assert "signature-missing" in said(runs("verify", "--database"), 1)  # the key file has another key
    (leaf,) = broker.store.rows("SELECT leaf FROM audit_entries WHERE number = 19 AND log LIKE '%harbor%'")[0]
    in_spite_of_triggers(broker, f"UPDATE audit_entries SET leaf = {literal(broker, leaf)} WHERE number = 19")  # noqa: S608 - ours
    assert f"{LOG} entry 19: does not hash" in said(runs("verify", "--database", "--log", LOG, *keys), 1)
    in_spite_of_triggers(broker, "UPDATE audit_entries SET leaf = 'a text' WHERE number = 18")
    assert f"{LOG} entry 18: does not hash" in said(runs("verify", "--database", "--log", LOG, *keys), 1)
    in_spite_of_triggers(broker, "DELETE FROM audit_entries WHERE number = 7")
    assert f"{LOG} entry 7: stands at number 7 and says that it is number 8" in said(
        runs("verify", "--database", "--log", LOG, *keys), 1
    )


def test_the_next_years_log_is_held_against_the_end_of_this_one(harbor: Audited, broker: House) -> None:
    with broker.sequencer.transaction(["harbor"]) as transaction:
        transaction.succeed("harbor", "broker.example/audit/harbor/2027")
    keys = ("--key", KEYS[0], "--key", LOG_KEYS.vkeys("broker.example/audit/harbor/2027")[0])
    assert f"goes on from {LOG}" in said(runs("verify", "--database", *keys))
    former = harbor.file("former", harbor.placed[-1].receipt.partition(b"\n\n")[2])
    told = runs("verify", "--database", "--log", "broker.example/audit/harbor/2027", "--former", former, *keys)
    assert "former-log-wrong" in said(told, 1)


def in_spite_of_triggers(house: House, statement: str) -> None:
    """Change the log as the owner of the database can."""
    if not house.store.url.startswith("sqlite"):
        house.runs("SET LOCAL session_replication_role = replica", statement)
        return
    for (name,) in house.store.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        house.runs(f"DROP TRIGGER {name}")
    house.runs(statement)


def literal(house: House, leaf: bytes) -> str:
    """Write an entry with another access in it as the database wants bytes."""
    changed = bytes(leaf).replace(b'"access-9"', b'"access-8"').hex()
    return f"X'{changed}'" if house.store.url.startswith("sqlite") else f"'\\x{changed}'"


def test_a_receipt_is_told_in_plain_words_offline(harbor: Audited) -> None:
    released = harbor.accesses_happen(1, b'{"balance":"1.00"}')[1]
    receipt = harbor.file("receipt", released.receipt)
    disclosures = harbor.file("disclosures", disclosure.encode(released.disclosures).encode())
    body = harbor.file("body", b'{"balance":"1.00"}')
    told = said(runs("verify-receipt", receipt, *KEY, "--disclosures", disclosures, "--body", body))
    for words in (
        "The receipt is good",
        "event        access.released",
        "time         2026-11-22T12:00:00Z",
        "platform     messenger",
        f"log          {LOG}",
        "number       281, of 282",
        "cosigned     by no witness that was named",
        "body         is the one that was released",
    ):
        assert words in told
    facts = json.loads(said(runs("verify-receipt", receipt, *KEY, "--json")))
    assert (facts["number"], facts["entry"]["event"], facts["body"]) == (281, "access.released", None)
    as_header = harbor.file("header", disclosure._base64url(released.receipt).encode())
    said(runs("verify-receipt", as_header, *KEY))
    as_array = harbor.file("array", json.dumps(released.disclosures, indent=1).encode())
    assert "disclosed responseDigest" in said(runs("verify-receipt", receipt, *KEY, "--disclosures", as_array))


def test_a_disclosure_that_is_no_text_is_told_as_json(harbor: Audited, broker: House) -> None:
    details = {"asked": {"categories": ["balances"], "duration": None}, "one": ["a", "b"], "yes": True}
    entry = Entry(Event.GRANT_PROPOSED, Initiator.INDIVIDUAL, "harbor", user_id=broker.alice.user_id, details=details)
    appended = broker.sequencer.append(entry)
    receipt = harbor.file("receipt", appended.receipt)
    disclosures = harbor.file("disclosures", disclosure.encode(appended.disclosures).encode())
    told = said(runs("verify-receipt", receipt, *KEY, "--disclosures", disclosures)).splitlines()
    shown = dict(line.removeprefix("disclosed ").split(" ", 1) for line in told if line.startswith("disclosed "))
    assert json.loads(shown["asked"]) == details["asked"]
    assert (shown["one"], shown["yes"]) == ("a, b", "true")


def test_a_receipt_is_held_against_the_log_as_it_is_now_without_a_credential(harbor: Audited) -> None:
    receipt = harbor.file("receipt", harbor.accesses_happen(1)[1].receipt)
    harbor.accesses_happen(1)
    live = ("verify-receipt", receipt, *KEY, "--log", harbor.url)
    assert "now          the log goes on from there, and has 284 entries" in said(runs(*live))
    assert json.loads(said(runs(*live, "--json")))["size_now"] == 284
    assert "quorum-missed" in said(runs(*live, "--witness", WITNESS.vkey), 1)
    with harbor.house.database.engine.begin() as connection:
        Forger(connection, LOG).rewrites(lambda history: history[3].update(category="accounts"))
    assert f"BAD  {LOG} entry 281: stands in a history" in said(runs(*live), 1)


def test_a_receipt_that_proves_nothing_is_bad(harbor: Audited) -> None:
    requested, released = harbor.accesses_happen(1)
    receipt = harbor.file("receipt", released.receipt)
    other = harbor.file("other", disclosure.encode(requested.disclosures).encode())
    own = harbor.file("own", disclosure.encode(released.disclosures).encode())
    changed = harbor.file("changed", released.receipt.replace(b"index 281", b"index 280"))
    assert "inclusion-unproven" in said(runs("verify-receipt", changed, *KEY), 1)
    assert "signature-missing" in said(runs("verify-receipt", receipt, "--key", STRANGER.vkey), 1)
    for junk in (b"\xff\x00", b"some words\nin a file\n", b"AAAA", b"", "Öffnungszeiten: 9 bis 5".encode()):
        told = said(runs("verify-receipt", harbor.file("junk", junk), *KEY), 1)
        assert "proof-malformed" in told
        assert "It is no receipt" in told, junk
    assert "disclosure-unproven" in said(runs("verify-receipt", receipt, *KEY, "--disclosures", other), 1)
    wrong = harbor.file("body", b"another")
    assert "body-altered" in said(runs("verify-receipt", receipt, *KEY, "--disclosures", own, "--body", wrong), 1)
    assert "responseDigest" in said(
        runs("verify-receipt", harbor.file("r", requested.receipt), *KEY, "--disclosures", other, "--body", wrong), 2
    )
    for unreadable in (b"[", b"[[1]]", b"[" * 5_000, b"\xff", b"x" * 20_000):
        odd = harbor.file("odd", unreadable)
        assert "disclosures" in said(runs("verify-receipt", receipt, *KEY, "--disclosures", odd), 2)
    assert "larger" in said(runs("verify-receipt", harbor.file("huge", b"c2sp.org/" + b"x" * 200_000), *KEY), 2)
    assert "--body needs" in said(runs("verify-receipt", receipt, *KEY, "--body", wrong), 2)


def test_a_log_is_exported_for_a_spreadsheet_and_no_cell_is_a_formula(harbor: Audited, broker: House) -> None:
    broker.sequencer.append(
        Entry(Event.PLATFORM_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, "harbor", platform_id='=cmd|" /C calc"!A0')
    )
    target = harbor.folder / "log.csv"
    said(runs("export", "--log", LOG, "--to", target))
    rows = target.read_text(encoding="utf-8").splitlines()
    assert len(rows) == 282
    assert rows[0].startswith("number,time,event,decision,initiator,platform,")
    assert rows[1].startswith(
        "0,2026-11-22T12:00:00.250000Z,access.requested,allowed,DATA_RECIPIENT,messenger,balances,"
    )
    assert rows[281].startswith(
        "280,2026-11-22T12:00:00.250000Z,platform.registered,allowed,DATA_ACCESS_PLATFORM,\"'=cmd"
    )
    assert "sub-alice" not in target.read_text(encoding="utf-8")
    lines = said(runs("export", "--log", LOG, "--format", "jsonl")).splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(281))
    assert "no such log" in str(runs("export", "--log", "x").exception)


def test_an_export_stops_at_an_entry_that_was_changed_and_leaves_no_file(harbor: Audited) -> None:
    copy, target = harbor.folder / "copy", harbor.folder / "out.jsonl"
    runs("mirror", "--log", harbor.url, "--to", copy, "--credential-file", harbor.credential_file, *KEY)
    said(runs("export", "--mirror", copy, "--format", "jsonl", "--to", target))
    kept = target.read_bytes()
    bundle = copy / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes().replace(b"messenger", b"massenger", 1))
    assert "entry 0: does not hash" in said(runs("export", "--mirror", copy, "--format", "jsonl", "--to", target), 1)
    assert target.read_bytes() == kept
    assert [path.name for path in harbor.folder.iterdir() if path.name.startswith(".new-")] == []


@pytest.mark.usefixtures("broker")
def test_the_operators_credentials_are_made_listed_and_revoked() -> None:
    made = runs("credential", "create", "--days", "30")
    secret = made.stdout.strip()
    assert secret.startswith("bkr_ba_")
    (listed,) = json.loads(said(runs("credential", "list", "--json")))
    assert (listed["created"], listed["revoked"]) == (listed["created"], None)
    assert secret not in said(runs("credential", "list"))
    assert "Revoked" in said(runs("credential", "revoke", listed["id"]))
    assert json.loads(said(runs("credential", "list", "--json")))[0]["revoked"] is not None
    assert "no such credential" in str(runs("credential", "revoke", "x").exception)


def test_another_banks_credential_accuses_nobody(harbor: Audited) -> None:
    with harbor.house.database.write() as session:
        _, secret = credentials.create(session, "meridian", harbor.house.watch())
    foreign = harbor.folder / "foreign"
    foreign.write_text(secret, encoding="utf-8")
    foreign.chmod(0o600)
    assert "another bank" in said(runs("verify", "--log", harbor.url, "--credential-file", foreign, *KEY), 2)
