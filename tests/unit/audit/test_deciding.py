"""An entry gets all that it hangs on, or nothing of it is counted; only a proof that was shown stays used."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from broker.audit.deciding import NotAllHold, decide
from broker.clock import day_of
from broker.grants.reads import OF_DAY, Read, counted_by
from broker.storage.prepared import Prepared
from broker.storage.single_use import Claim, Condition, Loss
from tests.support.core import NOON, House

_OF_DAY = Prepared(OF_DAY)
READ = Read("g", "balances", day_of(NOON), is_attended=False, ceiling=2)
PROOF = Claim("dpop", "jti", NOON + timedelta(minutes=2))
NEVER, USED_UP, REPLAYED = Loss("never", "release.never", "Never."), READ.loss, PROOF.loss


@dataclass(frozen=True)
class Forbidden:
    """A condition that never holds, before or behind the reads."""

    key: str
    loss: Loss = NEVER

    def take(self, session: Session) -> bool:
        assert session.in_transaction()
        return False


BEFORE, BEHIND = Forbidden("a"), Forbidden("z")


def decided(house: House, *wanted: tuple[Condition, ...]) -> list[Loss | None]:
    """Decide one batch, as the sequencer does."""
    try:
        with house.database.write() as session:
            return decide(session, wanted, each=False)
    except NotAllHold:
        with house.database.write() as session:
            return decide(session, wanted, each=True)


def unattended(house: House) -> int:
    with house.database.read() as session:
        found = counted_by(_OF_DAY.first(session, of_grant=READ.grant_id, of_category=READ.category, on=READ.day))
    return found.unattended


def test_a_replayed_proof_counts_no_read(house: House) -> None:
    assert decided(house, (PROOF, READ)) == [None]
    assert decided(house, (PROOF, READ), (READ, PROOF)) == [REPLAYED, REPLAYED]
    assert unattended(house) == 1


def test_of_one_proof_twice_in_a_batch_one_read_is_counted(house: House) -> None:
    assert decided(house, (READ, PROOF), (PROOF, READ)) == [None, REPLAYED]
    assert unattended(house) == 1


@pytest.mark.parametrize("other", [BEFORE, BEHIND])
def test_what_was_counted_for_an_entry_that_loses_is_given_back(house: House, other: Condition) -> None:
    assert decided(house, (READ, other)) == [NEVER]
    assert unattended(house) == 0


def test_room_that_a_loser_gives_back_is_its_neighbours(house: House) -> None:
    losers, winners = [(READ, BEHIND)] * 2, [(READ,)] * 2
    assert decided(house, *losers, *winners) == [NEVER, NEVER, None, None]
    assert unattended(house) == READ.ceiling


def test_a_loser_takes_nothing_from_those_before_it(house: House) -> None:
    assert decided(house, (READ,), (READ, BEHIND), (READ,), (READ,)) == [None, NEVER, None, USED_UP]
    assert unattended(house) == READ.ceiling


def test_a_proof_that_was_shown_in_vain_stays_used(house: House) -> None:
    assert decided(house, (PROOF, READ, BEHIND)) == [NEVER]
    assert decided(house, (PROOF, READ)) == [REPLAYED]
    assert unattended(house) == 0


@pytest.mark.any_database
def test_the_first_loss_by_key_is_the_one_that_is_told_and_proofs_come_first(house: House) -> None:
    full = replace(READ, ceiling=0)
    assert decided(house, (BEHIND, full), (full, BEFORE), ()) == [USED_UP, NEVER, None]
    assert decided(house, (BEFORE, PROOF)) == [NEVER]
    assert decided(house, (BEFORE, PROOF)) == [REPLAYED]


def test_only_who_loses_makes_the_broker_set_savepoints(house: House) -> None:
    seen: list[str] = []
    event.listen(house.database.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    assert decided(house, (PROOF, READ)) == [None]
    assert not any("SAVEPOINT" in one for one in seen)
    assert decided(house, (READ,), (BEHIND,)) == [None, NEVER]
    assert any("SAVEPOINT" in one for one in seen)
