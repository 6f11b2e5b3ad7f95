"""Group commit: of the threads that wait for a commit, one leads and commits for all (05-audit-log)."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from broker.errors import BrokerError, LogUnavailable

_LARGEST_BATCH = 256
_LONGEST_QUEUE = 4_096

Order = TypeVar("Order")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Ticket(Generic[Order, Result]):
    """One order in the queue. `woken` is set when it has an outcome, or when its thread is to lead."""

    order: Order
    woken: threading.Event = field(default_factory=threading.Event)
    outcome: Result | BrokerError | None = None


class Batches(Generic[Order, Result]):
    """Collects the orders of many threads while a commit runs or waits for its lock, and commits them together.

    `commit` is given a function that takes the waiting orders from the queue, in the order of their arrival, at most
    256. It calls that once, when it holds its lock: whoever comes while it waits for the lock is still of the batch.
    It returns a result for each when all are durable. There is no thread of its own: the first one waiting leads, and
    hands on to the next one waiting.
    """

    def __init__(
        self, commit: Callable[[Callable[[], list[Order]]], Sequence[Result]], longest_queue: int = _LONGEST_QUEUE
    ) -> None:
        self._commit = commit
        self._longest_queue = longest_queue
        self._mutex = threading.Lock()
        self._waiting: deque[_Ticket[Order, Result]] = deque()
        self._is_led = False

    def submit(self, order: Order) -> Result:
        """Return the order's result when it is durable.

        Raises:
            LogUnavailable: too many wait already, or the commit failed.
            BrokerError: as `commit` raises it for this order.
        """
        ticket = _Ticket[Order, Result](order)
        with self._mutex:
            if len(self._waiting) >= self._longest_queue:
                raise LogUnavailable
            self._waiting.append(ticket)
            leads, self._is_led = not self._is_led, True
        if not leads:
            ticket.woken.wait()
        if ticket.outcome is None:
            self._lead(ticket)
        if isinstance(ticket.outcome, BrokerError):
            # One failure is told to many threads; each raises an error of its own.
            raise type(ticket.outcome)(ticket.outcome.detail, code=ticket.outcome.code) from ticket.outcome
        if ticket.outcome is None:
            raise LogUnavailable
        return ticket.outcome

    def _lead(self, own: _Ticket[Order, Result]) -> None:
        batch: list[_Ticket[Order, Result]] = []

        def gather() -> list[Order]:
            with self._mutex:
                # The leader is the oldest in the queue, so that its own order is always among these.
                batch.extend(self._waiting.popleft() for _ in range(min(len(self._waiting), _LARGEST_BATCH)))
            return [ticket.order for ticket in batch]

        outcomes: Sequence[Result | BrokerError] = ()
        try:
            outcomes = self._outcomes(gather)
        finally:
            # Also when the commit raised what nobody foresaw: a follower must never wait for ever.
            if not batch:
                gather()
            if len(outcomes) != len(batch):
                outcomes = [LogUnavailable()] * len(batch)
            for ticket, outcome in zip(batch, outcomes, strict=True):
                ticket.outcome = outcome
                if ticket is not own:
                    ticket.woken.set()
            self._hand_on()

    def _outcomes(self, gather: Callable[[], list[Order]]) -> Sequence[Result | BrokerError]:
        orders: list[Order] = []

        def gathered() -> list[Order]:
            orders.extend(gather())
            return orders

        try:
            return self._commit(gathered)
        except BrokerError as error:
            # Where the lock was not to be had, those who wait behind it would wait for nothing.
            failed = orders or gathered()
            if isinstance(error, LogUnavailable) or len(failed) == 1:
                return [error] * len(failed)
        # One order cannot be stored; it must not fail those that happened to stand beside it.
        return [outcome for order in orders for outcome in self._outcomes(partial(list, [order]))]

    def _hand_on(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting[0].woken.set()
            else:
                self._is_led = False
