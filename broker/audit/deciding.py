"""Decides what the entries of one batch hang on: of each entry everything holds, or nothing of it is counted.

Trusted: an entry that says `access.requested` or `access.released` has won all that it wanted, and one that was refused
has used up nothing but proofs.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from broker.storage.prepared import Transaction, run
from broker.storage.single_use import Claim, Condition, Loss


class NotAllHold(Exception):
    """Something does not hold: the whole transaction has to be rolled back, and decided again entry by entry."""


def decide(session: Transaction, wanted: Sequence[Sequence[Condition]], *, each: bool) -> list[Loss | None]:
    """Return, for each entry of the batch, the first condition's loss that it has suffered, None when it has all.

    Nearly always everything holds. So it is taken as if it did, without the savepoint for each entry which what is lost
    could be undone by; those are set only the second time (`each`).

    First the claims of all entries, sorted by key: two batches that want the same ones take them in the same order, and
    never wait in a circle. They stay taken: a proof that was shown is used, whatever came of the call. Then, entry by
    entry in the order of their arrival, what counts: those rows belong to one bank, whose log is locked.

    Raises:
        NotAllHold: something does not hold, and what was taken cannot be undone by itself; never with `each`.
    """
    lost = _first_uses(session, wanted)
    counted = [(place, sorted(_counters(wanted[place]), key=_key)) for place, loss in enumerate(lost) if loss is None]
    for place, conditions in counted:
        if each:
            lost[place] = _of_one(session, conditions)
        elif not all(condition.take(session) for condition in conditions):
            raise NotAllHold
    return lost


def _first_uses(session: Transaction, wanted: Sequence[Sequence[Condition]]) -> list[Loss | None]:
    claims = [(one, place) for place, conditions in enumerate(wanted) for one in conditions if isinstance(one, Claim)]
    lost: list[Loss | None] = [None] * len(wanted)
    for claim, place in sorted(claims, key=lambda wish: (wish[0].key, wish[1])):
        if not claim.take(session) and lost[place] is None:
            lost[place] = claim.loss
    return lost


def _of_one(session: Transaction, conditions: Sequence[Condition]) -> Loss | None:
    with _undoable(session) as undo:
        for condition in conditions:
            if not condition.take(session):
                undo()
                return condition.loss
    return None


@contextmanager
def _undoable(session: Transaction) -> Iterator[Callable[[], None]]:
    """Set a savepoint; what is given undoes what came after it. An error ends the whole transaction, as always."""
    connection = session.connection()
    run(connection, "SAVEPOINT decided")
    yield partial(run, connection, "ROLLBACK TO SAVEPOINT decided")
    run(connection, "RELEASE SAVEPOINT decided")


def _counters(conditions: Sequence[Condition]) -> list[Condition]:
    return [condition for condition in conditions if not isinstance(condition, Claim)]


def _key(condition: Condition) -> str:
    return condition.key
