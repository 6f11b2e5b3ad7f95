"""All that happens on one person's accounts on one day.

A day depends on the persona and the date alone, so a bank that was off for a week catches up without any day before
changing, and two banks started on different days agree on every day they share.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from broker.sandbox.people.card_days import card_entries
from broker.sandbox.people.entry import Entry, EntryKind
from broker.sandbox.people.persona import (
    AccountPlan,
    CardBill,
    Monthly,
    Move,
    Persona,
    Regular,
    Takings,
    Weekly,
    stable_digits,
)
from broker.sandbox.people.towns import towns

_CENT = Decimal("0.01")
_PAID_AT = time(6, 30)
_OPEN_SECONDS = (8 * 3600, 18 * 3600)


@dataclass(frozen=True, slots=True)
class _Payment:
    kind: EntryKind
    amount: Decimal
    name: str
    reference: str | None = None


def day_entries(persona: Persona, day: date) -> tuple[Entry, ...]:
    """Return the entries of one local day, oldest first; instants may reach into the neighbouring UTC days."""
    entries = [
        *card_entries(persona, day),
        *_regulars(persona, day),
        *_takings(persona, day),
        *_moves(persona, day),
        *_bills(persona, day),
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.occurred_at, entry.entry_id)))


def _falls_on(rule: Monthly | Weekly, day: date) -> bool:
    if isinstance(rule, Monthly):
        return day.day == rule.day
    week = (day.toordinal() - 1) // 7
    return day.weekday() == rule.weekday and week % rule.every == 0


def _regulars(persona: Persona, day: date) -> Iterator[Entry]:
    for number, regular in enumerate(persona.regulars):
        if _falls_on(regular.on, day):
            rng = Random(f"regular:{persona.subject}:{day.isoformat()}:{number}")
            yield _regular(persona, regular, day, rng)


def _regular(persona: Persona, regular: Regular, day: date, rng: Random) -> Entry:
    cents = rng.randint(int(regular.low * 100), int(regular.high * 100))
    amount = (Decimal(cents) / 100).quantize(_CENT)
    return _line(persona, day, regular.account, _Payment(regular.kind, amount, regular.name, regular.reference))


def _takings(persona: Persona, day: date) -> Iterator[Entry]:
    for number, till in enumerate(persona.takings):
        rng = Random(f"takings:{persona.subject}:{day.isoformat()}:{number}")
        midnight = datetime.combine(day, time(), tzinfo=UTC) - timedelta(hours=towns()[persona.home].utc_offset)
        for sale in range(rng.randint(till.least, till.most)):
            yield _sale(persona, till, midnight + timedelta(seconds=rng.randint(*_OPEN_SECONDS)), sale + 1, rng)


def _sale(persona: Persona, till: Takings, sold_at: datetime, number: int, rng: Random) -> Entry:
    cents = rng.randint(int(till.low * 100), int(till.high * 100))
    return Entry(
        entry_id=stable_digits(persona.subject, till.account, sold_at.isoformat(), "sale", str(number), length=24),
        account=till.account,
        kind=EntryKind.INCOMING_PAYMENT,
        amount=Decimal(cents).scaleb(-2),
        occurred_at=sold_at,
        posted_at=sold_at,
        description=f"Card sale {number}",
        counterparty="Card terminal",
    )


def _moves(persona: Persona, day: date) -> Iterator[Entry]:
    for move in persona.moves:
        if _falls_on(move.on, day):
            yield from _move(persona, move, day)


def _move(persona: Persona, move: Move, day: date) -> Iterator[Entry]:
    yield _line(persona, day, move.source, _Payment(EntryKind.TRANSFER, -move.amount, f"Transfer to {move.target}"))
    yield _line(persona, day, move.target, _Payment(EntryKind.TRANSFER, move.amount, f"Transfer from {move.source}"))


def _bills(persona: Persona, day: date) -> Iterator[Entry]:
    for bill in persona.bills:
        owed = card_spending(persona, bill.card, day) if day.day == bill.day else Decimal(0)
        if owed:
            yield from _bill(persona, bill, day, owed)


def _bill(persona: Persona, bill: CardBill, day: date, owed: Decimal) -> Iterator[Entry]:
    paid = _Payment(EntryKind.BILL_PAYMENT, -owed, "Credit card payment", "Statement balance")
    yield _line(persona, day, bill.source, paid)
    yield _line(persona, day, bill.card, _Payment(EntryKind.CARD_REPAYMENT, owed, "Payment received, thank you"))


def card_spending(persona: Persona, card: str, day: date) -> Decimal:
    """Return what was spent with a card, fees included, in the calendar month before the day's month (positive)."""
    last = day.replace(day=1) - timedelta(days=1)
    days = (last.replace(day=number) for number in range(1, last.day + 1))
    lines = (entry for each in days for entry in card_entries(persona, each) if entry.account == card)
    return -sum((entry.amount for entry in lines), Decimal(0))


def opening_balance(persona: Persona, account: AccountPlan, first: date) -> Decimal:
    """Return an account's balance before the first day, which is the first of a month.

    A card that is paid in full each month starts with what the coming bill will ask for.
    """
    if any(bill.card == account.key for bill in persona.bills):
        return -card_spending(persona, account.key, first)
    return account.opening


def _line(persona: Persona, day: date, account: str, paid: _Payment) -> Entry:
    paid_at = datetime.combine(day, _PAID_AT, tzinfo=UTC)
    return Entry(
        entry_id=stable_digits(persona.subject, account, day.isoformat(), paid.name, length=24),
        account=account,
        kind=paid.kind,
        amount=paid.amount,
        occurred_at=paid_at,
        posted_at=paid_at,
        description=paid.name,
        counterparty=paid.name,
        reference=paid.reference,
    )
