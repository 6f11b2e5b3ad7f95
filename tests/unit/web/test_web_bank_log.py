"""The console's overview, access log, entries and log health: the bank's own, filtered, to take along, with proofs."""

import contextlib
import csv
import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import text
from web_world import ADMIN, Browser, World, words_of

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import ReleaseRefused
from broker.web import console_words, words

PAGES = ("log", "log.csv", "log.jsonl", "log-health", "")
RANDOM = re.compile(r"[0-9a-f-]{36}|entries/[a-z]+/[0-9]+/[0-9]+|[A-Za-z0-9_.-]{80,}")


@pytest.fixture
def audrey(world: World) -> Browser:
    browser = world.browser()
    browser.signs_in_as_staff()
    return browser


@pytest.fixture
def shared(world: World, maya: Browser) -> str:
    """Five entries of one permission, one of them refused; and one of another bank."""
    grant_id = world.shares(maya, "balances")
    with contextlib.suppress(ReleaseRefused):
        world.reads(grant_id, "transactions")
    world.services.sequencer.append(
        Entry(Event.ACCESS_RELEASED, Initiator.DATA_RECIPIENT, "meridian", platform_id="ledgerly", category="balances")
    )
    return grant_id


def place(world: World, number: int, bank: str = "harbor") -> str:
    return f"/console/harbor/entries/{bank}/{world.services.clock().year}/{number}"


def test_the_overview_counts_what_happened_at_this_bank_alone(
    world: World, maya: Browser, audrey: Browser, shared: str
) -> None:
    grant_id = world.shares(maya, "accounts")
    world.reads(grant_id, "accounts")
    page = audrey.get("/console/harbor")
    told = words_of(page)
    assert page.status_code == 200
    assert "Sharing is on" in told
    assert "the customer did not allow this kind of data" in told
    assert "Ledgerly" not in told
    assert "<dt>Apps asked for permission</dt>\n      <dd><strong>2</strong>" in told
    assert "<dt>Customers said yes</dt>\n      <dd><strong>2</strong>" in told
    assert page.text.count("<rect") == 2 + 11  # one bar a chart, one a stage
    assert shared not in told
    for days, status in (("7", 200), ("90", 200), ("8", 400), ("x", 400)):
        assert audrey.get(f"/console/harbor?days={days}").status_code == status


def test_the_overview_says_first_what_is_off(world: World, audrey: Browser) -> None:
    ada = world.browser()
    ada.signs_in_as_staff(**ADMIN)
    token = ada.get("/console/harbor/switches").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = [("csrf_token", token), ("action", "off"), ("category", "balances"), ("reason", "<b>We look</b>")]
    assert ada.post("/console/harbor/switches", [*form, ("confirm", "yes")]).status_code == 303
    page = audrey.get("/console/harbor")
    assert "“Your balances” for all platforms at Harbor Bank" in page.text
    assert "&lt;b&gt;We look&lt;/b&gt;" in page.text
    assert "Sharing is on" not in page.text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("customer=hb-1", 5),
        ("customer=hb-2", 0),
        ("customer=%3Cscript%3E", 0),
        ("platform=messenger&decision=refused", 1),
        ("reason=category-not-granted", 1),
        ("reason=grant-paused", 0),
        ("purpose=chat_banking", 5),
        ("purpose=credit", 0),
        ("category=balances", 0),
        ("event=grant.approved", 1),
        ("grant=nothing", 0),
        ("since=1999-01-01&until=2998-12-31", 5),
        ("until=1999-01-01", 0),
    ],
)
@pytest.mark.usefixtures("shared")
def test_the_access_log_is_filtered(audrey: Browser, query: str, count: int) -> None:
    assert len(audrey.json(f"/console/harbor/log?{query}")) == count
    page = audrey.get(f"/console/harbor/log?{query}")
    assert (page.status_code, page.text.count('<tr class="')) == (200, count)
    taken = audrey.get(f"/console/harbor/log.jsonl?{query}").text.splitlines()
    assert len(taken) == count


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("path", "title"),
    [("", "Your balances"), ("/log", "Your transactions"), ("/switches", "Your balances"), ("/facts", "Your balances")],
)
def test_the_console_calls_things_by_the_titles_of_the_policies(world: World, path: str, title: str) -> None:
    ada = world.browser()
    ada.signs_in_as_staff(**ADMIN)
    words = re.sub("<[^>]*>", " ", words_of(ada.get(f"/console/harbor{path}")))
    assert title in words
    catalogue = world.services.catalogue
    codes = [code for code in (*catalogue.categories, *catalogue.purposes) if "_" in code]
    assert [code for code in codes if code in words] == []


@pytest.mark.usefixtures("shared")
def test_a_place_in_a_log_that_is_not_there_has_nothing_before_it(world: World, audrey: Browser) -> None:
    year = world.services.clock().year
    for before, count in ((f"{year}:3", 3), ("1999:3", 0), (f"{year}-9:3", 0), (f"{year}:{10**17}", 5)):
        assert len(audrey.json(f"/console/harbor/log?before={before}")) == count


def test_the_filters_of_today_and_of_a_permission(world: World, audrey: Browser, shared: str) -> None:
    today = world.services.clock().date()
    assert len(audrey.json(f"/console/harbor/log?since={today}&until={today}")) == 5
    assert audrey.json(f"/console/harbor/log?since={today + timedelta(days=1)}") == []
    assert {row["grant_id"] for row in audrey.json(f"/console/harbor/log?grant={shared}")} == {shared}


ODD = ("decision=maybe", "before=x", "before=2026:-1", "since=yesterday", "until=9999-12-31", "since=1&since=2")
LONG = ("customer=" + "x" * 201, "reason=%00", "event=nothing", "grant=" + "x" * 99)


@pytest.mark.parametrize("query", [*ODD, *LONG])
def test_an_odd_filter_is_a_clear_problem_and_no_file(audrey: Browser, query: str) -> None:
    for path in ("log", "log.csv", "log.jsonl"):
        answer = audrey.get(f"/console/harbor/{path}?{query}")
        assert (answer.status_code, "invalid-request" in answer.text) == (400, True), path


def test_a_file_has_the_rows_of_the_page_and_the_banks_own_word(audrey: Browser, shared: str) -> None:
    answer = audrey.get("/console/harbor/log.csv?event=access.refused")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="harbor-log.csv"'
    (row,) = csv.DictReader(answer.text.splitlines())
    assert (row["customer"], row["category"], row["reasons"]) == ("hb-1", "transactions", "category-not-granted")
    (line,) = audrey.get("/console/harbor/log.jsonl?event=access.refused").text.splitlines()
    told = json.loads(line)
    assert (told["customer"], told["grant"], told["leafHash"]) == ("hb-1", shared, row["leafHash"])
    assert len(audrey.get("/console/harbor/log.csv").text.splitlines()) == 1 + 5


@pytest.mark.usefixtures("shared")
def test_more_than_a_file_may_hold_is_refused_before_the_first_byte(world: World, audrey: Browser) -> None:
    with world.services.database.write() as session:
        session.execute(text("UPDATE audit_logs SET size = 100001 WHERE owner = 'harbor'"))
    for kind in ("csv", "jsonl"):
        answer = audrey.get(f"/console/harbor/log.{kind}")
        assert (answer.status_code, "span-too-long" in answer.text) == (400, True)
        assert audrey.get(f"/console/harbor/log.{kind}?until=1999-01-01").status_code == 200


def test_an_entry_in_full_says_why_and_proves_itself(world: World, audrey: Browser, shared: str) -> None:
    number = audrey.json("/console/harbor/log?event=access.refused")[0]["number"]
    page = audrey.get(place(world, number))
    told = words_of(page)
    assert "the customer did not allow this kind of data" in told
    assert "grant.categories" in told  # the rule
    assert "The broker has just checked it" in told
    assert "The receipt does not hold" not in told
    assert f"/console/harbor/receipts/harbor/{world.services.clock().year}/{number}" in told
    assert shared in told


def test_an_erased_customers_entry_stays_with_its_proof(world: World, audrey: Browser, shared: str) -> None:
    number = audrey.json(f"/console/harbor/log?event=grant.approved&grant={shared}")[0]["number"]
    with world.services.database.write() as session:
        session.execute(text("DELETE FROM audit_details"))
        session.execute(text("DELETE FROM audit_subjects"))
    told = words_of(audrey.get(place(world, number)))
    assert "They have been erased" in told
    assert "does not know whom it stands for any more" in told
    assert "The broker has just checked it" in told
    assert audrey.get("/console/harbor/log").status_code == 200


@pytest.mark.usefixtures("shared")
def test_log_health_says_what_was_checked(audrey: Browser) -> None:
    told = words_of(audrey.get("/console/harbor/log-health"))
    assert "No witness is set up" in told
    assert "the newest 5 entries" in told
    assert "meridian" not in told
    assert "Nobody: the operator has made no audit credential" in told


@pytest.fixture
def tampered(world: World) -> None:
    """Somebody with the database's own rights has changed an entry."""
    with world.services.database.write() as session:
        if session.get_bind().dialect.name == "sqlite":
            for (name,) in session.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entries'")
            ).all():
                session.execute(text(f'DROP TRIGGER "{name}"'))
        else:
            session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER ALL"))
        session.execute(
            text(
                "UPDATE audit_entries SET leaf = (SELECT leaf FROM audit_entries WHERE number = 1 "
                "AND log LIKE '%harbor%') WHERE number = 2 AND log LIKE '%harbor%'"
            )
        )


@pytest.mark.usefixtures("shared", "tampered")
def test_a_changed_entry_is_found_by_log_health_and_its_receipt_does_not_hold(world: World, audrey: Browser) -> None:
    assert "entry-changed" in audrey.get("/console/harbor/log-health").text
    assert "The receipt does not hold" in audrey.get(place(world, 2)).text


@pytest.mark.usefixtures("shared")
def test_what_is_anothers_answers_like_what_is_not_there(world: World, audrey: Browser) -> None:
    absent = audrey.get(place(world, 99))
    foreign = audrey.get(place(world, 0, bank="meridian"))
    operators = audrey.get(place(world, 0, bank="operator"))
    assert absent.status_code == foreign.status_code == operators.status_code == 404
    said = {RANDOM.sub("", answer.text.partition("<main")[2]) for answer in (absent, foreign, operators)}
    assert len(said) == 1
    for page in PAGES:
        answers = {audrey.get(f"/console/{bank}/{page}".rstrip("/")).status_code for bank in ("meridian", "nowhere")}
        assert answers == {403}
        own = audrey.get(f"/console/harbor/{page}".rstrip("/"))
        assert (own.status_code, "meridian" in own.text.lower()) == (200, False)


def test_every_reason_that_customers_are_told_has_words_for_banks() -> None:
    assert console_words.REASONS.keys() == words.REASONS.keys()
    assert console_words.DETAILS.keys() == words.DETAILS.keys() - {"rules"}
