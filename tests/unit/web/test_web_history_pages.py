"""One entry in full, files to take along, charts, and the days of the history: what they say and whose it is."""

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import text
from web_world import Browser, World, words_of

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import ReleaseRefused

ENTRY = re.compile(r'href="(/history/entries/[^"]+)"')


def has_read(world: World, maya: Browser) -> str:
    """Let Messenger have read accounts, and been refused balances."""
    grant_id = world.shares(maya, "accounts")
    world.reads(grant_id, "accounts")
    with pytest.raises(ReleaseRefused):
        world.reads(grant_id, "balances")
    return grant_id


def test_every_line_leads_to_the_entry_in_full_with_its_check(world: World, maya: Browser) -> None:
    has_read(world, maya)
    links = ENTRY.findall(maya.get("/history").text)
    assert len(links) == len(set(links)) == 6
    pages = [words_of(maya.get(link)) for link in links]
    assert all("Verified" in page and "Not verified" not in page for page in pages)
    released = next(page for page in pages if "<h1>Messenger saw" in page)
    for said in ("You allowed it, and every rule agreed", "Everyday money", "Messenger asked to see"):
        assert said in released
    assert "What each record held" in released
    noah = world.browser()
    noah.signs_in(sub="hb-2", name="Noah")
    assert {noah.get(link).status_code for link in links} == {404}


def test_an_entry_that_was_changed_in_the_database_is_not_verified(world: World, maya: Browser) -> None:
    has_read(world, maya)
    link = next(one for one in ENTRY.findall(maya.get("/history").text) if one.endswith("/1"))
    with world.services.database.write() as session:
        (leaf,) = session.execute(text("SELECT leaf FROM audit_entries WHERE number = 1")).one()
        for trigger in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(text(f"DROP TRIGGER {trigger}"))
        changed = bytes(leaf).replace(b'"decision":"allowed"', b'"decision":"refused"')
        assert changed != bytes(leaf)
        session.execute(text("UPDATE audit_entries SET leaf = :leaf WHERE number = 1"), {"leaf": changed})
    page = words_of(maya.get(link))
    assert "Not verified" in page
    assert "inclusion-unproven" in page


def test_files_hold_the_whole_choice_in_codes_and_no_formula(world: World, maya: Browser) -> None:
    has_read(world, maya)
    entry = Entry(
        Event.ACCESS_REFUSED,
        Initiator.DATA_RECIPIENT,
        "harbor",
        user_id=world.user_id(),
        platform_id="=cmd()",
        reasons=("token-expired",),
    )
    world.services.sequencer.append(entry)
    answer = maya.get("/history/export.csv", **{"Accept-Language": "es"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="access-history.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    told = json.loads(maya.get("/history/export.json").data)
    assert told["more"] is None
    assert told["entries"] == maya.json("/history")
    assert [row["event"] for row in rows] == [row["event"] for row in told["entries"]]
    assert rows[0]["platform"] == "'=cmd()"
    refused = json.loads(maya.get("/history/export.json?decision=refused").data)["entries"]
    assert {row["decision"] for row in refused} == {"refused"}
    assert len(refused) == 2


def test_the_history_is_narrowed_to_days(world: World, maya: Browser) -> None:
    has_read(world, maya)
    today = world.services.clock().date()
    world.later = timedelta(days=2)
    maya.signs_in()
    world.shares(maya, "accounts")
    all_rows = maya.json("/history")
    old = maya.json(f"/history?until={today}")
    new = maya.json(f"/history?since={today + timedelta(days=1)}")
    assert old
    assert new
    assert new + old == all_rows
    assert maya.json(f"/history?since={today + timedelta(days=9)}") == []
    assert "Nothing fits this choice" in words_of(maya.get(f"/history?since={today + timedelta(days=9)}"))
    for wrong in ("since=yesterday", "until=0001-01-01", "since=2026-13-01"):
        assert maya.get(f"/history?{wrong}").status_code == 400


def test_charts_count_what_the_log_says(world: World, maya: Browser) -> None:
    assert "Nobody asked for your data" in words_of(maya.get("/history/charts"))
    has_read(world, maya)
    page = words_of(maya.get("/history/charts"))
    assert page.count('class="stack"') == 2
    assert "Given: 1 · Refused or failed: 0" in page
    assert "Given: 0 · Refused or failed: 1" in page
    world.later = timedelta(days=31)
    maya.signs_in()
    assert "Nobody asked for your data" in words_of(maya.get("/history/charts"))


def test_a_long_history_stays_light(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "accounts")
    for _ in range(40):
        world.reads(grant_id, "accounts")
    answer = maya.get("/history")
    assert len(answer.data) < 100_000
    assert "Older" in words_of(answer)


def test_own_views_stand_folded_with_their_number_and_none_is_left_out(world: World, maya: Browser) -> None:
    has_read(world, maya)
    page = maya.get("/history")
    rows = maya.json("/history")
    own = [row for row in rows if row["event"] in {"accounts.listed", "access.previewed"}]
    assert f"Your own views: {len(own)}" in words_of(page)
    assert "<details open>" not in page.text.partition('class="change own-views"')[2]
    folded = page.text.partition('class="change own-views"')[2]
    for row in own:
        assert f'/history/entries/{"/".join(row["log"].split("/")[-2:])}/{row["number"]}"' in folded
    assert "access.released" in {row["event"] for row in rows}
    assert "Messenger saw" not in folded
    assert "Messenger saw" in words_of(page)
    assert [who in words_of(page) for who in ('class="actor">You<', 'class="actor">The app Messenger<')] == [True, True]
