"""The inbox and the page of choices, in a browser: what stands there, what a form changes, what nobody else can."""

import html
from dataclasses import replace

import pytest
from test_web_passkeys import SoftPasskey, makes, token_of
from web_world import Browser, World, form_with, forms_of, words_of

from broker.app import create_app
from broker.notices.addresses import language_of
from broker.notices.letters import LetterWriter
from broker.notices.mailing import Mailing
from broker.notices.smtp import mail_server
from tests.support.smtp import MailHouse, listening


@pytest.fixture
def mails(world: World) -> MailHouse:
    """Give the world a mail server."""
    house = MailHouse()
    server = mail_server("smtp://127.0.0.1:1", "localhost")
    assert server is not None
    built = world.services
    writer = LetterWriter(built.settings.base_url, "localhost", "no-reply@localhost")
    mailing = Mailing(built.database, built.addresses, writer, server, built.clock)
    world.services = replace(built, mailing=mailing)
    world.app = create_app(world.services)
    return house


def sends(world: World, house: MailHouse) -> None:
    with listening(house):
        server, mailing = mail_server(house.url, "localhost"), world.services.mailing
        assert server is not None
        assert mailing is not None
        replace(mailing, server=server).send_due()


def gives(maya: Browser, address: str) -> str:
    page = maya.get("/account/notices")
    return words_of(maya.submit(form_with(page, "address"), ("address", address)))


def test_the_inbox_says_what_happened_and_how_much_of_it_is_new(world: World, maya: Browser) -> None:
    assert "Nothing has happened yet." in words_of(maya.get("/account/inbox"))
    world.shares(maya, "balances", "card_locations")
    page = words_of(maya.get("/account/inbox"))
    assert "Messenger may see data at Harbor Bank" in page
    assert '<span class="count">' in page
    assert [one["is_new"] for one in maya.json("/account/inbox")] == [True] * page.count('<li class="card new')


def test_a_notice_is_marked_as_read_and_then_all(world: World, maya: Browser) -> None:
    first, second = world.shares(maya, "balances"), world.shares(maya, "balances")
    assert first != second
    maya.submit(form_with(maya.get("/account/inbox"), "notice"))
    assert sum(one["is_new"] for one in maya.json("/account/inbox")) == 1
    maya.post("/account/inbox/read", [token_of(maya.get("/account/inbox"))])
    assert 'class="count"' not in maya.get("/account/inbox").text


def test_a_get_changes_nothing_and_a_form_needs_its_token(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    assert maya.get("/account/inbox/read").status_code == 405
    assert maya.post("/account/inbox/read", []).status_code == 400
    assert maya.post("/account/notices", []).status_code == 400
    assert maya.json("/account/inbox")[0]["is_new"]


def test_older_notices_are_on_the_next_page(world: World, maya: Browser) -> None:
    for _ in range(11):
        grant_id = world.shares(maya, "balances")
        maya.post("/my-sharing", [token_of(maya.get("/my-sharing")), ("act", "stop"), ("grant", grant_id)])
    world.shares(maya, "balances")
    first = maya.json("/account/inbox")
    assert len(first) <= 20
    older = maya.json(f"/account/inbox?before={first[4]['id']}")
    assert [one["id"] for one in older] == [one["id"] for one in first[5:]]
    assert "There is nothing older." in words_of(maya.get(f"/account/inbox?before={first[-1]['id']}"))


def test_nobody_reads_what_another_person_was_told(world: World, maya: Browser) -> None:
    world.shares(maya, "balances")
    mine = maya.json("/account/inbox")[0]["id"]
    other = world.browser()
    other.signs_in(sub="hb-2", name="Otto")
    assert other.json("/account/inbox") == []
    other.post("/account/inbox/read", [token_of(other.get("/account/notices")), ("notice", mine)])
    assert maya.json("/account/inbox")[0]["is_new"]


def test_choices_are_kept_and_what_is_always_told_stays(maya: Browser) -> None:
    form = form_with(maya.get("/account/notices"), "on")
    assert ("on", "changed.mail") not in form.ticked
    assert ("on", "given.inbox") in form.ticked
    maya.submit(form, ("on", "changed.mail"))
    ticked = form_with(maya.get("/account/notices"), "on").ticked
    always = {("on", f"{topic}.inbox") for topic in ("given", "exact-places", "sign-in")}
    assert set(ticked) == always | {("on", "changed.mail")}


@pytest.mark.parametrize("sent", ["nonsense", "given", "given.letter", "changed.mail.more"])
def test_no_other_choice_is_taken(maya: Browser, sent: str) -> None:
    token = token_of(maya.get("/account/notices"))
    assert maya.post("/account/notices", [token, ("on", sent)]).status_code == 400


def test_without_a_mail_server_no_address_can_be_given(maya: Browser) -> None:
    page = maya.get("/account/notices")
    assert "This broker sends no e-mails." in words_of(page)
    answer = maya.post("/account/notices/address", [token_of(page), ("address", "a@b.example")])
    assert (answer.status_code, "mail-not-offered" in answer.text) == (400, True)


def test_an_address_is_confirmed_by_its_link_after_a_sign_in(world: World, mails: MailHouse) -> None:
    maya = world.browser()
    maya.signs_in_to_consent()
    gives(maya, "maya@mail.example")
    sends(world, mails)
    link = next(word for word in mails.text().split() if "confirm?key=" in word)
    path = link.removeprefix(world.services.settings.base_url)
    elsewhere = world.browser()
    start = elsewhere.get(path)
    assert start.status_code == 303
    back = elsewhere.signs_in(start.location)
    assert back.location == path
    page = elsewhere.get(path)
    assert "maya@mail.example" not in words_of(elsewhere.get("/account/notices")).partition("We write to")[2]
    elsewhere.submit(form_with(page, "key"))
    assert "We write to this address: <strong>maya@mail.example" in words_of(elsewhere.get("/account/notices"))
    again = elsewhere.submit(form_with(elsewhere.get(path), "key"))
    assert (again.status_code, "used before" in words_of(again)) == (400, True)


@pytest.mark.parametrize("address", ["nonsense", "a@b", "a@b.example\r\nBcc: c@d.example", "<script>@b.example"])
def test_what_is_no_address_is_said_beside_the_field(world: World, mails: MailHouse, address: str) -> None:
    maya = world.browser()
    maya.signs_in()
    page = gives(maya, address)
    assert page.count("This is not an e-mail address.") == 2
    assert "<script>@" not in html.escape(address) or "<script>@" not in maya.get("/account/notices").text
    sends(world, mails)
    assert mails.taken == []


def test_an_address_is_removed(world: World, mails: MailHouse) -> None:
    maya = world.browser()
    maya.signs_in()
    gives(maya, "maya@mail.example")
    maya.post("/account/notices/address/remove", [token_of(maya.get("/account/notices"))])
    assert "maya@mail.example" not in maya.get("/account/notices").text
    sends(world, mails)
    assert mails.taken == []


def test_the_language_that_a_person_chooses_is_remembered(world: World, maya: Browser) -> None:
    def remembered() -> str | None:
        with world.services.database.read() as session:
            return language_of(session, world.user_id())

    assert remembered() == "en"
    maya.client.post(
        "/language",
        data={"language": "es"},
        headers={"Origin": world.services.settings.base_url},
        base_url="http://localhost:8465",
    )
    assert remembered() == "es"
    world.shares(maya, "balances")
    assert "Messenger puede ver datos en Harbor Bank" in words_of(maya.get("/account/inbox"))


def test_a_passkey_that_is_added_or_removed_is_told(maya: Browser) -> None:
    makes(maya, SoftPasskey())
    page = maya.get("/account")
    (remove,) = [form for form in forms_of(page) if form.action.endswith("/remove")]
    maya.submit(remove)
    titles = [one["title"] for one in maya.json("/account/inbox")]
    assert sorted(titles) == ["A passkey was added", "A passkey was removed"]


def test_staff_have_no_inbox(world: World) -> None:
    auditor = world.browser()
    auditor.signs_in_as_staff()
    page = auditor.get("/console/harbor")
    assert "/account/inbox" not in page.text
    assert auditor.get("/account/inbox", Accept="application/json").status_code == 403
