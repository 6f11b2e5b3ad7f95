"""One person whom the broker tells things: her inbox, her address, and the mail server of the broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import delete

from broker.banks.service import Bank, add
from broker.notices.addresses import Addresses
from broker.notices.inbox import Told, listed
from broker.notices.letters import LetterWriter
from broker.notices.mailing import Mailing
from broker.notices.models import NoticeRow
from broker.notices.smtp import MailServer, mail_server
from broker.notices.words import Speech, Words, parties, words
from tests.support.core import House
from tests.support.smtp import MailHouse, listening

BASE = "https://broker.example"


@dataclass
class People:
    """Alice with her inbox and her address; what she is told, as she reads it."""

    house: House
    mails: MailHouse
    addresses: Addresses

    def mailing(self, url: str = "") -> Mailing:
        server: MailServer | None = mail_server(url or self.mails.url, "broker.example")
        assert server is not None
        writer = LetterWriter(BASE, "broker.example", "no-reply@broker.example")
        return Mailing(self.house.database, self.addresses, writer, server, self.house.watch)

    def gives_address(self, address: str = "alice@mail.example", *, sends: bool = True) -> str:
        """Give an address and return the key of the link in the mail, which is sent and then forgotten."""
        with self.house.database.write() as session:
            self.addresses.ask(session, self.house.alice.user_id, address, self.house.watch())
        if not sends:
            return ""
        assert self.mailing().send_due() == 1
        return self.mails.taken.pop()[1].get_content().partition("key=")[2].split()[0]

    def confirms(self, key: str, user_id: str = "") -> None:
        with self.house.database.write() as session:
            self.addresses.confirm(session, user_id or self.house.alice.user_id, key, self.house.watch())

    def has_address(self, address: str = "alice@mail.example") -> None:
        self.confirms(self.gives_address(address))
        self.mailing().send_due()
        self.mails.taken.clear()
        with self.house.database.write() as session:
            session.execute(delete(NoticeRow))

    def inbox(self, user_id: str = "") -> list[Told]:
        with self.house.database.read() as session:
            return listed(session, user_id or self.house.alice.user_id, limit=50)

    def told(self, user_id: str = "") -> list[str]:
        """Name what stands in the inbox, newest first."""
        return [one.notice.what.value for one in self.inbox(user_id)]

    def reads(self, language: str = "en") -> list[Words]:
        with self.house.database.read() as session:
            named = parties(session)
        return [words(one.notice, named, Speech(language)) for one in self.inbox()]


@contextmanager
def notified(house: House) -> Iterator[People]:
    """Give the parties of a house their names, and the broker a mail server."""
    with house.database.write() as session:
        for bank_id in ("harbor", "meridian"):
            url = f"https://{bank_id}.example"
            add(session, Bank(bank_id, f"{bank_id.title()} Bank", "fdx", url, url, "broker", "openid"), house.watch())
    with listening(MailHouse()) as mails:
        yield People(house, mails, Addresses(house.sealer))
