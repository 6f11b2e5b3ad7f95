"""What the owner of the database and of the log's key can do to the scene, by name."""

from collections.abc import Callable
from functools import partial
from typing import Any

from broker.audit.submission import Says
from tests.support.evidence_scene import RECEIPTED, SEEN, UNSEEN, Scene
from tests.support.forged_log import Fields
from tests.support.tampering import Change, Forger

_OLD = 40  # an entry that everybody has seen
_DAY_MINUTES = 24 * 60
Attack = Callable[[Scene], None]


def _nothing(scene: Scene) -> None:
    """Honest: the witness is shown what the log says."""
    assert scene.pushes() is Says.CONSISTENT


def _rows(alter: Callable[[Forger], None]) -> Attack:
    """Only rows are altered, of a log that the witness has seen whole: nothing is hashed or signed again."""

    def attack(scene: Scene) -> None:
        _nothing(scene)
        with scene.forging() as forger:
            alter(forger)

    return attack


def _sealed(change: Change, **options: Any) -> Attack:
    """The whole history fits again, under the real key."""

    def attack(scene: Scene) -> None:
        with scene.forging() as forger:
            forger.rewrites(change, **options)

    return attack


def _and_cosigned(attack: Attack) -> Attack:
    """The witness is shown the result, and has nothing to object."""

    def attack_and_push(scene: Scene) -> None:
        attack(scene)
        assert scene.pushes() is Says.CONSISTENT

    return attack_and_push


def _replaced(forger: Forger, old: bytes, new: bytes, number: int = _OLD) -> None:
    leaf = forger.leaf(number)
    assert leaf.count(old) == 1
    forger.alters_row(number, leaf=leaf.replace(old, new))


def _another_digest(forger: Forger) -> None:
    """One character of the digest of a detail, so that the entry is as long as before."""
    leaf = forger.leaf(_OLD)
    at = leaf.index(b'"_sd":["') + 8
    forger.alters_row(_OLD, leaf=leaf[:at] + (b"B" if leaf[at : at + 1] == b"A" else b"A") + leaf[at + 1 :])


def _swapped_rows(forger: Forger) -> None:
    forger.moves_rows(_OLD, _OLD, 10_000)
    forger.moves_rows(_OLD + 1, _OLD + 1, -1)
    forger.moves_rows(_OLD + 10_000, _OLD + 10_000, 1 - 10_000)


def _inserted_row(forger: Forger) -> None:
    forger.moves_rows(_OLD, UNSEEN, 1)
    forger.copies_row(_OLD - 2, _OLD)


def _category(number: int) -> Change:
    return lambda history: history[number].update(category="accounts")


def _one_more(history: list[Fields]) -> None:
    """An access that never was, between two that were."""
    invented = [{**fields, "access": "access-invented"} for fields in history[_OLD : _OLD + 2]]
    history[_OLD:_OLD] = invented


def _swapped_accesses(history: list[Fields]) -> None:
    times = [fields["time"] for fields in history]
    history[_OLD : _OLD + 4] = history[_OLD + 2 : _OLD + 4] + history[_OLD : _OLD + 2]
    for fields, time_us in zip(history, times, strict=True):
        fields["time"] = time_us


def _counted_from_one(history: list[Fields]) -> None:
    for number, fields in enumerate(history, start=1):
        fields["number"] = number


def _cut(size: int) -> Change:
    def change(history: list[Fields]) -> None:
        del history[size:]

    return change


def _without(first: int, count: int) -> Change:
    def change(history: list[Fields]) -> None:
        del history[first : first + count]

    return change


def _earlier(history: list[Fields]) -> None:
    for fields in history[:SEEN]:
        fields["time"] -= _DAY_MINUTES * 60_000_000


def _older_than_the_one_before(history: list[Fields]) -> None:
    history[_OLD]["time"] = history[0]["time"] - 1


def _dated(minutes_ago: float) -> Attack:
    """The last twenty say that they are from then, one after the other."""

    def attack(scene: Scene) -> None:
        def change(history: list[Fields]) -> None:
            for place, fields in enumerate(history[SEEN:]):
                fields["time"] = scene.minutes_ago(minutes_ago) + place

        _sealed(change, keeps=SEEN)(scene)

    return attack


def _another_history(scene: Scene) -> None:
    """The witness and the platform have seen one history of the last twenty; whoever asks now is shown another."""
    assert scene.pushes() is Says.CONSISTENT
    _sealed(_category(RECEIPTED - 3), keeps=0)(scene)


ATTACKS: dict[str, Attack] = {
    "nothing": _nothing,
    "edit": _rows(partial(_replaced, old=b'"category":"balances"', new=b'"category":"accounts_and_more"')),
    "edit-same-length": _rows(_another_digest),
    "delete": _rows(lambda forger: forger.deletes_row(_OLD)),
    "insert": _rows(_inserted_row),
    "reorder": _rows(_swapped_rows),
    "renumber": _rows(lambda forger: forger.moves_rows(_OLD, UNSEEN, 1)),
    "edit-sealed": _sealed(_category(_OLD)),
    "edit-sealed-old-chain": _sealed(_category(_OLD), chains=False),
    "delete-sealed": _sealed(_without(_OLD, 2)),
    "delete-sealed-old-chain": _sealed(_without(_OLD, 2), chains=False),
    "insert-sealed": _sealed(_one_more),
    "reorder-sealed": _sealed(_swapped_accesses),
    "renumber-sealed": _sealed(_counted_from_one, numbers=False),
    "truncate-witnessed": _sealed(_cut(200)),
    "truncate-tail": _sealed(_cut(SEEN), keeps=SEEN),
    "edit-tail": _and_cosigned(_sealed(_category(RECEIPTED), keeps=SEEN)),
    "edit-unseen": _and_cosigned(_sealed(_category(UNSEEN), keeps=SEEN)),
    "fork": _another_history,
    "back-date-seen": _sealed(_earlier),
    "back-date-one": _sealed(_older_than_the_one_before),
    "back-date-tail": _and_cosigned(_dated(100)),
    "date-ahead": _and_cosigned(_dated(-_DAY_MINUTES)),
    "unlogged": _and_cosigned(_sealed(_without(UNSEEN - 1, 2), keeps=SEEN)),
}
"""`…-sealed`: recomputed and signed again with the real key; `…-old-chain`: but for the chains of the people."""
