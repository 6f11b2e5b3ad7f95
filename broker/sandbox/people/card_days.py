"""What one person does with their cards on one day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from broker.sandbox.people.entry import CardUse, Channel, Entry, EntryKind
from broker.sandbox.people.merchants import Merchant, merchants_in
from broker.sandbox.people.persona import Persona, stable_digits
from broker.sandbox.people.towns import EURO_AREA, Town, branch_place, towns

_SETTLES_AFTER = (timedelta(hours=28), timedelta(hours=46))
_CENT = Decimal("0.01")


def town_of(persona: Persona, day: date) -> Town:
    """Return the town a person is in on a day."""
    week = (day.toordinal() - 1) // 7
    for trip in persona.trips:
        if (week - trip.offset) % trip.every == 0 and trip.first <= day.weekday() <= trip.last:
            return towns()[trip.town]
    return towns()[persona.home]


def card_entries(persona: Persona, day: date) -> Iterator[Entry]:
    """Yield the card entries of one local day, fees for payments abroad included."""
    town = town_of(persona, day)
    away = "home" if town.key == persona.home else "away"
    for number, habit in enumerate(persona.habits):
        rng = Random(f"habit:{persona.subject}:{day.isoformat()}:{number}")
        if str(day.weekday()) not in habit.weekdays or habit.where not in ("any", away):
            continue
        if rng.random() < habit.chance:
            local = rng.uniform(*habit.hours)
            yield from _visit(persona, town, day, (habit.kind, habit.account, local), rng)
    for subscription in persona.subscriptions:
        if day.day == subscription.day:
            rng = Random(f"subscription:{persona.subject}:{day.isoformat()}:{subscription.kind}")
            home = towns()[persona.home]
            yield from _visit(persona, home, day, (subscription.kind, subscription.account, 6.0), rng)


def _visit(persona: Persona, town: Town, day: date, what: tuple[str, str, float], rng: Random) -> Iterator[Entry]:
    kind, account, local_hour = what
    shops = merchants_in(town.country, kind)
    if not shops:
        return
    merchant = rng.choice(shops)
    start = datetime.combine(day, time(), tzinfo=UTC) - timedelta(hours=town.utc_offset)
    occurred_at = (start + timedelta(hours=local_hour)).replace(microsecond=0)
    if merchant.channel is not Channel.ONLINE and town.country in EURO_AREA and persona.euro_account is not None:
        account = persona.euro_account
    entry = _purchase(persona, account, merchant, town=town, occurred_at=occurred_at, rng=rng)
    yield entry
    abroad = town.country != towns()[persona.home].country and account != persona.euro_account
    if abroad and persona.foreign_fee and merchant.channel is not Channel.ONLINE:
        yield _fee(persona, entry)


def _purchase(
    persona: Persona, account: str, merchant: Merchant, *, town: Town, occurred_at: datetime, rng: Random
) -> Entry:
    place = None if merchant.channel is Channel.ONLINE else branch_place(town, merchant.name)
    kind = EntryKind.CASH_WITHDRAWAL if merchant.channel is Channel.ATM else EntryKind.CARD_PURCHASE
    settles = rng.uniform(_SETTLES_AFTER[0].total_seconds(), _SETTLES_AFTER[1].total_seconds())
    return Entry(
        entry_id=stable_digits(persona.subject, account, occurred_at.isoformat(), merchant.name, length=24),
        account=account,
        kind=kind,
        amount=-merchant.price(rng),
        occurred_at=occurred_at,
        posted_at=occurred_at + timedelta(seconds=int(settles)),
        description=merchant.name if place is None else f"{merchant.name} {town.name}",
        counterparty=merchant.name,
        card=CardUse(merchant=merchant.name, mcc=merchant.mcc, channel=merchant.channel, place=place),
    )


def _fee(persona: Persona, use: Entry) -> Entry:
    return Entry(
        entry_id=stable_digits(use.entry_id, "foreign-fee", length=24),
        account=use.account,
        kind=EntryKind.FEE,
        amount=(use.amount * persona.foreign_fee).quantize(_CENT),
        occurred_at=use.occurred_at,
        posted_at=use.posted_at,
        description="Foreign transaction fee",
    )
