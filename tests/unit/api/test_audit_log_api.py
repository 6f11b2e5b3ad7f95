"""The logs over HTTP: hashes for everybody, entries for the bank they are about, nothing for anybody else."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from broker.audit import credentials, witnessed
from broker.audit.leaf import draft
from broker.audit.verification.heads import Trust
from broker.audit.verification.log import Question, verify_log
from broker.audit.verification.reading import Missing
from broker.audit.verification.receipts import statement_of
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import NotFound
from broker.tlog.checkpoint import parse_checkpoint
from broker.tlog.note import parse_note
from broker.tlog.tiles import decode_entries
from tests.support.core import LOG_KEYS, House
from tests.support.edge import app_of, problem
from tests.support.forged_log import WITNESS

HARBOR = "/audit/harbor/2026"
LOG = "broker.example/audit/harbor/2026"
ENTRY = Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, "harbor")
COUNT = 300


@dataclass
class Auditor:
    """Somebody with a credential, or without one."""

    http: FlaskClient
    secret: str = ""

    def get(self, path: str, method: str = "GET", **headers: str) -> TestResponse:
        bearer = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        return self.http.open(path, method=method, headers={**bearer, **headers})


Enter = Callable[..., Auditor]


@pytest.fixture
def enter(house: House) -> Enter:
    """A log of 300 entries, another bank's, and who comes to see them."""
    writer = house.sequencer._writer
    with house.database.write() as session:
        for bank, count in (("harbor", COUNT), ("meridian", 1)):
            writer.write(session, writer.lock(session, [bank])[bank], [draft(replace(ENTRY, bank_id=bank))] * count)
    http = app_of(house, "https://broker.example").test_client()

    def made(owner: str | None = None, days: int = 365) -> Auditor:
        if owner is None:
            return Auditor(http)
        with house.database.write() as session:
            _, secret = credentials.create(session, owner, house.watch(), days)
        return Auditor(http, secret)

    return made


def reader(auditor: Auditor) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        answer = auditor.get(f"{HARBOR}/{path}")
        if answer.status_code == 404:
            raise Missing(path)
        assert answer.status_code == 200, answer.text
        return answer.data

    return read


def test_a_verifier_that_knows_only_the_public_formats_reads_the_whole_log(enter: Enter) -> None:
    found = verify_log(reader(enter("harbor")), Question(Trust.of(LOG_KEYS.vkeys(LOG)), LOG))
    assert found.head.checkpoint.size == COUNT


def test_checkpoint_keys_and_hashes_are_public_and_entries_are_not(enter: Enter) -> None:
    anybody = enter()
    assert anybody.get(f"{HARBOR}/checkpoint").content_type == "text/plain; charset=utf-8"
    assert anybody.get(f"{HARBOR}/keys").text.splitlines() == list(LOG_KEYS.vkeys(LOG))
    tile = anybody.get(f"{HARBOR}/tile/0/000")
    assert (tile.content_type, len(tile.data)) == ("application/octet-stream", 256 * 32)
    assert len(anybody.get(f"{HARBOR}/tile/0/001.p/44").data) == 44 * 32
    assert len(anybody.get(f"{HARBOR}/tile/1/000.p/1").data) == 32
    for path in ("tile/entries/000", "proof/0"):
        refused = anybody.get(f"{HARBOR}/{path}")
        assert problem(refused) == (401, "audit-credential-refused")
        assert refused.headers["WWW-Authenticate"] == 'Bearer realm="audit"'


def test_a_banks_credential_opens_its_own_entries(enter: Enter) -> None:
    harbor = enter("harbor")
    bundle = harbor.get(f"{HARBOR}/tile/entries/000")
    assert (bundle.content_type, len(decode_entries(bundle.data))) == ("application/octet-stream", 256)
    said = statement_of(harbor.get(f"{HARBOR}/proof/17").data, Trust.of(LOG_KEYS.vkeys(LOG)))
    assert (said.number, said.fields["event"], said.receipt.checkpoint.size) == (17, "bank.registered", COUNT)


def test_another_banks_log_is_as_if_there_were_none(enter: Enter) -> None:
    meridian = enter("meridian")
    for path in ("tile/entries/000", "proof/0", "proof/999999"):
        there = meridian.get(f"{HARBOR}/{path}")
        absent = meridian.get(f"/audit/no-such-bank/2026/{path}")
        assert problem(there) == problem(absent) == (404, "not-found")
        assert there.get_json()["detail"] == absent.get_json()["detail"]
    assert meridian.get("/audit/meridian/2026/tile/entries/000.p/1").status_code == 200
    assert enter("operator").get(f"{HARBOR}/tile/entries/000").status_code == 404


def test_a_credential_ends_when_it_expires_or_is_revoked(enter: Enter, house: House) -> None:
    short, revoked = enter("harbor", 1), enter("harbor")
    with house.database.write() as session:
        longest = max(credentials.listed(session, "harbor"), key=lambda one: one.expires_at)
        with pytest.raises(NotFound):
            credentials.revoke(session, "meridian", longest.id, house.watch())
        credentials.revoke(session, "harbor", longest.id, house.watch())
    assert short.get(f"{HARBOR}/proof/0").status_code == 200
    house.watch.passes(days=1)
    for ended in (short, revoked, Auditor(short.http, "bkr_ba_unknown"), Auditor(short.http, "é")):
        assert problem(ended.get(f"{HARBOR}/proof/0")) == (401, "audit-credential-refused")
    basic = short.http.get(f"{HARBOR}/proof/0", headers={"Authorization": f"Basic {revoked.secret}"})
    assert problem(basic) == (401, "audit-credential-refused")


def test_a_credentials_secret_is_stored_nowhere(enter: Enter, house: House) -> None:
    secret = enter("harbor").secret
    assert secret.startswith("bkr_ba_")
    assert secret.encode() not in house.stored_bytes()


def test_what_never_changes_is_kept_for_ever_and_the_rest_is_asked_again(enter: Enter) -> None:
    harbor = enter("harbor")
    kept = {
        "tile/0/000": "public, max-age=31536000, immutable",
        "tile/entries/000": "private, max-age=31536000, immutable",
        "tile/0/001.p/44": "public, max-age=2",
        "tile/entries/001.p/44": "private, max-age=2",
        "checkpoint": "public, max-age=2",
        "proof/3": "private, max-age=2",
    }
    for path, policy in kept.items():
        answer = harbor.get(f"{HARBOR}/{path}")
        assert answer.headers["Cache-Control"] == policy, path
        again = harbor.get(f"{HARBOR}/{path}", **{"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b""), path
        head = harbor.get(f"{HARBOR}/{path}", method="HEAD")
        assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", answer.headers["ETag"]), path
        assert "Set-Cookie" not in answer.headers


def test_a_new_entry_gives_a_new_checkpoint_and_an_old_partial_tile_stays(enter: Enter, house: House) -> None:
    anybody = enter()
    before, tile = anybody.get(f"{HARBOR}/checkpoint"), anybody.get(f"{HARBOR}/tile/0/001.p/44")
    house.sequencer.append(ENTRY)
    after = anybody.get(f"{HARBOR}/checkpoint", **{"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.data.splitlines()[1] == str(COUNT + 1).encode()
    assert anybody.get(f"{HARBOR}/tile/0/001.p/44").data == tile.data


_NOT_THERE = (
    "tile/0/002", "tile/0/001", "tile/0/001.p/45", "tile/0/000.p/256", "tile/0/000.p/0", "tile/0/000.p/01",
    "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/0", "tile/0/x000/000", "tile/0/x000/", "tile/0/000/",
    "tile/0//000", "tile/0/..%2f..%2fcheckpoint", "tile/0/../entries/000", "tile/0/%00", "tile/0/%ff", "tile/0/%d9%a0",
    "tile/entries/002", "tile/entries/../0/000", "tile/Entries/000", "tile/0/x999/x999/x999/x999/x999/x999/999",
    "tile/0/" + "x999/" * 300 + "999", "tile/0/" + "0" * 3_000, "proof/300", "proof/-1", "proof/00", "proof/1e3",
    "proof/99999999999999999999999", "proof/%00", "proof/%d9%a1", "checkpoint/", "tile", "", "../2026/checkpoint",
)  # fmt: skip
_NO_LOGS = ("harbor/2025", "harbor/20260", "harbor/2026-0", "Harbor/2026", "%00/2026", "..%2fharbor/2026", "x/%ff")


def test_a_hostile_path_is_not_found(enter: Enter) -> None:
    harbor = enter("harbor")
    for path in _NOT_THERE:
        assert problem(harbor.get(f"{HARBOR}/{path}"))[0] == 404, path


def test_a_log_that_does_not_exist_is_not_found(enter: Enter) -> None:
    anybody = enter()
    for log in _NO_LOGS:
        for path in ("checkpoint", "keys", "tile/0/000"):
            assert problem(anybody.get(f"/audit/{log}/{path}")) == (404, "not-found"), log


def test_the_checkpoint_carries_the_signatures_of_witnesses(enter: Enter, house: House) -> None:
    anybody = enter()
    note = anybody.get(f"{HARBOR}/checkpoint").data
    signed = parse_checkpoint(parse_note(note).text)
    with house.database.write() as session:
        witnessed.keep(session, signed, note, {WITNESS.name: WITNESS.cosign(signed.text(), 1_800_000_000)})
    house.sequencer.append(ENTRY)
    trust = Trust.of(LOG_KEYS.vkeys(LOG), [WITNESS.vkey])
    found = verify_log(reader(enter("harbor")), Question(trust, LOG))
    assert [(one.name, one.time_s) for one in found.head.cosigned] == [(WITNESS.name, 1_800_000_000)]
    assert found.head.checkpoint.size == COUNT


def test_only_reading_is_offered(enter: Enter) -> None:
    refused = enter("harbor").get(f"{HARBOR}/tile/entries/000", method="DELETE")
    assert problem(refused) == (405, "method-not-allowed")


def test_a_dropped_log_keeps_its_checkpoint_and_nothing_else(enter: Enter, house: House) -> None:
    harbor = enter("harbor")
    house.runs("UPDATE audit_logs SET is_dropped = true, is_current = false WHERE owner = 'harbor'")
    house.runs("DELETE FROM audit_entries WHERE log LIKE '%harbor%'")
    assert harbor.get(f"{HARBOR}/checkpoint").status_code == 200
    for path in ("tile/0/000", "tile/entries/000", "proof/0"):
        assert problem(harbor.get(f"{HARBOR}/{path}")) == (404, "not-found")
