"""The same owner at both databases: what stands in their way, and that the stored bytes tell what was done."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from broker.audit import published
from broker.audit.models import DetailRow, SubjectRow
from broker.audit.receipts import disclosed
from broker.audit.subjects import opened
from broker.audit.verification.faults import Fault
from broker.audit.verification.heads import Head, Trust
from broker.audit.verification.heads import opened as opened_head
from broker.audit.verification.log import Question, verify_log
from broker.audit.verification.reading import CHECKPOINT, Read
from broker.audit.vocabulary import Appended, Entry, Event, Initiator
from broker.tlog.disclosure import check
from broker.tlog.errors import Unverifiable
from tests.support.audited import KEYS, LOG
from tests.support.core import House
from tests.support.tampering import Forger

TRUST = Trust.of([KEYS[0]])
_CALL = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor", platform_id="messenger", category="balances")


def written(house: House, count: int) -> list[Appended]:
    placed = []
    with house.sequencer.transaction(["harbor"]) as transaction:
        for number in range(count):
            call = replace(_CALL, user_id=house.alice.user_id, access_id=f"access-{number}", details={"accounts": "a1"})
            placed.append(transaction.append(call))
    return placed


def stored(house: House) -> Read:
    def read(path: str) -> bytes:
        with house.database.read() as session:
            if path == CHECKPOINT:
                return published.checkpoint(session, LOG).body
            serve = published.entry_bundle if path.startswith("tile/entries/") else published.hash_tile
            return serve(session, LOG, path).body

    return read


def found(house: House, last: Head | None = None) -> str:
    try:
        verify_log(stored(house), Question(TRUST, LOG, last))
    except Fault as fault:
        return fault.code
    return ""


def forges(house: House, act: Callable[[Forger], None]) -> None:
    with house.database.engine.begin() as connection:
        act(Forger(connection, LOG))


def test_the_stored_bytes_and_the_last_checkpoint_tell_what_was_done_on_both_databases(house: House) -> None:
    written(house, 9)
    last = opened_head(stored(house)(CHECKPOINT), TRUST, LOG)
    assert found(house, last) == ""
    forges(house, lambda forger: forger.alters_row(4, leaf=forger.leaf(4).replace(b"balances", b"accounts")))
    assert found(house) == "entry-altered"
    forges(house, lambda forger: forger.rewrites(lambda _: None))
    assert found(house) == ""  # signed anew, nothing within the log contradicts it
    assert found(house, last) == "log-forked"
    forges(house, lambda forger: forger.rewrites(lambda history: history.pop()))
    assert found(house, last) == "log-shrunk"


@pytest.mark.parametrize(
    "act", ["UPDATE audit_entries SET event = 'x' WHERE number = 4", "DELETE FROM audit_entries WHERE number = 4"]
)
def test_the_databases_own_guard_stops_who_does_not_take_it_away(house: House, act: str) -> None:
    written(house, 9)
    with pytest.raises(Exception, match="append-only"):
        house.runs(act)
    assert found(house) == ""


def test_other_details_of_the_same_length_do_not_open_the_digest_in_the_entry(house: House) -> None:
    placed = written(house, 3)[1]
    with house.database.engine.begin() as connection:
        pseudonym, key = connection.execute(select(SubjectRow.pseudonym, SubjectRow.sealed_key)).one()
        sealer = opened(house.sealer, pseudonym, key)
        plain = json.dumps([[one.salt, one.name, "a2"] for one in placed.disclosures]).encode()
        where = (DetailRow.log == LOG) & (DetailRow.number == placed.number)
        sealed = sealer.seal(plain, f"audit_details/{LOG}/{placed.number}")
        connection.execute(update(DetailRow).where(where).values(sealed=sealed))
    assert found(house) == ""  # the tree knows the digest alone
    with house.database.read() as session:
        (leaf,) = published.tree.entries_of(session, LOG, placed.number, 1)
    shown = disclosed(sealer, LOG, placed.number, sealed)
    with pytest.raises(Unverifiable, match="disclos"):
        check(json.loads(leaf), shown)
    assert check(json.loads(leaf), placed.disclosures) == {"accounts": "a1"}
