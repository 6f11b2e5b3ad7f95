from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from broker.sandbox.bank.books import catch_up
from broker.sandbox.bank.database import open_database
from broker.sandbox.bank.ledger import Window, accounts_of, balance_of, entries_of
from broker.sandbox.bank.models import EntryRow
from broker.sandbox.people.roster import personas_of

PERSONAS = personas_of("harbor")[2:3]
TODAY = date(2026, 11, 20)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp())


def books(tmp_path, name, *days):
    sessions = open_database(tmp_path / name)
    for day in days:
        with sessions.begin() as session:
            for persona in PERSONAS:
                catch_up(session, persona, day)
    return sessions


def lines(sessions):
    with sessions() as session:
        rows = session.scalars(select(EntryRow).order_by(EntryRow.entry_id))
        return [(row.entry_id, row.account_id, row.amount_cents, row.occurred_at, row.card_json) for row in rows]


def test_books_topped_up_over_days_equal_books_written_at_once(tmp_path):
    daily = books(tmp_path, "daily.db", TODAY, TODAY + timedelta(days=1), TODAY + timedelta(days=9))
    at_once = books(tmp_path, "once.db", TODAY + timedelta(days=9))
    assert lines(daily) == lines(at_once)


def test_catching_up_twice_on_one_day_writes_nothing_twice(tmp_path):
    assert lines(books(tmp_path, "a.db", TODAY, TODAY)) == lines(books(tmp_path, "b.db", TODAY))


def test_a_clock_that_goes_back_loses_nothing(tmp_path):
    back = books(tmp_path, "a.db", TODAY, TODAY - timedelta(days=3), TODAY)
    assert lines(back) == lines(books(tmp_path, "b.db", TODAY))


def test_books_begin_eighteen_months_back(tmp_path):
    with books(tmp_path, "a.db", TODAY)() as session:
        first = datetime.fromtimestamp(session.scalar(select(func.min(EntryRow.occurred_at))), UTC)
    assert first.date() == date(2025, 5, 1)


def test_a_balance_is_the_opening_and_every_line_since(tmp_path):
    with books(tmp_path, "a.db", TODAY)() as session:
        for persona in PERSONAS:
            for account in accounts_of(session, persona.subject):
                rows = session.scalars(select(EntryRow).where(EntryRow.account_id == account.account_id)).all()
                balance = balance_of(session, account, NOON)
                posted = sum(row.amount_cents for row in rows if row.posted_at <= NOON)
                pending = sum(row.amount_cents for row in rows if row.occurred_at <= NOON < row.posted_at)
                assert balance.booked == Decimal(account.opening_cents + posted) / 100
                assert balance.available == balance.booked + Decimal(pending) / 100


def test_the_last_two_days_have_pending_lines(tmp_path):
    with books(tmp_path, "a.db", TODAY)() as session:
        pending = session.scalars(select(EntryRow).where(EntryRow.occurred_at <= NOON, EntryRow.posted_at > NOON)).all()
    assert {row.account_id for row in pending}
    assert all(NOON - row.occurred_at < 2 * 86400 for row in pending)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_laid_together_are_the_whole_newest_first(tmp_path, size):
    start = NOON - 14 * 86400
    with books(tmp_path, "a.db", TODAY)() as session:
        account = accounts_of(session, PERSONAS[0].subject)[2]
        everything, total = entries_of(session, account, Window(start, NOON, 0, 1000))
        pages = [entries_of(session, account, Window(start, NOON, skip, size))[0] for skip in range(0, total, size)]
    assert [row.entry_id for page in pages for row in page] == [row.entry_id for row in everything]
    assert len(everything) == total > 7
    assert [row.occurred_at for row in everything] == sorted((r.occurred_at for r in everything), reverse=True)
