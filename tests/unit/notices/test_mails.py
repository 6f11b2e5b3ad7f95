"""Mails: what stands in them, to whom they go, and what becomes of them when the mail server does not take them."""

import logging
from email import policy
from email.parser import BytesParser

import pytest
from sqlalchemy import update

from broker.banks.models import BankRow
from broker.errors import ConfigurationInvalid
from broker.grants.acts import PlatformActor
from broker.grants.service import Part
from broker.notices.addresses import keep_language
from broker.notices.letters import Draft, LetterWriter
from broker.notices.smtp import MailServer, Outcome, mail_server
from broker.platforms.models import PlatformRow
from tests.support.core import CREDENTIAL, NOON
from tests.support.notified import BASE, People
from tests.support.smtp import PASSWORD, MailHouse, listening

WRITER = LetterWriter(BASE, "broker.example", "no-reply@broker.example")
BANK_VALUES = ("1111", "2222", "ref-1", "acc-1", "Current", "Savings", "Alice", CREDENTIAL.access_token)


def is_told(people: People) -> str:
    """Let something happen of which Alice gets a mail, and return the grant that it is about."""
    people.has_address()
    return people.house.approved(("balances", "card_locations"))


def waiting(people: People) -> list[tuple[int]]:
    return [(int(row[0]),) for row in people.house.store.rows("SELECT attempts FROM notice_mails")]


def test_a_mail_says_what_happened_and_leads_to_our_pages_alone(people: People) -> None:
    grant_id = is_told(people)
    assert people.mailing().send_due() == 2
    to, message = people.mails.taken[0]
    assert (to, message["To"]) == ("alice@mail.example", "alice@mail.example")
    assert message["From"] == "Consent Broker <no-reply@broker.example>"
    assert message.get_content_type() == "text/plain"
    assert message["List-Unsubscribe"] == f"<{BASE}/account/notices>"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    links = [word for word in text.split() if "://" in word]
    assert links == [f"{BASE}/my-sharing/{grant_id}", f"{BASE}/account/notices"]
    assert sorted(people.mails.subjects()) == [
        "Messenger may see data at Harbor Bank",
        "Messenger may see exact places",
    ]


def test_no_mail_and_no_notice_holds_anything_of_the_bank(people: People) -> None:
    grant_id = is_told(people)
    people.house.grants.revoke(people.house.alice, grant_id, Part(account_id="acc-1"))
    people.house.grants.revoke(people.house.alice, grant_id, Part())
    people.mailing().send_due()
    mails = "\n".join(message.as_string() for _, message in people.mails.taken)
    rows = repr(people.house.store.rows("SELECT * FROM notices"))
    assert len(people.mails.taken) == 3
    assert [value for value in BANK_VALUES if value in mails + rows] == []


def test_a_mail_is_in_the_language_that_the_person_chose_last(people: People) -> None:
    is_told(people)
    with people.house.database.write() as session:
        keep_language(session, people.house.alice.user_id, "es")
    people.mailing().send_due()
    assert "Messenger puede ver datos en Harbor Bank" in people.mails.subjects()
    assert "Nunca pedimos contraseñas" in people.mails.text()
    assert people.mails.taken[0][1]["Content-Language"] == "es"


@pytest.mark.parametrize("name", ["Evil\r\nBcc: all@x.example", "Evil\u2028Bcc: all@x.example", "E\x01\nBcc:a@x.org"])
def test_a_name_begins_no_header_and_no_line(people: People, name: str) -> None:
    with people.house.database.write() as session:
        session.execute(update(PlatformRow).values(name=name))
        session.execute(update(BankRow).values(name=name))
    is_told(people)
    people.mailing().send_due()
    assert [to for to, _ in people.mails.taken] == ["alice@mail.example"] * 2
    for _, message in people.mails.taken:
        assert message["Bcc"] is None
        assert not any(line.startswith("Bcc") for line in message.get_content().splitlines())
    assert not any(line.startswith("RCPT") and "x.example" in line for line in people.mails.said)


@pytest.mark.parametrize("length", [1, 26, 27, 60])
def test_a_long_address_of_the_broker_is_a_readable_link_or_none(length: int) -> None:
    base_url = f"https://{'a' * length}.example"
    writer = LetterWriter(base_url, "b.example", "no-reply@b.example")
    raw = writer.letter(Draft("a@b.example", "Ünïcode " * 20, ("Text.",), "es"), "1", NOON).message.as_bytes()
    read = BytesParser(policy=policy.default).parsebytes(raw)
    assert (f"List-Unsubscribe: <{base_url}/account/notices>".encode() in raw) is (length <= 26)
    assert ("List-Unsubscribe" in read) is (length <= 26)
    assert str(read["Subject"]).startswith("Ünïcode Ünïcode")
    assert max(map(len, raw.splitlines())) <= 78


def test_a_server_that_is_away_loses_nothing_and_gets_each_mail_once(people: People) -> None:
    is_told(people)
    mailing = people.mailing("smtp://127.0.0.1:9")
    assert mailing.send_due() == 0
    assert sorted(waiting(people)) == [(0,), (1,)]
    people.house.watch.passes(minutes=1)
    assert mailing.send_due() == 0
    people.house.watch.passes(hours=3)
    assert people.mailing().send_due() == 2
    assert people.mailing().send_due() == 0
    assert len({str(message["Message-ID"]) for _, message in people.mails.taken}) == 2
    assert waiting(people) == []


def test_a_mail_waits_longer_each_time_and_is_given_up_after_three_days(people: People) -> None:
    people.has_address()
    people.house.approved(("balances",))
    people.mails.refuses["MAIL"] = "451 later"
    rounds = 0
    while waiting(people):
        people.mailing().send_due()
        people.house.watch.passes(hours=2)
        rounds += 1
    assert 24 <= rounds <= 60
    assert people.mails.taken == []


def test_an_address_that_does_not_exist_is_tried_once_and_its_owner_can_see_it(people: People) -> None:
    is_told(people)
    people.mails.refuses["RCPT"] = "550 no such person"
    assert people.mailing().send_due() == 0
    assert waiting(people) == []
    with people.house.database.read() as session:
        assert people.addresses.of(session, people.house.alice.user_id, people.house.watch()).has_failed


def test_a_connection_lost_after_the_mail_sends_it_again_under_the_same_id(people: People) -> None:
    is_told(people)
    people.mails.hangs_up_after_mail = True
    people.mailing().send_due()
    people.mails.hangs_up_after_mail = False
    people.house.watch.passes(minutes=10)
    people.mailing().send_due()
    ids = [str(message["Message-ID"]) for _, message in people.mails.taken]
    assert (len(ids), len(set(ids))) == (3, 2)


def test_two_workers_send_a_mail_once(people: People) -> None:
    is_told(people)
    first, second = people.mailing(), people.mailing()
    leased = first._lease()
    assert leased is not None
    assert second.send_due() == 1
    assert second.send_due() == 0


def test_a_mail_whose_address_was_removed_meanwhile_goes_nowhere(people: People) -> None:
    is_told(people)
    with people.house.database.write() as session:
        people.addresses.remove(session, people.house.alice.user_id, people.house.watch())
    people.mailing().send_due()
    assert people.mails.subjects() == ["This address gets no more e-mails"]


def test_no_transaction_is_open_while_a_server_is_spoken_to(people: People) -> None:
    is_told(people)
    mailing = people.mailing()

    class Watched(MailServer):
        def send(self, letter: object) -> Outcome:
            with people.house.database.write():  # SQLite has one writer, who would wait for itself
                del letter
            return Outcome.SENT

    watched = Watched("127.0.0.1", 1, is_tls=False, host_name="x")
    assert type(mailing)(mailing.database, mailing.addresses, mailing.writer, watched, mailing.clock).send_due() == 2


def test_the_server_gets_our_password_and_no_log_does(
    people: People, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    is_told(people)
    caplog.set_level(logging.DEBUG)
    with listening(MailHouse(asks_for_password=True)) as asking:
        right = f"smtp://broker:p%40ss%3Acanary%2F1@127.0.0.1:{asking.port}"
        wrong = f"smtp://broker:canary@127.0.0.1:{asking.port}"
        assert people.mailing(wrong).send_due() == 0
        people.house.watch.passes(hours=1)
        assert people.mailing(right).send_due() == 2
        assert repr(mail_server(right, "x")).find("canary") == -1
    said = capsys.readouterr()
    written = caplog.text + said.out + said.err
    assert PASSWORD not in written
    assert "canary" not in written
    assert "alice@mail.example" not in written


def test_outside_of_this_machine_nothing_is_said_without_tls() -> None:
    for url, needs in (("smtp://mail.example", True), ("smtp://127.0.0.1:25", False), ("smtps://mail.example", False)):
        server = mail_server(url, "x")
        assert server is not None
        assert server.needs_tls is needs


def test_a_server_without_starttls_gets_no_mail(people: People) -> None:
    is_told(people)

    class Elsewhere(MailServer):
        @property
        def needs_tls(self) -> bool:
            return True

    people.mails.said.clear()
    elsewhere = Elsewhere("127.0.0.1", people.mails.port, is_tls=False, host_name="x")
    mailing = people.mailing()
    sending = type(mailing)(mailing.database, mailing.addresses, mailing.writer, elsewhere, mailing.clock)
    assert sending.send_due() == 0
    assert [line for line in people.mails.said if not line.startswith(("EHLO", "ehlo", "QUIT", "quit"))] == []


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://h:99999",
        "smtp://u@h",
        "smtp://h/x",
        "smtp://h?x=canary",
    ],
)
def test_a_mail_server_that_cannot_be_used_is_told_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        mail_server(url, "x")
    assert "canary" not in refused.value.detail


def test_without_a_mail_server_nothing_is_built() -> None:
    assert mail_server(None, "x") is None


def test_what_an_app_does_is_told_by_mail_too(people: People) -> None:
    grant_id = is_told(people)
    people.house.grants.give_back(PlatformActor("messenger", "1"), grant_id)
    people.mailing().send_due()
    assert "Messenger ended its own permission" in people.mails.subjects()
