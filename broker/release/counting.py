"""Has every read of a platform counted against its harvest limits, and stops the platform when it breaks one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from broker.audit.sequencer import Sequencer
from broker.errors import ReleaseRefused
from broker.grants.agreed import people_who_agreed
from broker.grants.views import Grant
from broker.harvest.counting import HOLD, Count, look_up
from broker.harvest.holds import place
from broker.harvest.tallies import Reading, stalest, store_agreed
from broker.policy import Harvest
from broker.policy.harvest import Budgets
from broker.release.asking import Wanted
from broker.release.records import WINDOWED
from broker.storage.engine import Database
from broker.storage.prepared import Transaction

_COUNTED_EVERY = timedelta(minutes=10)  # before a call has to, which then waits for it


def count(
    session: Transaction, budgets: Budgets, grant: Grant, wanted: Wanted, *, oldest_at: datetime, now: datetime
) -> Count:
    """Look up what a read now, of what is not older than `oldest_at`, would count against, by the numbers kept.

    No budget is there for what a bank has announced: nobody can gather by it more than banks push.
    """
    reading = Reading(
        platform_id=grant.platform_id,
        category=wanted.category,
        bank_id=grant.bank_id,
        user_id=grant.user_id,
        agreed_at=grant.authorised_at or grant.created_at,
        at=now,
        oldest_at=oldest_at if wanted.category in WINDOWED else None,
    )
    return look_up(session, Budgets(()) if wanted.announced else budgets, reading)


def settled(sequencer: Sequencer, before: Count, is_allowed: Callable[[Harvest], bool]) -> Count:
    """Return what the read is judged by: who agreed is counted anew only where all else allows it.

    A call that is refused for another reason costs no counting, and no budget has a say in it.
    """
    if before.is_held or not before.is_due:
        return before
    alone = before.by_hold_alone()
    if not is_allowed(alone.facts()):
        return alone
    return sequencer.look_up(lambda session: _counted(session, before.budgets, before.reading))


@contextmanager
def stopping(sequencer: Sequencer, before: Count) -> Iterator[None]:
    """Hold the platform in the category when the read that is made inside breaks a budget; it stays refused.

    Raises:
        LogUnavailable: the hold could not be written; the next call tries again.
    """
    try:
        yield
    except ReleaseRefused as error:
        if error.code == HOLD and not before.is_held:
            _hold(sequencer, before)
        raise


def _hold(sequencer: Sequencer, before: Count) -> None:
    reading, broken = before.reading, before.breach
    if broken is None:  # there was room when the call began; others took it
        broken = sequencer.look_up(lambda session: _counted(session, before.budgets, reading)).breach
    if broken is not None:
        place(sequencer, broken, reading)


def _counted(session: Session, budgets: Budgets, reading: Reading) -> Count:
    recount = partial(
        people_who_agreed, session, platform_id=reading.platform_id, category=reading.category, now=reading.at
    )
    return look_up(session, budgets, reading, recount)


def recount_stalest(database: Database, now: datetime) -> bool:
    """Count anew who agreed, for the platform and category where that is longest ago; False when it is not due.

    For the worker. It takes the longer the more people there are, and no call should wait for it; where nobody does it,
    calls still do (`Count.is_due`).
    """
    with database.read() as session:
        due = stalest(session, now - _COUNTED_EVERY)
        if due is None:
            return False
        people = people_who_agreed(session, *due, now)
    database.change(lambda session: store_agreed(session, *due, people, now))
    return True
