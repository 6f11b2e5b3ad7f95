"""Linking a second bank: both sign-ins proven in one session, a question, one entry in each log; never by mistake."""

import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from identity_provider import IdentityProvider, running_provider
from soft_authenticator import SoftPasskey
from sqlalchemy import select, update
from test_web_passkeys import enters, makes, refused
from web_world import Browser, World, build_world, form_with, forms_of, words_of
from werkzeug.test import TestResponse

from broker.audit.reader import Page, of_user, tail
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.errors import ConsentRefused
from broker.grants.acts import Actor
from broker.grants.consents import Answer, Asker
from broker.grants.contents import OfferedAccount
from broker.policy.terms import Choice
from broker.policy.vocabulary import GrantStatus
from broker.users.models import IdentityRow
from broker.users.moves import present_user
from broker.users.passkey_models import PasskeyRow
from tests.support.stores import Store

MAYA, NOAH = {"sub": "hb-1", "name": "Maya Lindqvist"}, {"sub": "hb-2", "name": "Noah Berg"}
MAYA_THERE, NOAH_THERE = {"sub": "md-1", "name": "M. Lindqvist"}, {"sub": "md-2", "name": "N. Berg"}


@dataclass
class Town:
    """A world with two banks at which one can sign in, each with its provider."""

    world: World
    providers: dict[str, IdentityProvider]

    def browser(self) -> Browser:
        return self.world.browser()

    def signs_in(self, browser: Browser, bank: str, person: dict[str, str]) -> None:
        page = browser.get("/sign-in?next=/my-sharing")
        answer = browser.submit(form_with(page, "for", "bank"), ("bank", bank))
        browser.get(self.providers[bank].agrees(answer.location, **person))

    def proves_own(self, browser: Browser, bank: str, person: dict[str, str]) -> TestResponse:
        form = next(form for form in forms_of(browser.get("/my-sharing/banks")) if form.action == "/my-sharing/banks")
        return browser.get(self.providers[bank].agrees(browser.submit(form).location, **person))

    def proves_other(self, browser: Browser, bank: str, person: dict[str, str]) -> TestResponse:
        form = form_with(browser.get("/my-sharing/banks/link"), "bank")
        answer = browser.submit(form, ("bank", bank))
        return browser.get(self.providers[bank].agrees(answer.location, **person))

    def links(self, browser: Browser, *, says: str = "link") -> TestResponse:
        self.proves_own(browser, "harbor", MAYA)
        self.proves_other(browser, "meridian", MAYA_THERE)
        form = form_with(browser.get("/my-sharing/banks/confirm"), "decision")
        return browser.submit(form, ("decision", says))

    def unlinks(self, browser: Browser) -> None:
        form = next(form for form in forms_of(browser.get("/my-sharing/banks")) if form.action.endswith("/unlink"))
        assert browser.submit(form).status_code == 303

    def user_of(self, bank: str, subject: str) -> str:
        with self.world.services.database.read() as session:
            return str(self.world.services.users.known_as(session, bank, subject))

    def shares(self, bank: str, subject: str) -> str:
        """Let somebody share balances from one account with the app, and return the grant's id."""
        world, actor = self.world, Actor(self.user_of(bank, subject), str(uuid.uuid4()))
        catalogue = world.services.catalogue
        asker = Asker("messenger", frozenset(catalogue.purposes), frozenset(catalogue.categories))
        answer = Answer(secrets.token_hex(32), "/oauth/authorize/answer?request=abc", "http://localhost:4199")
        grant_id = world.services.consents.propose(actor, asker, replace(world.terms(), bank=bank), bank, answer)
        offered = [OfferedAccount("acc-1", "a-1", "Everyday money ••7803", is_joint=False)]
        world.services.consents.approve(actor, grant_id, asker, Choice(("balances",), ("acc-1",)), offered)
        return grant_id

    def events(self) -> list[tuple[str, str]]:
        with self.world.services.database.read() as session:
            return [
                (entry.event.value, entry.bank_id) for entry in tail(session, after={}) if "identity" in entry.event
            ]


@pytest.fixture
def town(tmp_path: Path, store: Store) -> Iterator[Town]:
    with running_provider() as harbor, running_provider() as meridian:
        world = build_world(tmp_path, store, harbor, meridian)
        meridian.broker_keys = harbor.broker_keys
        yield Town(world, {"harbor": harbor, "meridian": meridian})
        world.services.close()


@pytest.fixture
def maya(town: Town) -> Browser:
    """Maya, signed in at Harbor, who shares something from each of her two banks."""
    there, here = town.browser(), town.browser()
    town.signs_in(there, "meridian", MAYA_THERE)
    town.shares("meridian", "md-1")
    town.signs_in(here, "harbor", MAYA)
    town.shares("harbor", "hb-1")
    return here


def _banks(browser: Browser) -> list[str]:
    return sorted(row["bank"] for row in browser.json("/my-sharing"))


def test_after_linking_both_sign_ins_open_the_same_dashboard(town: Town, maya: Browser) -> None:
    assert _banks(maya) == ["harbor"]
    answer = town.links(maya)
    assert "Linked." in words_of(maya.get(answer.location))
    assert _banks(maya) == ["harbor", "meridian"]
    there = town.browser()
    town.signs_in(there, "meridian", MAYA_THERE)
    assert _banks(there) == ["harbor", "meridian"]
    assert {row["bank"] for row in there.json("/history")} == {"harbor", "meridian"}
    assert town.events() == [("identity.linked", "harbor"), ("identity.linked", "meridian")]


def test_a_linked_grant_keeps_its_ids_and_its_history_and_can_be_stopped(town: Town, maya: Browser) -> None:
    there = next(row["grant_id"] for row in _rows(town, "meridian", MAYA_THERE))
    before = town.world.grant(there)
    town.links(maya)
    after = town.world.grant(there)
    assert (after.subject_id, after.accounts, after.terms) == (before.subject_id, before.accounts, before.terms)
    assert (after.version, after.updated_at) == (before.version, before.updated_at)
    form = next(form for form in forms_of(maya.get("/my-sharing")) if form.holds(grant=there))
    maya.submit(form_with(maya.submit(form, ("action", "revoke")), "confirm"), ("confirm", "yes"))
    assert town.world.grant(there).status is GrantStatus.REVOKED


def test_passkeys_of_both_open_the_same_pages_while_linked_and_their_own_banks_after(town: Town, maya: Browser) -> None:
    there, mine, theirs, later = town.browser(), SoftPasskey(), SoftPasskey(), SoftPasskey()
    town.signs_in(there, "meridian", MAYA_THERE)
    makes(maya, mine)
    makes(there, theirs)
    town.links(maya)
    town.signs_in(there, "meridian", MAYA_THERE)
    makes(there, later)
    for passkey in (mine, theirs, later):
        assert _banks(_with(town, passkey)) == ["harbor", "meridian"]
    open_still = {bank: _with(town, passkey) for bank, passkey in (("harbor", mine), ("meridian", theirs))}
    town.unlinks(maya)
    assert _banks(_with(town, mine)) == ["harbor"]
    for passkey in (theirs, later):
        assert _banks(_with(town, passkey)) == ["meridian"]
    assert _banks(open_still["harbor"]) == ["harbor"]
    assert open_still["meridian"].get("/my-sharing", Accept="application/json").status_code == 401
    town.links(maya)
    assert _banks(_with(town, theirs)) == ["harbor", "meridian"]


def test_a_passkey_of_which_the_bank_is_not_known_goes_when_banks_are_parted(town: Town, maya: Browser) -> None:
    passkey = SoftPasskey()
    makes(maya, passkey)
    town.links(maya)
    with town.world.services.database.write() as session:
        session.execute(update(PasskeyRow).values(bank_id=None))
    town.unlinks(maya)
    assert refused(enters(town.browser(), passkey), "passkey-unknown")


def _with(town: Town, passkey: SoftPasskey) -> Browser:
    browser = town.browser()
    assert enters(browser, passkey).status_code == 303
    return browser


def test_a_no_links_nothing(town: Town, maya: Browser) -> None:
    town.links(maya, says="no")
    assert _banks(maya) == ["harbor"]
    assert town.events() == []
    assert maya.get("/my-sharing/banks/confirm").status_code == 409


def test_nothing_is_linked_before_the_yes(town: Town, maya: Browser) -> None:
    town.proves_own(maya, "harbor", MAYA)
    town.proves_other(maya, "meridian", MAYA_THERE)
    words = words_of(maya.get("/my-sharing/banks/confirm"))
    for told in ("Maya Lindqvist", "M. Lindqvist", "Harbor Bank", "Meridian Bank", "One permission", "somebody else"):
        assert told in words
    assert _banks(maya) == ["harbor"]


def test_a_session_that_was_left_open_cannot_be_used_to_link(town: Town, maya: Browser) -> None:
    assert maya.get("/my-sharing/banks/link").status_code == 409
    token = forms_of(maya.get("/my-sharing/banks"))[0].fields[0]
    assert maya.post("/my-sharing/banks/link", [token, ("bank", "meridian")]).status_code == 409
    assert maya.post("/my-sharing/banks/confirm", [token, ("decision", "link")]).status_code == 409
    assert town.events() == []


def test_one_sign_in_is_not_enough(town: Town, maya: Browser) -> None:
    town.proves_own(maya, "harbor", MAYA)
    token = forms_of(maya.get("/my-sharing/banks"))[0].fields[0]
    assert maya.post("/my-sharing/banks/confirm", [token, ("decision", "link")]).status_code == 409
    assert town.events() == []


def test_two_sign_ins_too_far_apart_are_not_enough(town: Town, maya: Browser) -> None:
    town.proves_own(maya, "harbor", MAYA)
    town.proves_other(maya, "meridian", MAYA_THERE)
    form = form_with(maya.get("/my-sharing/banks/confirm"), "decision")
    town.world.later = timedelta(minutes=11)
    assert maya.submit(form, ("decision", "link")).status_code == 409
    assert town.events() == []


def test_a_second_sign_in_at_the_same_bank_is_never_merged(town: Town, maya: Browser) -> None:
    town.links(maya)
    other = town.browser()
    town.signs_in(other, "meridian", NOAH_THERE)
    with pytest.raises(ConsentRefused) as told:
        town.world.services.linking.link(
            Actor(town.user_of("harbor", "hb-1"), "i"), "meridian", town.user_of("meridian", "md-2")
        )
    assert told.value.code == "link-refused"
    assert town.user_of("meridian", "md-2") != town.user_of("harbor", "hb-1")


def test_who_is_linked_elsewhere_is_not_taken_away_from_there(town: Town, maya: Browser) -> None:
    town.links(maya)
    noah = town.browser()
    town.signs_in(noah, "harbor", NOAH)
    with pytest.raises(ConsentRefused):
        town.world.services.linking.link(
            Actor(town.user_of("harbor", "hb-2"), "i"), "meridian", town.user_of("meridian", "md-1")
        )
    assert town.user_of("meridian", "md-1") == town.user_of("harbor", "hb-1")
    assert _banks(noah) == []


def test_unlinking_parts_them_with_all_that_is_shared_and_written(town: Town, maya: Browser) -> None:
    there = town.browser()
    town.links(maya)
    town.signs_in(there, "meridian", MAYA_THERE)
    form = next(form for form in forms_of(maya.get("/my-sharing/banks")) if form.action.endswith("/unlink"))
    assert maya.submit(form).status_code == 303
    assert _banks(maya) == ["harbor"]
    assert there.get("/my-sharing", Accept="application/json").status_code == 401, "it sees Harbor no more"
    again = town.browser()
    town.signs_in(again, "meridian", MAYA_THERE)
    assert _banks(again) == ["meridian"]
    assert {row["bank"] for row in again.json("/history")} == {"meridian"}
    assert maya.submit(form).status_code == 409
    town.links(maya)
    assert _banks(maya) == ["harbor", "meridian"]


def test_a_session_of_the_user_who_is_no_more_is_nobodys(town: Town, maya: Browser) -> None:
    old = town.browser()
    town.signs_in(old, "meridian", MAYA_THERE)
    town.links(maya)
    assert old.get("/my-sharing", Accept="application/json").status_code == 401
    assert old.get("/").status_code == 200


def test_what_began_before_the_link_is_written_under_the_same_pseudonym(town: Town, maya: Browser) -> None:
    services, old = town.world.services, town.user_of("meridian", "md-1")
    grant = town.world.grant(next(row["grant_id"] for row in _rows(town, "meridian", MAYA_THERE)))
    town.links(maya)
    new = town.user_of("meridian", "md-1")
    services.sequencer.append(
        Entry(Event.ACCESS_FAILED, Initiator.DATA_RECIPIENT, "meridian", old, grant.platform_id, grant.id)
    )
    with services.database.read() as session:
        newest = of_user(session, services.sealer, new, Page())[0]
        assert (newest.event, present_user(session, old, "meridian")) == (Event.ACCESS_FAILED, new)
        assert of_user(session, services.sealer, old, Page()) == []


def test_no_identity_is_ever_of_two_users(town: Town, maya: Browser) -> None:
    town.links(maya)
    with town.world.services.database.read() as session:
        rows = session.execute(select(IdentityRow.bank_id, IdentityRow.subject_digest, IdentityRow.user_id)).all()
    assert len({(bank, digest) for bank, digest, _ in rows}) == len(rows) == 2
    assert len({user for *_, user in rows}) == 1


def _rows(town: Town, bank: str, person: dict[str, str]) -> list[dict[str, str]]:
    browser = town.browser()
    town.signs_in(browser, bank, person)
    return list(browser.json("/my-sharing"))
