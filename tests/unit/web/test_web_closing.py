"""Closing one's account in the browser: told first, confirmed, and over everywhere at once."""

from datetime import timedelta
from typing import Any

import pytest
from soft_authenticator import SoftPasskey
from sqlalchemy import delete, select
from test_web_passkeys import enters, makes, options_of, refused, token_of
from web_world import Browser, World, form_with, words_of
from werkzeug.test import TestResponse

from broker.edge.session_models import WebSessionRow
from broker.policy.vocabulary import GrantStatus
from broker.tokens.service import find_token, issue_access
from broker.users.passkey_models import PasskeyRow
from tests.support.stores import Store

_PAGE = "/account/close"


def closes(browser: Browser) -> TestResponse:
    return browser.submit(form_with(browser.get(_PAGE), "understood"), ("understood", "yes"))


def rows_of(world: World, table: Any) -> list[Any]:
    with world.services.database.read() as session:
        return list(session.scalars(select(table)).all())


def test_the_page_says_what_happens_and_without_the_tick_nothing_does(world: World, maya: Browser) -> None:
    grant_id = world.shares(maya, "balances")
    assert f'href="{_PAGE}"' in maya.get("/account").text
    page = maya.get(_PAGE)
    words = words_of(page)
    for told in ("Your permission ends.", "Harbor Bank", "Messenger", "cannot be undone", "/history/proof-pack"):
        assert told in words
    answer = maya.submit(form_with(page, "understood"))
    assert answer.status_code == 422
    assert "Tick the box" in words_of(answer)
    assert world.grant(grant_id).status is GrantStatus.ACTIVE


def test_afterwards_everything_has_ended_and_a_later_sign_in_begins_anew(world: World, maya: Browser) -> None:
    grant_id, elsewhere = world.shares(maya, "balances"), world.browser()
    elsewhere.signs_in()
    now = world.services.clock()
    with world.services.database.write() as session:
        secret, _ = issue_access(
            session,
            grant_id=grant_id,
            platform_id="messenger",
            jkt="k",
            categories=["balances"],
            grant_expires_at=now + timedelta(days=1),
            now=now,
        )
    assert closes(maya).location == "/account/closed"
    assert "Your account is closed" in words_of(maya.get("/account/closed"))
    assert world.grant(grant_id).status_code == "user-left"
    with world.services.database.read() as session:
        token = find_token(session, secret)
    assert token is not None
    assert not token.is_live(world.services.clock())
    assert [row.owner_id for row in rows_of(world, WebSessionRow) if row.owner_id] == []
    for browser in (maya, elsewhere):
        assert browser.get("/my-sharing", Accept="application/json").status_code == 401
    maya.signs_in()
    assert maya.json("/my-sharing") == maya.json("/history") == []
    assert maya.get("/account/closed").location == "/"


def test_a_session_that_a_slower_request_writes_is_nobodys(world: World, maya: Browser) -> None:
    elsewhere = world.browser()
    elsewhere.signs_in()
    kept = [
        {column.name: getattr(row, column.name) for column in WebSessionRow.__table__.columns}
        for row in rows_of(world, WebSessionRow)
    ]
    closes(maya)
    with world.services.database.write() as session:
        session.execute(delete(WebSessionRow))
        session.add_all(WebSessionRow(**row) for row in kept)
    assert elsewhere.get("/my-sharing", Accept="application/json").status_code == 401


def test_a_consent_page_in_another_tab_allows_nothing_and_says_why(world: World, maya: Browser) -> None:
    waiting = world.proposes()
    form = form_with(maya.get(f"/consent/{waiting}"), "decision")
    closes(maya)
    answer = maya.submit(
        form, ("category", "balances"), ("account", form.values("account")[0]), ("decision", "approve")
    )
    assert refused(answer, "user-left")
    assert "You have closed your account in this browser" in words_of(answer)
    assert world.grant(waiting).status is GrantStatus.REJECTED


def test_a_second_tab_closes_nothing_more_and_says_so(world: World, maya: Browser) -> None:
    form = form_with(maya.get(_PAGE), "understood")
    assert closes(maya).status_code == 303
    number = len(rows_of(world, WebSessionRow))
    assert refused(maya.submit(form, ("understood", "yes")), "user-left")
    assert len(rows_of(world, WebSessionRow)) == number


def test_who_has_a_passkey_closes_with_it_alone_and_it_opens_nothing_afterwards(world: World, maya: Browser) -> None:
    passkey = SoftPasskey()
    makes(maya, passkey)
    page = closes(maya)
    assert [row.owner_kind for row in rows_of(world, PasskeyRow)] == ["user"]
    understood = ("understood", "yes")
    lie = [token_of(page), understood, ("answer", SoftPasskey().signs(options_of(page)))]
    assert refused(maya.post(_PAGE, lie), "passkey-unknown")
    page = closes(maya)
    answer = maya.post(_PAGE, [token_of(page), understood, ("answer", passkey.signs(options_of(page)))])
    assert answer.location == "/account/closed"
    assert rows_of(world, PasskeyRow) == []
    assert refused(enters(world.browser(), passkey), "passkey-unknown")


@pytest.mark.parametrize("path", [_PAGE, "/account/passkeys/new", "/my-sharing"])
def test_staff_are_told_that_it_is_not_for_them(world: World, path: str) -> None:
    browser = world.browser()
    browser.signs_in_as_staff()
    assert browser.get("/account").status_code == 200
    assert _PAGE not in browser.get("/account").text
    answer = browser.get(path)
    assert answer.status_code == 403
    assert "You are signed in as staff of Harbor Bank" in words_of(answer)


def test_signed_out_it_leads_to_sign_in_and_back(world: World) -> None:
    browser = world.browser()
    assert browser.get(_PAGE).location == "/sign-in?next=%2Faccount%2Fclose"
    assert browser.signs_in(browser.get(_PAGE).location).location == _PAGE


def test_a_log_that_cannot_be_written_closes_nothing(world: World, maya: Browser, store: Store) -> None:
    grant_id = world.shares(maya, "balances")
    form = form_with(maya.get(_PAGE), "understood")
    store.breaks_log_at("details.erased")
    assert maya.submit(form, ("understood", "yes")).status_code == 503
    store.mends_log()
    assert world.grant(grant_id).status is GrantStatus.ACTIVE
    assert maya.get("/account").status_code == 200
