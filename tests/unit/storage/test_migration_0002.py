"""A log from before the tree is hashed as it stands, and grows on from there."""

import json

import pytest
from sqlalchemy import text

from broker.audit.sequencer import Sequencer
from broker.audit.tree import entries_of, hashes_of, head_of, nodes_of
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.crypto.sealing import Sealer
from broker.errors import ConfigurationInvalid
from broker.storage import schema
from broker.storage.engine import Database
from broker.tlog.merkle import leaf_hash, root_of
from broker.tlog.receipt import verify_receipt
from tests.support.core import KEY, LOG_KEYS, Watch, sequencer_on
from tests.support.stores import Store

_LOG = "broker.example/audit/harbor/2026"
_COUNT = 300
_PERSON = {"user_id": "u-1", "bank_id": "harbor"}


@pytest.fixture
def old(store: Store) -> Database:
    """A database of the first revision, with a log of 300 entries."""
    database = Database(store.url)
    schema.downgrade(database, "0001")
    with database.write() as session:
        log = {"name": _LOG, "size": _COUNT}
        session.execute(text("INSERT INTO audit_logs VALUES (:name, 'harbor', :size, 5, true)"), log)
        entries = [
            {"log": _LOG, "number": number, "leaf": f'{{"number":{number},"v":1}}'.encode()} for number in range(_COUNT)
        ]
        session.execute(
            text("INSERT INTO audit_entries (log, number, time_us, event, leaf) VALUES (:log, :number, 5, 'x', :leaf)"),
            entries,
        )
    return database


def _sequencer(database: Database) -> Sequencer:
    return sequencer_on(database, Sealer(KEY), Watch())


def test_old_entries_are_hashed_and_the_next_one_proves_them_all(old: Database) -> None:
    schema.upgrade(old)
    entry = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, **_PERSON)
    placed = _sequencer(old).append(entry)
    receipt = verify_receipt(placed.receipt, LOG_KEYS.verifiers(_LOG), origin=_LOG)
    assert (receipt.index, json.loads(receipt.leaf)["subjectSeq"]) == (_COUNT, 0)
    with old.read() as session:
        leaves = entries_of(session, _LOG, 0, _COUNT + 1)
        assert hashes_of(session, _LOG, 0, 0, _COUNT + 1) == [leaf_hash(leaf) for leaf in leaves]
        assert root_of(nodes_of(session, _LOG), _COUNT + 1) == receipt.checkpoint.root == head_of(session, _LOG).root
    old.close()


def test_the_way_back_keeps_the_entries(old: Database) -> None:
    schema.upgrade(old)
    schema.downgrade(old, "0001")
    with old.read() as session:
        assert session.scalar(text("SELECT count(*) FROM audit_entries")) == _COUNT
    schema.upgrade(old)
    old.close()


def test_a_log_with_a_gap_is_not_hashed_as_if_it_were_whole(old: Database, store: Store) -> None:
    with old.write() as session:
        session.execute(text("UPDATE audit_logs SET size = size + 1"))
    with pytest.raises(ConfigurationInvalid, match="missing"):
        schema.upgrade(old)
    old.close()
    assert store.rows("SELECT version_num FROM alembic_version") == [("0001",)]
