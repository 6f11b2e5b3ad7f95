"""The growth benchmark at its smallest: what it loads is what the shipped services write, and can be worked with."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table

from broker.audit.receipts import of_log
from broker.audit.tree import heads
from broker.audit.verification.heads import Trust
from broker.audit.verification.log import Question, verify_log
from broker.audit.verification.receipts import statement_of
from broker.cli.audit.database import stored
from tests.bench.growth.__main__ import report
from tests.bench.growth.loading import load
from tests.bench.growth.measuring import measured, timed
from tests.bench.growth.operations import OPERATIONS, Scene
from tests.bench.growth.places import Stamp
from tests.bench.growth.plan import SHARES
from tests.bench.growth.retelling import Person, Retold, rows_of
from tests.bench.growth.stories import TABLES, Kind, Stories, ready, recorded, told
from tests.support.core import LOG_KEYS, NOON, House
from tests.support.edge import services_of

GRANTS, ENTRIES = 60, 600
_DRAWN = {"id", "digest", "subject_id", "consent_key", "subject_digest", "sealed_subject", "sealed_name"}
_DRAWN |= {"sealed_credential", "sealed_account"}


@pytest.fixture(scope="module")
def stories() -> Stories:
    return recorded()


@pytest.fixture
def loaded(house: House, stories: Stories) -> House:
    ready(house)
    load(house, stories, GRANTS, ENTRIES, lambda *_: None)
    return house


def test_every_log_that_was_loaded_passes_the_shipped_verifier(loaded: House) -> None:
    with loaded.database.read() as session:
        found = heads(session)
    assert sum(head.size for head in found) >= ENTRIES * 0.9
    newest_first = sorted((head.origin for head in found), reverse=True)
    firsts = {name.split("/")[-2]: name for name in newest_first}
    for head in found:
        trust = Trust.of(LOG_KEYS.vkeys(head.origin))
        verified = verify_log(stored(services_of(loaded), head.origin), Question(trust, head.origin))
        assert verified.head.checkpoint.size == head.size
        assert (verified.previous is None) == (head.origin in firsts.values())


def test_every_entry_that_was_loaded_has_a_receipt(loaded: House) -> None:
    with loaded.database.read() as session:
        for head in heads(session):
            trust = Trust.of(LOG_KEYS.vkeys(head.origin))
            for number in range(0, head.size, 7):
                statement_of(of_log(session, head.origin, number), trust)


@pytest.mark.parametrize("kind", Kind)
def test_a_loaded_grant_leaves_the_rows_that_the_services_write(house: House, stories: Stories, kind: Kind) -> None:
    ready(house)
    reads = 2 if kind.is_given else 0
    first = stories["harbor", kind, reads]
    own = told(house, "harbor", kind, reads)
    retold = Retold(first, Person(own.user_id, own.subject), "messenger", own.grant_id, timedelta())
    rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in TABLES}
    for table, row in rows_of(retold, house.sealer, lambda *_: b"", NOON):
        rows[table].append(row)
    for table in TABLES:
        assert [_known(row) for row in rows[table]] == [_known(row) for row in own.rows[table]], table.name
    for step, theirs in enumerate(own.steps):
        entry = retold.entry(step)
        for name in entry.__dataclass_fields__:
            if name not in {"access_id", "interaction_id"}:
                assert getattr(entry, name) == getattr(theirs.entry, name), name


def test_loaded_grants_are_in_the_shares_that_were_planned(loaded: House) -> None:
    counts = dict(loaded.store.rows("SELECT status, count(*) FROM grants GROUP BY status"))
    assert sum(counts.values()) == GRANTS
    assert counts["ACTIVE"] / GRANTS == pytest.approx(SHARES[Kind.LIVE], abs=0.2)
    assert {"ACTIVE", "EXPIRED", "REVOKED", "REJECTED"} <= set(counts)


def test_every_operation_works_on_what_was_loaded(loaded: House) -> None:
    loaded.watch.passes(minutes=1)
    scene = Scene.of(loaded)
    for name in OPERATIONS:
        timed(scene, name, 1)
    revoked = "SELECT count(*) FROM audit_entries WHERE event = 'grant.revoked' AND time_us > {}"
    assert loaded.store.rows(revoked.format(int(NOON.timestamp() * 1_000_000)))[0][0] == 1


def test_the_figures_are_written_down(loaded: House, tmp_path: Path) -> None:
    scene = Scene.of(loaded)
    stamp = Stamp(GRANTS, ENTRIES, GRANTS, ENTRIES, 1.0, 1, "0017")
    report(tmp_path, {"sqlite": measured(scene, scene, 1, 1)}, {"sqlite": {"empty": stamp, "full": stamp}})
    told_of = json.loads((tmp_path / "growth.json").read_text())["sqlite"]["operations"]
    assert set(told_of) == set(OPERATIONS)
    assert "| my sharing |" in (tmp_path / "growth.md").read_text()


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """Return what a row says apart from what is drawn by chance or sealed."""
    return {name: value for name, value in row.items() if name not in _DRAWN}
