"""What holds for the records of every standard: the account, the window, the order, and nothing twice."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from broker.banks.connector import Window
from broker.banks.connectors import values
from broker.banks.connectors.fields import Fields, invalid


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


def own_account(fields: Fields, member: str, account_ref: str) -> None:
    """Refuse a record of another account than the one asked for; `member` is the standard's name of its id.

    Raises: BankInvalidAnswer
    """
    if fields.get(member, values.identifier) != account_ref:
        raise invalid(member)
