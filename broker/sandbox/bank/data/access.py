"""Who a data request speaks for: the bearer token, its scope, and whose data is to be served."""

import re
from dataclasses import dataclass
from uuid import UUID, uuid4

from flask import request
from sqlalchemy.orm import Session

from broker.sandbox.bank import clock
from broker.sandbox.bank.context import bank
from broker.sandbox.bank.ledger import accounts_of
from broker.sandbox.bank.logins import Person, find_person
from broker.sandbox.bank.models import AccountRow
from broker.sandbox.bank.oidc.vault import TokenFacts, find_token
from broker.sandbox.bank.receipts.accepted import Accepted

_CATEGORY = re.compile(r"[a-z_]{1,40}")
_REALM = 'Bearer realm="bank"'


class Refused(Exception):
    """A request without a token that is good enough; each data API words it in its own standard."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status, self.error, self.message = status, error, message

    @property
    def challenge(self) -> str:
        """Return the WWW-Authenticate header (RFC 6750 §3)."""
        return f'{_REALM}, error="{self.error}"' if self.error else _REALM


@dataclass(frozen=True, slots=True)
class Visit:
    """One data request. `subject` is whose data is served; the fault "wrong_customer" makes it somebody else's.

    `receipt` is what it is answered under, None at a bank that asks for no receipts.
    """

    asked_by: str
    subject: str
    category: str
    interaction_id: str
    receipt: Accepted | None = None

    def may_list(self, account_id: str) -> bool:
        """Tell whether a list may show this account; that of another customer is shown by a bank that plays a fault."""
        accounts = self.receipt.accounts if self.receipt is not None else None
        return accounts is None or account_id in accounts or self.subject != self.asked_by


def bearer(scope: str) -> tuple[TokenFacts, Person]:
    """Return what the request's token stands for and whose it is.

    Raises: Refused when there is no live token (401) or it lacks the scope (403).
    """
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if not secret:
        raise Refused(401, "", "A bearer token is required")
    with bank().sessions() as session:
        facts = find_token(session, secret.strip(), ("access",), clock.epoch()) if kind.lower() == "bearer" else None
        person = None if facts is None else find_person(session, facts.subject)
    if facts is None or person is None:
        raise Refused(401, "invalid_token", "The token is unknown, expired or revoked")
    if scope not in facts.scope.split():
        raise Refused(403, "insufficient_scope", "The token does not allow this")
    return facts, person


def admit(scope: str) -> Visit:
    """Let a data request in.

    Raises: Refused as `bearer` does, and for staff, who hold no accounts (403).
    """
    facts, person = bearer(scope)
    if person.role is not None:
        raise Refused(403, "insufficient_scope", "Staff hold no accounts")
    subject, today = facts.subject, clock.now().date()
    bank().customers.keep_books(subject, today)
    if bank().fault == "wrong_customer":
        subject = bank().customers.another_than(subject, today)
    category = request.headers.get("x-broker-category", "")
    return Visit(
        asked_by=facts.subject,
        subject=subject,
        category=category if _CATEGORY.fullmatch(category) else "unspecified",
        interaction_id=interaction_id(),
    )


def interaction_id() -> str:
    """Return the caller's interaction id, or a new one when there is none worth echoing."""
    try:
        return str(UUID(request.headers.get("x-fapi-interaction-id", "")))
    except ValueError:
        return str(uuid4())


def find_account(session: Session, visit: Visit, account_id: str) -> AccountRow | None:
    """Return the account asked for, or None when the customer has none with this id.

    Under the fault "wrong_customer" an own account is silently swapped for one of the other customer's.
    """
    served = accounts_of(session, visit.subject)
    found = next((account for account in served if account.account_id == account_id), None)
    if found is None and visit.subject != visit.asked_by:
        own = [account.account_id for account in accounts_of(session, visit.asked_by)]
        return served[own.index(account_id) % len(served)] if account_id in own and served else None
    return found
