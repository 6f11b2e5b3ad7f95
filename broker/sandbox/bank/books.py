"""Writes the customers' books: those of invented people day by day up to today, those of own people as a whole."""

import json
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from broker.sandbox.bank.models import AccountRow, EntryRow, HoldingRow, LedgerDay
from broker.sandbox.people.days import day_entries, opening_balance
from broker.sandbox.people.entry import Entry
from broker.sandbox.people.own_people import OwnPerson
from broker.sandbox.people.persona import AccountPlan, Persona, stable_digits
from broker.sandbox.people.roster import co_holders

_MONTHS_BACK = 18


def catch_up(session: Session, persona: Persona, today: date) -> None:
    """Write every day up to tomorrow that is missing; east of Greenwich, tomorrow has already begun.

    Whoever shares a joint account has the books of its other holder written first.
    """
    for other in co_holders(persona):
        catch_up(session, other, today)
    done = session.get(LedgerDay, persona.subject)
    if done is None:
        done = _open(session, persona, _first_day(today))
    _write_days(session, persona, date.fromisoformat(done.last_day), today + timedelta(days=1))
    done.last_day = max(done.last_day, (today + timedelta(days=1)).isoformat())


def write_own(session: Session, person: OwnPerson, source: str, today: date) -> None:
    """Write an own person's accounts anew, unless they were written from the same source."""
    done = session.get(LedgerDay, person.subject)
    if done is None:
        done = LedgerDay(subject=person.subject)
        session.add(done)
    elif done.source == source:
        return
    forget(session, person.subject)
    for at, account in enumerate(person.accounts):
        row = _account(person, account.plan, at, account.plan.opening)
        row.number = account.number or row.number
        session.add(row)
        _insert(session, [_entry(person.account_id(account.plan.key), entry) for entry in account.entries])
    done.source, done.last_day = source, today.isoformat()


def forget(session: Session, subject: str) -> None:
    """Delete the accounts that a customer has opened, and what happened on them."""
    own = select(AccountRow.account_id).where(AccountRow.subject == subject)
    session.execute(delete(EntryRow).where(EntryRow.account_id.in_(own)))
    session.execute(delete(AccountRow).where(AccountRow.subject == subject))


def _open(session: Session, persona: Persona, first: date) -> LedgerDay:
    session.add_all(
        _account(persona, plan, at, opening_balance(persona, plan, first)) for at, plan in enumerate(persona.accounts)
    )
    others = {other.username: other for other in co_holders(persona)}
    session.add_all(
        HoldingRow(subject=persona.subject, account_id=others[shared.username].account_id(shared.key))
        for shared in persona.shared
    )
    day = LedgerDay(subject=persona.subject, last_day=(first - timedelta(days=1)).isoformat(), source="")
    session.add(day)
    return day


def _first_day(today: date) -> date:
    months = today.year * 12 + today.month - 1 - _MONTHS_BACK
    return date(months // 12, months % 12 + 1, 1)


def _write_days(session: Session, persona: Persona, after: date, until: date) -> None:
    days = (after + timedelta(days=number) for number in range(1, (until - after).days + 1))
    _insert(session, [_entry(persona.account_id(e.account), e) for day in days for e in day_entries(persona, day)])


def _insert(session: Session, rows: list[dict[str, object]]) -> None:
    if rows:
        session.execute(insert(EntryRow), rows)


def _account(person: Persona | OwnPerson, plan: AccountPlan, position: int, opening: Decimal) -> AccountRow:
    return AccountRow(
        account_id=person.account_id(plan.key),
        subject=person.subject,
        position=position,
        kind=plan.kind,
        currency=plan.currency,
        product=plan.product,
        nickname=plan.nickname,
        number=f"{int(stable_digits(person.subject, plan.key, 'number'), 16) % 10**8:08d}",
        limit_cents=_cents(plan.limit),
        joint=plan.joint,
        closed=plan.closed,
        opening_cents=_cents(opening),
    )


def _entry(account_id: str, entry: Entry) -> dict[str, object]:
    return {
        "entry_id": entry.entry_id,
        "account_id": account_id,
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
