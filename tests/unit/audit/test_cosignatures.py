"""Cosignatures are kept once each, never altered, and shown again under the checkpoint they belong to."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.exc import DBAPIError

from broker.audit import published
from broker.audit.lag import log_lags
from broker.audit.tree import checkpoints, head_of
from broker.audit.witnessed import cosigned_checkpoint, cosigned_receipt, keep, last_size
from broker.errors import NotFound
from broker.tlog.checkpoint import Checkpoint, open_cosigned
from broker.tlog.cosignature import Cosigner
from broker.tlog.note import parse_note
from broker.tlog.receipt import verify_receipt
from tests.support.core import LOG_KEYS, House
from tests.support.tampering import Forger
from tests.support.witnessed import ENTRY, LOG

W1, W2 = (Cosigner(f"w{number}.example", Ed25519PrivateKey.generate()) for number in (1, 2))
TRUSTED = [*LOG_KEYS.verifiers(LOG), W1.verifier, W2.verifier]


def cosign(house: House, *witnesses: Cosigner, time_s: int = 1_800_000_000) -> int:
    with house.database.read() as session:
        head = head_of(session, LOG)
    lines = {one.name: one.cosign(parse_note(head.note).text, time_s) for one in witnesses}
    with house.database.write() as session:
        keep(session, Checkpoint(LOG, head.size, head.root), head.note, lines)
    return head.size


def test_each_size_keeps_its_cosignatures_and_the_newest_is_shown(house: House) -> None:
    house.sequencer.append(ENTRY)
    with house.database.read() as session:
        assert (cosigned_checkpoint(session, LOG), last_size(session, LOG, W1.name)) == (head_of(session, LOG).note, 0)
    assert cosign(house, W1) == 1
    for _ in range(20):
        house.sequencer.append(ENTRY)
    assert cosign(house, W1) == cosign(house, W2) == 21
    house.sequencer.append(ENTRY)
    with house.database.read() as session:
        for size, names in ((None, {LOG, W1.name, W2.name}), (21, {LOG, W1.name, W2.name}), (1, {LOG, W1.name})):
            checkpoint, opened = open_cosigned(cosigned_checkpoint(session, LOG, size), TRUSTED, LOG)
            assert (checkpoint.size, {one.name for one in opened.verified}) == (size or 21, names)
        assert (last_size(session, LOG, W1.name), last_size(session, LOG, "w3.example")) == (21, 0)
        assert checkpoints(session) == {LOG: head_of(session, LOG).note}
        for size in (2, 22, 23):
            with pytest.raises(NotFound):
                cosigned_checkpoint(session, LOG, size)
        with pytest.raises(NotFound):
            cosigned_checkpoint(session, "broker.example/audit/nobody/2026")


def test_the_log_publishes_the_newest_cosigned_checkpoint_and_shows_the_newest_of_all_where_the_tree_is_damaged(
    house: House,
) -> None:
    with house.database.read() as session, pytest.raises(NotFound):
        published.checkpoint(session, LOG)
    house.sequencer.append(ENTRY)
    with house.database.read() as session:
        newest = published.tip(session, LOG)
        assert published.checkpoint(session, LOG) == newest
    cosign(house, W1)
    house.sequencer.append(ENTRY)
    with house.database.read() as session:
        assert published.checkpoint(session, LOG).body == cosigned_checkpoint(session, LOG, 1)
        assert published.tip(session, LOG).body == head_of(session, LOG).note
    with house.database.engine.begin() as connection:
        Forger(connection, LOG).deletes_row(0)
    with house.database.read() as session:
        assert published.checkpoint(session, LOG) == published.tip(session, LOG)


def test_a_receipt_stands_under_the_newest_cosigned_checkpoint_that_holds_its_entry(house: House) -> None:
    for _ in range(5):
        house.sequencer.append(ENTRY)
    cosign(house, W1, W2)
    for _ in range(3):
        house.sequencer.append(ENTRY)
    with house.database.read() as session:
        for number, size, witnesses in ((0, 5, {W1.name, W2.name}), (4, 5, {W1.name, W2.name}), (5, 8, set())):
            receipt = verify_receipt(cosigned_receipt(session, LOG, number), TRUSTED, origin=LOG)
            assert (receipt.index, receipt.checkpoint.size) == (number, size)
            assert {one.name for one in receipt.cosigners} == witnesses
        for log, number in ((LOG, 8), ("broker.example/audit/nobody/2026", 0)):
            with pytest.raises(NotFound):
                cosigned_receipt(session, log, number)


def test_what_is_kept_is_neither_replaced_nor_altered(house: House) -> None:
    house.sequencer.append(ENTRY)
    cosign(house, W1)
    with house.database.read() as session:
        before = cosigned_checkpoint(session, LOG)
    cosign(house, W1, time_s=1_900_000_000)
    with house.database.read() as session:
        assert cosigned_checkpoint(session, LOG) == before
    for statement in ("UPDATE audit_cosignatures SET size = 9", "DELETE FROM audit_cosignatures"):
        with pytest.raises(DBAPIError):
            house.runs(statement)


def test_a_witness_that_is_behind_is_told_with_the_age_of_what_it_has_not_signed(house: House) -> None:
    house.sequencer.append(ENTRY)
    cosign(house, W1)
    for seconds in (10, 20):
        house.watch.passes(seconds=seconds)
        house.sequencer.append(ENTRY)
    house.watch.passes(seconds=30)
    with house.database.read() as session:
        (log,) = log_lags(session, [W1.name, W2.name], house.watch())
    assert (log.owner, round(log.age_s)) == (ENTRY.bank_id, 30)
    told = [(one.witness, one.behind, round(one.lag_s)) for one in log.witnesses]
    assert told == [(W1.name, 2, 50), (W2.name, 3, 60)]
    cosign(house, W1)
    with house.database.read() as session:
        assert [(one.behind, one.lag_s) for one in log_lags(session, [W1.name], house.watch())[0].witnesses] == [
            (0, 0.0)
        ]
