"""The customers' books: written day by day up to today, read as accounts, balances and entries."""

import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import Session

from broker.sandbox.bank.models import AccountRow, EntryRow, LedgerDay
from broker.sandbox.people.days import day_entries, opening_balance
from broker.sandbox.people.entry import Entry
from broker.sandbox.people.persona import AccountPlan, Persona, stable_digits

_MONTHS_BACK = 18


def catch_up(session: Session, personas: tuple[Persona, ...], today: date) -> None:
    """Write every day up to tomorrow that is missing; east of Greenwich, tomorrow has already begun."""
    for persona in personas:
        done = session.get(LedgerDay, persona.subject)
        if done is None:
            first = _first_day(today)
            session.add_all(_account(persona, plan, at, first) for at, plan in enumerate(persona.accounts))
            done = LedgerDay(subject=persona.subject, last_day=(first - timedelta(days=1)).isoformat())
            session.add(done)
        _write_days(session, persona, date.fromisoformat(done.last_day), today + timedelta(days=1))
        done.last_day = max(done.last_day, (today + timedelta(days=1)).isoformat())


def _first_day(today: date) -> date:
    months = today.year * 12 + today.month - 1 - _MONTHS_BACK
    return date(months // 12, months % 12 + 1, 1)


def _write_days(session: Session, persona: Persona, after: date, until: date) -> None:
    days = (after + timedelta(days=number) for number in range(1, (until - after).days + 1))
    rows = [_entry(persona, entry) for day in days for entry in day_entries(persona, day)]
    if rows:
        session.execute(insert(EntryRow), rows)


def _account(persona: Persona, plan: AccountPlan, position: int, first: date) -> AccountRow:
    return AccountRow(
        account_id=persona.account_id(plan.key),
        subject=persona.subject,
        position=position,
        kind=plan.kind,
        currency=plan.currency,
        product=plan.product,
        nickname=plan.nickname,
        number=f"{int(stable_digits(persona.subject, plan.key, 'number'), 16) % 10**8:08d}",
        limit_cents=_cents(plan.limit),
        joint=plan.joint,
        opening_cents=_cents(opening_balance(persona, plan, first)),
    )


def _entry(persona: Persona, entry: Entry) -> dict[str, object]:
    return {
        "entry_id": entry.entry_id,
        "account_id": persona.account_id(entry.account),
        "kind": entry.kind,
        "amount_cents": _cents(entry.amount),
        "occurred_at": int(entry.occurred_at.timestamp()),
        "posted_at": int(entry.posted_at.timestamp()),
        "description": entry.description,
        "counterparty": entry.counterparty,
        "reference": entry.reference,
        "card_json": None if entry.card is None else json.dumps(asdict(entry.card)),
    }


def _cents(amount: Decimal) -> int:
    return int(amount * 100)


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
    """Return a customer's accounts in the bank's order."""
    query = select(AccountRow).where(AccountRow.subject == subject).order_by(AccountRow.position)
    return list(session.scalars(query))


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
    newest_first = select(EntryRow).where(inside).order_by(EntryRow.occurred_at.desc(), EntryRow.entry_id)
    return list(session.scalars(newest_first.offset(window.skip).limit(window.limit))), total
