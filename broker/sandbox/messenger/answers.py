"""Answers: each question turned into blocks, out of one connection's data."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from babel import Locale

from . import blocks, clock, merchants, refusals
from .api import EndedError, RefusedError
from .bank_data import BankData, label
from .blocks import Block
from .intents import Intent
from .money import LOCALE, show_amount, show_day, show_instant
from .records import BadAnswerError, Place, Transaction
from .words import ACCOUNT_KINDS, STEPS

LAST = 10
MOST_PLACES = 15
ACCOUNT_GONE = frozenset({"account-not-granted", "account-closed"})
WHY_MISSING = {"account-closed": "the bank no longer has it", "account-not-granted": "you do not share it now"}
EARLIEST = datetime.min.replace(tzinfo=UTC)
CHANNELS = {"in_store": "in a shop", "online": "online", "atm": "cash machine"}
COUNTRIES = Locale.parse(LOCALE).territories


def balances(data: BankData, bank: str) -> list[Block]:
    """Answer "What's my balance?"."""
    found = data.balances()
    names = data.name_accounts()
    rows = [
        (
            names.get(balance.account_id, "Account"),
            show_amount(balance.current, balance.currency),
            "" if balance.available is None else f"{show_amount(balance.available, balance.currency)} available",
        )
        for balance in found
    ]
    as_of = min((balance.as_of for balance in found if balance.as_of), default=None)
    if not rows:
        return [blocks.text(f"{bank} shows no balance for the accounts you share.")]
    return [blocks.facts(f"Balances at {bank}", rows, f"As of {show_instant(as_of)}" if as_of else "")]


def accounts(data: BankData, bank: str) -> list[Block]:
    """Answer "Show my accounts"."""
    found = data.accounts()
    if not found:
        return [blocks.text(f"You share no account at {bank}.")]
    rows = [
        (label(account), account.currency or "", ACCOUNT_KINDS.get(account.kind or "", "Account")) for account in found
    ]
    return [blocks.facts(f"Accounts at {bank}", rows)]


def spending(data: BankData, bank: str) -> list[Block]:
    """Answer "What did I spend this week?": what went out since Monday 00:00 UTC, by currency and kind."""
    now = clock.now()
    monday = datetime.combine((now - timedelta(days=now.weekday())).date(), time.min, now.tzinfo)
    booked = _of_all_accounts(data, lambda account_id: data.transactions_since(account_id, monday, now))
    found = [entry for entry in booked if entry.amount < 0 and (entry.at is None or entry.at >= monday)]
    if not found:
        return [blocks.text(f"Nothing went out at {bank} since Monday, {show_day(monday)}.")]
    return [_spent(bank, currency, spent, monday) for currency, spent in sorted(_by_currency(found).items())]


def last_transactions(data: BankData, bank: str) -> list[Block]:
    """Answer "Show my last transactions", over all accounts."""
    found = _of_all_accounts(data, lambda account_id: data.last_transactions(account_id, LAST))
    if not found:
        return [blocks.text(f"{bank} shows no transactions for the accounts you share.")]
    found.sort(key=lambda entry: entry.at or EARLIEST, reverse=True)
    rows = [
        (
            show_day(entry.at) if entry.at else "",
            _what(entry),
            show_amount(entry.amount, entry.currency),
        )
        for entry in found[:LAST]
    ]
    return [blocks.table(f"Last transactions at {bank}", ("Date", "What", "Amount"), rows)]


def places(data: BankData, bank: str) -> list[Block]:
    """Answer "Where was my card used?": by place, the latest first, as precise as it was released."""
    found = data.places()
    if not found:
        return [blocks.text(f"{bank} shows no card use in the time you share.")]
    by_place: dict[str, list[Place]] = defaultdict(list)
    for use in sorted(found, key=lambda use: use.day, reverse=True):
        by_place[_where(use)].append(use)
    rows = [
        (where, show_day(uses[0].day), f"{len(uses)} times" if len(uses) > 1 else "once")
        for where, uses in list(by_place.items())[:MOST_PLACES]
    ]
    steps = sorted({STEPS[use.precision] for use in found if use.precision in STEPS})
    rest = len(by_place) - len(rows)
    notes = [f"You share {' and '.join(steps)}."] if steps else []
    notes += [f"And {rest} more places before that."] if rest > 0 else []
    return [blocks.table(f"Card use, {bank}", ("Where", "Last used", "How often"), rows, " ".join(notes))]


ANSWERS: dict[Intent, tuple[str, Callable[[BankData, str], list[Block]]]] = {
    Intent.BALANCE: ("balances", balances),
    Intent.ACCOUNTS: ("accounts", accounts),
    Intent.SPENDING: ("transactions", spending),
    Intent.TRANSACTIONS: ("transactions", last_transactions),
    Intent.PLACES: ("card_locations", places),
}
"""Each question with the category it needs and the answer to it."""


def answer(intent: Intent, data: BankData, bank: str, platform: str) -> list[Block]:
    """Answer a question over one connection, or tell the refusal in plain words."""
    category, reply = ANSWERS[intent]
    try:
        refusals.check_rest(data.connection.standing, category)
        return [*reply(data, bank), *_left_out(data)]
    except EndedError as error:
        return [refusals.tell(error, category, bank, platform), blocks.offer()]
    except RefusedError as error:
        return [refusals.tell(error, category, bank, platform)]
    except BadAnswerError:
        return [refusals.tell(RefusedError("invalid-answer"), category, bank, platform)]


def _left_out(data: BankData) -> list[Block]:
    """Say of which accounts the answer has nothing, and why: it must not pass for the whole."""
    if not data.missing:
        return []
    names = data.known_names()
    told = [f"{names.get(one, 'an account')} ({WHY_MISSING.get(code, code)})" for one, code in data.missing.items()]
    begins = "One account did not answer" if len(told) == 1 else f"{len(told)} accounts did not answer"
    return [blocks.text(f"{begins}, so this is not all: {', '.join(told)}.")]


def _of_all_accounts(data: BankData, read: Callable[[str], list[Transaction]]) -> list[Transaction]:
    """Read account by account; one that is no longer shared or closed is left out unless none is left."""
    found: list[Transaction] = []
    left_out: list[RefusedError] = []
    account_ids = data.account_ids()
    for account_id in account_ids:
        try:
            found += read(account_id)
        except RefusedError as error:
            if error.code not in ACCOUNT_GONE:
                raise
            left_out.append(error)
            data.missing[account_id] = error.code
    if left_out and len(left_out) == len(account_ids):
        raise left_out[0]
    return found


def _by_currency(found: Iterable[Transaction]) -> dict[str, dict[str, Decimal]]:
    spent: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for entry in found:
        spent[entry.currency][merchants.in_words(entry.merchant_category, entry.kind)] -= entry.amount
    return spent


def _spent(bank: str, currency: str, spent: dict[str, Decimal], monday: datetime) -> Block:
    total = show_amount(sum(spent.values(), Decimal()), currency)
    by_size = sorted(spent.items(), key=lambda item: (-item[1], item[0]))
    rows = [(words, show_amount(amount, currency), "") for words, amount in by_size]
    return blocks.facts(f"{total} spent this week at {bank}", rows, f"Since Monday, {show_day(monday)}, 00:00 UTC")


def _what(entry: Transaction) -> str:
    words = entry.text or merchants.in_words(entry.merchant_category, entry.kind)
    return f"{words} (pending)" if entry.status == "PENDING" else words


def _where(use: Place) -> str:
    country = COUNTRIES.get(use.country or "", use.country)
    named = [part for part in (use.street, use.post_code, use.town or use.region, country) if part]
    channel = CHANNELS.get(use.channel or "")
    if not named:
        return (channel or "Place not known").capitalize()
    return ", ".join(named) + (f" ({channel})" if channel and use.channel != "in_store" else "")
