"""What a person changes on the broker's pages stands in the chat at once, and its data is gone: real processes."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select

from broker.events.delivery_models import EventDeliveryRow
from broker.sandbox.messenger import keys
from broker.storage.base import table_of
from tests.support.actors import Person
from tests.support.pages import Browser, Page
from tests.support.waiting import until
from tests.support.world import World

pytestmark = pytest.mark.timeout(180)
on_sqlite = pytest.mark.parametrize("world", ["sqlite"], indirect=True)
CATEGORIES = ("accounts", "balances", "transactions", "location_answers", "fraud_alerts")


class Chat:
    """A person's chat in Messenger, linked to their bank."""

    def __init__(self, world: World, person: Person, name: str) -> None:
        self.url, self.folder, self.browser = world.info["messenger_url"], Path(world.data_dir) / "messenger", Browser()
        hello = self.browser.get(self.url)
        page = self.browser.submit(hello, hello.form("name"), name=name)
        at_broker = self.browser.submit(page, page.form("bank"), bank=person.bank)
        person.browser = self.browser
        consent = person.signs_in_from(at_broker)
        form = consent.form("category", "account", "decision")
        given: dict[str, Any] = {"category": list(CATEGORIES), "account": form.choices("account")}
        self.browser.submit(consent, form, decision="approve", **given)
        self.grant = self._newest("SELECT grant_id FROM connections ORDER BY connected_at DESC LIMIT 1")

    def page(self) -> Page:
        return self.browser.get(self.url)

    def asks(self, question: str) -> str:
        page = self.page()
        form = next(form for form in page.forms if form.action == "/ask")
        return self.browser.submit(page, form, question=question).text

    def sees(self, words: str, seconds: float = 20) -> str:
        until(lambda: words in " ".join(self.page().text.split()), seconds)
        return " ".join(self.page().text.split())

    def held(self) -> str:
        """Everything in Messenger's database that its key can open, of everybody."""
        seal, told = keys.Seal(keys.load_or_create(self.folder / "state-key.json").seal), list[str]()
        base = sqlite3.connect(self.folder / "messenger.db")
        for person, body in base.execute("SELECT person_id, body FROM messages"):
            told.append(json.dumps(json.loads(seal.open(body, f"message:{person}")), ensure_ascii=False))
        for row in base.execute("SELECT id, access_token, refresh_token, account_names FROM connections"):
            for name, sealed in zip(("access", "refresh", "names"), row[1:], strict=True):
                told += [seal.open(sealed, f"{name}:{row[0]}")] if sealed else []
        base.close()
        return "\n".join(told)

    def has_tokens(self) -> bool:
        """Whether Messenger still has a token of anybody whose connection is under this grant."""
        base = sqlite3.connect(self.folder / "messenger.db")
        query = "SELECT count(access_token) + count(refresh_token) FROM connections WHERE grant_id = ?"
        (count,) = base.execute(query, [self.grant]).fetchone()
        base.close()
        return bool(count)

    def _newest(self, query: str) -> str:
        base = sqlite3.connect(self.folder / "messenger.db")
        (found,) = base.execute(query).fetchone()
        base.close()
        return str(found)


def amounts_in(text: str) -> set[str]:
    return set(re.findall(r"[£€$]-?[\d,]+\.\d\d", text))


def outbox_of(world: World, grant: str) -> list[tuple[str, str]]:
    """What is on its way to Messenger about a grant, in its order, with where it stands."""
    rows = table_of(EventDeliveryRow)
    engine = create_engine(world.info["database_url"])
    with engine.connect() as connection:
        query = select(rows.c.claims, rows.c.state).where(rows.c.grant_id == grant, rows.c.receiver == "messenger")
        found = [(claims["change"], state) for claims, state in connection.execute(query.order_by(rows.c.sequence))]
    engine.dispose()
    return found


@contextmanager
def stopped(world: World) -> Iterator[None]:
    """Messenger's process is gone for a while."""
    world.command("sandbox", "messenger", "stop")
    assert "messenger" not in world.info_now()["processes"]
    try:
        yield
    finally:
        world.command("sandbox", "messenger", "start")


@on_sqlite
def test_what_is_revoked_on_the_page_is_said_in_the_chat_and_no_data_of_it_is_left(world: World) -> None:
    person = Person.of(world.info, "harbor")
    chat = Chat(world, person, "Told")
    planted = amounts_in(chat.asks("What's my balance?"))
    assert planted
    assert all(amount in chat.held() for amount in planted)  # the search finds what is there
    person.acts("pause", chat.grant, "balances")
    chat.sees("You paused sharing balances from Harbor Bank.")
    assert "(category-paused)" in chat.asks("What's my balance?")
    person.acts("revoke", chat.grant)
    text = chat.sees("You stopped sharing from Harbor Bank. I have deleted my access")
    assert "I deleted this answer when your sharing ended." in text
    assert not [amount for amount in planted if amount in chat.held()]
    assert not chat.has_tokens()
    assert {state for _, state in outbox_of(world, chat.grant)} == {"taken"}


@on_sqlite
def test_what_happens_while_messenger_is_away_waits_and_is_said_in_its_order(world: World) -> None:
    person = Person.of(world.info, "meridian")
    chat = Chat(world, person, "Away")
    with stopped(world):
        person.acts("pause", chat.grant, "balances")
        person.acts("resume", chat.grant, "balances")
        person.acts("revoke", chat.grant)
        changes = [change for change, state in outbox_of(world, chat.grant) if state == "waiting"]
        assert changes[-3:] == ["category_paused", "category_resumed", "revoked"]
        until(lambda: "Out of sync:" in person.browser.get(world.info["pages"]["my_sharing"]).text, 20)
    text = chat.sees("You stopped sharing from Meridian Bank.", 60)
    said = [text.index(f"You {act} sharing") for act in ("paused", "resumed", "stopped")]
    assert said == sorted(said)


@on_sqlite
def test_an_alert_of_the_bank_stands_in_the_chat_and_the_person_can_ask_where_the_card_was(world: World) -> None:
    person = Person.of(world.info, "harbor", 1)
    chat = Chat(world, person, "Warned")
    said = ("--merchant", "Canary Electronics", "--amount", "84.20", "--country", "TR", "--json")
    told = json.loads(world.command("sandbox", "alert", person.username, *said).stdout)
    assert told["answer"] == {"announced": 1}
    text = chat.sees("Harbor Bank warns you")
    assert "Canary Electronics" in text
    page = chat.page()
    form = next(form for form in page.forms if form.action == "/alert")
    answered = chat.browser.submit(page, form, said="check").text
    assert re.search(r"(Yes|No)\. Harbor Bank lists (a|no) use of your card in Türkiye", " ".join(answered.split()))
    person.acts("revoke", chat.grant)
    chat.sees("You stopped sharing from Harbor Bank.")
    assert "Canary Electronics" not in chat.held()


@on_sqlite
def test_what_a_person_asks_to_delete_is_deleted_and_confirmed_and_the_page_says_so(world: World) -> None:
    person = Person.of(world.info, "harbor", 2)
    chat = Chat(world, person, "Deleting")
    planted = amounts_in(chat.asks("What's my balance?"))
    assert planted
    person.acts("revoke", chat.grant)
    person.asks_to_delete(chat.grant)
    text = chat.sees("You asked me to delete your data from Harbor Bank.")
    assert not [amount for amount in planted if amount in text + chat.held()]
    page = f"{world.info['issuer']}/my-sharing/{chat.grant}"
    until(lambda: "Messenger says that it deleted everything" in " ".join(person.browser.get(page).text.split()))
