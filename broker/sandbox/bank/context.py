"""One running bank, as its request handlers see it."""

from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, cast

from flask import current_app

from broker.sandbox.bank import clock
from broker.sandbox.bank.config import BankConfig
from broker.sandbox.bank.database import Sessions
from broker.sandbox.bank.keys import BankKeys
from broker.sandbox.bank.ledger import catch_up
from broker.sandbox.bank.throttle import Throttle
from broker.sandbox.people.roster import personas_of

EXTENSION = "sandbox_bank"


@dataclass(slots=True)
class Bank:
    """The parts of one bank. `stopping` is set when the process is asked to end; `fault` is the one being played."""

    config: BankConfig
    keys: BankKeys
    sessions: Sessions
    stopping: Event
    throttle: Throttle = field(default_factory=Throttle)
    fault: str = "none"
    provider: Any = None
    _written_up_to: str = ""
    _writing: Lock = field(default_factory=Lock)

    def keep_books(self) -> None:
        """Write the accounts up to today, at the first call of each day."""
        today = clock.now().date()
        if self._written_up_to == today.isoformat():
            return
        with self._writing, self.sessions.begin() as session:
            configured = {customer.username for customer in self.config.customers}
            everyone = personas_of(self.config.bank_id)
            catch_up(session, tuple(p for p in everyone if p.username in configured), today)
        self._written_up_to = today.isoformat()


def bank() -> Bank:
    """Return the bank that answers the present request."""
    return cast("Bank", current_app.extensions[EXTENSION])
