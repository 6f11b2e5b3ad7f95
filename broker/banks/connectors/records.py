"""What holds for the records of every standard: the window, the order, and nothing twice."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from broker.banks.connector import Window


class _Record(Protocol):
    @property
    def account_ref(self) -> str: ...
    @property
    def ref(self) -> str: ...


_R = TypeVar("_R", bound=_Record)


def newest_first(records: Iterable[_R], window: Window, at: Callable[[_R], datetime]) -> list[_R]:
    """Keep what happened within the window, newest first.

    Banks cut by other instants (booking) or coarser ones (days), and pages shift while they are read: what lies
    outside is dropped, and of a record that stands on two pages one remains.
    """
    kept = {
        (record.account_ref, record.ref): record
        for record in records
        if window.oldest_at <= at(record) <= window.newest_at
    }
    return sorted(kept.values(), key=lambda record: (at(record), record.ref), reverse=True)
