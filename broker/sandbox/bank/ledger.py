"""The customers' books as they are read: accounts, balances and entries."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from broker.sandbox.bank.models import AccountRow, EntryRow, HoldingRow, Login


def money(cents: int) -> Decimal:
    """Return cents as an amount with two decimals."""
    return Decimal(cents).scaleb(-2)


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds: `booked` counts posted entries, `pending` those still on their way (both signed)."""

    booked: Decimal
    pending: Decimal
    limit: Decimal

    @property
    def available(self) -> Decimal:
        """Return what can still be spent, an overdraft or a card's credit line not counted."""
        return self.booked + self.pending

    @property
    def available_credit(self) -> Decimal:
        """Return what can still be spent of a credit line."""
        return self.limit + self.booked + self.pending


def accounts_of(session: Session, subject: str) -> list[AccountRow]:
    """Return a customer's accounts in the bank's order: their own, then joint ones that somebody else opened."""
    own = select(AccountRow).where(AccountRow.subject == subject).order_by(AccountRow.position)
    held = select(HoldingRow.account_id).where(HoldingRow.subject == subject)
    joint = select(AccountRow).where(AccountRow.account_id.in_(held)).order_by(AccountRow.account_id)
    return [*session.scalars(own), *session.scalars(joint)]


def account_of(session: Session, username: str, ending: str) -> AccountRow | None:
    """Return the account of a customer whose number ends so; None when there is none, or more than one."""
    login = session.get(Login, username)
    held = [] if login is None or not ending else accounts_of(session, login.subject)
    found = [account for account in held if account.number.endswith(ending)]
    return found[0] if len(found) == 1 else None


def close(session: Session, account: AccountRow) -> None:
    """Delete an account and who holds it; what has happened on it stays in the books."""
    session.execute(delete(HoldingRow).where(HoldingRow.account_id == account.account_id))
    session.delete(account)


def balance_of(session: Session, account: AccountRow, at: int) -> Balance:
    """Return an account's balance at an instant (seconds since 1970)."""
    booked = _sum(session, account, EntryRow.posted_at <= at)
    pending = _sum(session, account, (EntryRow.posted_at > at) & (EntryRow.occurred_at <= at))
    return Balance(money(account.opening_cents + booked), money(pending), money(account.limit_cents))


def _sum(session: Session, account: AccountRow, condition: ColumnElement[bool]) -> int:
    query = select(func.coalesce(func.sum(EntryRow.amount_cents), 0))
    return session.scalar(query.where(EntryRow.account_id == account.account_id, condition)) or 0


@dataclass(frozen=True, slots=True)
class Window:
    """Which entries are asked for: both ends included, in seconds since 1970; `skip` counts from the newest."""

    start: int
    end: int
    skip: int
    limit: int


def entries_of(session: Session, account: AccountRow, window: Window) -> tuple[list[EntryRow], int]:
    """Return one page of an account's entries, newest first, and how many there are in all."""
    inside = (EntryRow.account_id == account.account_id) & EntryRow.occurred_at.between(window.start, window.end)
    total = session.scalar(select(func.count()).select_from(EntryRow).where(inside)) or 0
    newest_first = select(EntryRow).where(inside).order_by(EntryRow.occurred_at.desc(), EntryRow.entry_id.desc())
    return list(session.scalars(newest_first.offset(window.skip).limit(window.limit))), total
