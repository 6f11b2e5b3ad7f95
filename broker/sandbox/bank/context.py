"""One running bank, as its request handlers see it."""

from dataclasses import dataclass, field
from threading import Event
from typing import Any, cast

from flask import current_app

from broker.sandbox.bank.broker_line import BrokerLine
from broker.sandbox.bank.config import BankConfig
from broker.sandbox.bank.customers import Customers
from broker.sandbox.bank.database import Sessions
from broker.sandbox.bank.keys import BankKeys
from broker.sandbox.bank.receipts.trusted import TrustedLog
from broker.sandbox.bank.throttle import Throttle

EXTENSION = "sandbox_bank"


@dataclass(slots=True)
class Bank:
    """The parts of one bank. `stopping` is set when the process is asked to end; `fault` is the one being played.

    `trusted_log` is whose receipts the bank wants to see before it gives data, None when it wants none; `broker_line`
    is how it speaks to the broker, None when it does not.
    """

    config: BankConfig
    keys: BankKeys
    sessions: Sessions
    stopping: Event
    customers: Customers
    throttle: Throttle = field(default_factory=Throttle)
    fault: str = "none"
    provider: Any = None
    trusted_log: TrustedLog | None = None
    broker_line: BrokerLine | None = None


def bank() -> Bank:
    """Return the bank that answers the present request."""
    return cast("Bank", current_app.extensions[EXTENSION])
