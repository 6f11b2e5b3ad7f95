"""The pages of a platform's own people: who gets in, what they see, and that it is nothing of anybody else."""

import contextlib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from web_world import Browser, World, form_with, path_of, words_of

from broker.audit import reader
from broker.audit.models import EntryRow
from broker.audit.reader import Page
from broker.errors import NotFound, ReleaseRefused
from broker.platforms import people
from broker.release import Call, Rendered, Wanted

PAGES = ("overview", "keys", "calls", "deliveries", "passkeys", "try")


def invited(world: World, platform_id: str = "messenger", name: str = "Dev Eloper") -> tuple[str, str]:
    """Invite somebody and return their id and the path of their link."""
    with world.services.database.write() as session:
        person, secret = people.invite(session, platform_id, name, world.services.clock())
    return person.id, f"/developers/sign-in?link={secret}"


def developer(world: World, platform_id: str = "messenger") -> Browser:
    browser = world.browser()
    answer = browser.submit(form_with(browser.get(invited(world, platform_id)[1]), "link"))
    assert path_of(answer) == f"/developers/{platform_id}/overview", answer.text
    return browser


def asks_in_vain(world: World, browser: Browser, platform_id: str) -> str:
    """Let a person allow balances to a platform, which then asks for transactions; return the grant's id."""
    grant_id = world.proposes(platform=platform_id)
    form = form_with(browser.get(f"/consent/{grant_id}"), "decision")
    picks = [("account", ref) for ref in form.values("account")]
    assert browser.submit(form, ("category", "balances"), *picks, ("decision", "approve")).status_code == 303
    endpoint = "GET /v1/accounts/<account_id>/transactions"
    call = Call(grant_id, platform_id, frozenset({"transactions"}), str(uuid.uuid4()), endpoint, is_attended=True)
    with contextlib.suppress(ReleaseRefused):
        world.services.release.read(call, Wanted("transactions"), lambda records, _: Rendered(b"{}", len(records)))
    return grant_id


def test_a_link_lets_its_person_in_once(world: World) -> None:
    _, link = invited(world)
    first, second = world.browser(), world.browser()
    form, same = form_with(first.get(link), "link"), form_with(second.get(link), "link")
    assert path_of(first.submit(form)) == "/developers/messenger/overview"
    assert "Signed in as <strong>Dev Eloper</strong>" in first.get("/developers/messenger/overview").text
    again = second.submit(same)
    assert (again.status_code, "one-time-link-refused" in again.text) == (403, True)
    assert second.get(link).status_code == 403
    assert second.get("/developers/messenger/overview").status_code == 401


def test_whoever_only_looks_at_a_link_uses_nothing_up(world: World) -> None:
    _, link = invited(world)
    for _ in range(3):
        assert world.browser().get(link).status_code == 200
    browser = world.browser()
    assert browser.submit(form_with(browser.get(link), "link")).status_code == 303


def test_a_link_is_good_for_a_day_and_only_as_it_was_given(world: World) -> None:
    _, link = invited(world)
    assert world.browser().get(link[:-1] + ("a" if link[-1] != "a" else "b")).status_code == 403
    assert world.browser().get("/developers/sign-in").status_code == 400
    world.later = timedelta(hours=24)
    assert world.browser().get(link).status_code == 403


def test_another_link_for_somebody_ends_the_one_before(world: World) -> None:
    person_id, link = invited(world)
    with world.services.database.write() as session:
        people.link_again(session, person_id, world.services.clock())
    assert world.browser().get(link).status_code == 403


def test_who_is_removed_has_no_page_from_the_next_request_on(world: World) -> None:
    person_id, link = invited(world)
    browser = world.browser()
    browser.submit(form_with(browser.get(link), "link"))
    assert browser.get("/developers/messenger/keys").status_code == 200
    with world.services.database.write() as session:
        people.remove(session, person_id, world.services.clock())
        with pytest.raises(NotFound):
            people.remove(session, person_id, world.services.clock())
    for page in PAGES:
        assert browser.get(f"/developers/messenger/{page}").status_code == 401


def test_nobody_else_gets_into_the_pages_of_a_platform(world: World, maya: Browser) -> None:
    staff = world.browser()
    staff.signs_in_as_staff()
    for page in PAGES:
        path = f"/developers/messenger/{page}"
        assert [browser.get(path).status_code for browser in (world.browser(), maya, staff)] == [401, 401, 401]


def test_people_of_a_platform_see_no_page_of_another_nor_of_banks_and_customers(world: World) -> None:
    browser = developer(world)
    for page in PAGES:
        assert browser.get(f"/developers/messenger/{page}").status_code == 200
        strange, unknown = (browser.get(f"/developers/{one}/{page}") for one in ("ledgerly", "nobody"))
        assert (strange.status_code, unknown.status_code) == (404, 404)
    for path in ("/my-sharing", "/history", "/console/harbor", "/console/harbor/switches"):
        answer = browser.get(path)
        assert answer.status_code in {401, 403} or path_of(answer) == "/sign-in", path
    assert browser.get("/console").status_code == 200


def test_the_calls_are_those_of_the_platform_alone_and_name_nobody(world: World, maya: Browser) -> None:
    own, other = asks_in_vain(world, maya, "messenger"), asks_in_vain(world, maya, "ledgerly")
    browser = developer(world)
    found: list[dict[str, Any]] = browser.json("/developers/messenger/calls")
    assert [(one["grant_id"], one["codes"]) for one in found] == [(own, ["category-not-granted"])]
    assert found[0]["endpoint"] == "GET /v1/accounts/<account_id>/transactions"
    assert found[0]["subject"] == world.grant(own).subject_id
    shown = words_of(browser.get("/developers/messenger/calls"))
    assert own in shown
    for secret in (other, world.grant(other).subject_id, world.user_id(), "Maya", "hb-1", "Ledgerly"):
        assert secret not in shown, secret


def test_a_reading_that_took_every_platforms_entries_would_be_found(world: World, maya: Browser) -> None:
    """The negative control of the test above: the same log, asked without the platform, has both."""
    own, other = asks_in_vain(world, maya, "messenger"), asks_in_vain(world, maya, "ledgerly")
    with world.services.database.read() as session:
        everything = session.scalars(select(EntryRow.grant_id).where(EntryRow.event == "access.refused")).all()
        read = reader.of_platform(session, world.services.sealer, "messenger", Page())
    assert set(everything) == {own, other}
    assert {entry.grant_id for entry in read} == {own}
    assert all(set(entry.details) <= {"endpoint", "rules"} for entry in read)


def test_calls_are_filtered_and_an_odd_filter_is_a_clear_problem(world: World, maya: Browser) -> None:
    asks_in_vain(world, maya, "messenger")
    browser = developer(world)
    assert len(browser.json("/developers/messenger/calls?decision=refused&category=transactions&held_by=harbor")) == 1
    assert browser.json("/developers/messenger/calls?decision=allowed") == []
    assert browser.json("/developers/messenger/calls?platform=ledgerly") != []
    assert browser.get("/developers/messenger/calls?decision=nonsense").status_code == 400


def test_the_overview_says_what_is_registered_and_counts_grants(world: World, maya: Browser) -> None:
    asks_in_vain(world, maya, "messenger")
    words = words_of(developer(world).get("/developers/messenger/overview"))
    assert "http://localhost:4199/cb" in words
    assert "chat_banking" in words
    assert "Live</dt><dd><strong>1</strong>" in words
    assert "Nothing is turned off for your app." in words


def test_a_name_with_markup_stays_text(world: World) -> None:
    browser = developer(world, "ledgerly")
    for page in PAGES:
        shown = browser.get(f"/developers/ledgerly/{page}").text
        assert "<b>Ledgerly" not in shown, page


def test_the_keys_are_shown_by_their_thumbprints_and_no_private_part(world: World) -> None:
    shown = developer(world).get("/developers/messenger/keys").text
    assert "EC P-256" in shown
    assert '"d"' not in shown


def test_developers_are_welcome_before_they_sign_in(world: World) -> None:
    assert "/developers/reference" in world.browser().get("/developers").text
    assert "/developers/messenger/overview" in developer(world).get("/developers").text


def test_a_developer_is_taken_for_nobody_of_a_bank(world: World) -> None:
    browser = developer(world)
    for path in ("/developers/messenger/overview", "/account"):
        page = browser.get(path)
        assert page.status_code == 200
        assert not any(word in page.text for word in ("(auditor)", "(administrator)", 'href="/console/'))
    assert "<dt>Messenger</dt><dd><bdi>Dev Eloper</bdi></dd>" in browser.get("/account").text
