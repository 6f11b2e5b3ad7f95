"""Words between processes: who has none polls as always, and one transaction sends one."""

import threading
import time

import pytest
from sqlalchemy import event

from broker.storage.engine import Database
from broker.storage.words import Bell, Listener, hasten
from tests.support.stores import Store

_LONG_S = 600.0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_where_there_are_no_words_nobody_listens(store: Store) -> None:
    opened = Database(store.url)
    Listener(opened, [Bell()]).run(threading.Event())  # returns at once
    with opened.write() as session:
        hasten(session)
    opened.close()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_transaction_sends_one_word_however_much_it_adds(store: Store) -> None:
    opened, statements = Database(store.url), list[str]()
    event.listen(opened.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with opened.write() as session:
        for _ in range(3):
            hasten(session)
    opened.close()
    assert len([one for one in statements if "pg_notify" in one]) == 1


def test_a_bell_that_rang_before_the_sleep_is_not_missed() -> None:
    bell, began = Bell(), time.monotonic()
    bell.ring()
    bell.sleep(_LONG_S)
    assert time.monotonic() - began < _LONG_S / 10
