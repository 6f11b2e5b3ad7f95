"""Makes what a test of a fleet is not about: people, proposals, grants and tokens, at once through the services."""

import itertools
import secrets
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from broker.clock import system_clock
from broker.crypto.digests import digest
from broker.edge.services import Services
from broker.grants.acts import Actor
from broker.grants.consents import Answer, Asker
from broker.grants.contents import OfferedAccount
from broker.policy.terms import CategoryTerm, Choice
from broker.policy.vocabulary import Detail, Precision
from broker.tokens.codes import Code, consume_code, issue_code
from broker.tokens.models import TokenRow
from broker.tokens.service import issue_access, issue_refresh
from tests.support.caller import CALLBACK
from tests.support.quick_bank import accounts_of, credential_of

PLATFORMS = ("messenger", "ledgerly")
_LASTING = timedelta(hours=1)
DATA = ("accounts", "balances", "transactions", "card_locations")
_TERMS = {
    "transactions": CategoryTerm("transactions", Detail.DETAIL),
    "card_locations": CategoryTerm("card_locations", None, Precision.TOWN),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One customer of a bank. `accounts` maps a platform's id to the pairwise ids of the accounts there."""

    user_id: str
    bank_id: str
    subject: str
    accounts: dict[str, tuple[str, ...]]

    @property
    def actor(self) -> Actor:
        return Actor(self.user_id, str(uuid.uuid4()))


@dataclass
class Customers:
    """The people of the fleet's banks and what they have granted. `services` act on the fleet's own database."""

    services: Services
    _numbers: Iterator[int] = field(default_factory=itertools.count, kw_only=True)

    def person(self, bank_id: str = "harbor") -> Person:
        """Make a person whom the bank knows and has given the broker a credential for."""
        subject, now = f"c{next(self._numbers):06d}", system_clock()
        credential = credential_of(subject, now).dump()
        with self.services.database.write() as session:
            identity = self.services.users.sign_in(
                session, bank_id=bank_id, subject=subject, name=f"Customer {subject}", credential=credential, now=now
            )
        accounts = {platform: self._account_ids(platform, bank_id, subject) for platform in PLATFORMS}
        return Person(identity.user_id, bank_id, subject, accounts)

    def proposal(
        self,
        person: Person,
        categories: Sequence[str] = DATA,
        *,
        platform_id: str = "messenger",
        key: str | None = None,
        **figures: Any,
    ) -> str:
        """Let a platform's request have reached the person; `key` is that of the pushed request."""
        catalogue = self.services.catalogue
        terms = catalogue.complete(
            purpose=catalogue.purposes["chat_banking"],
            categories=tuple(_TERMS.get(name, CategoryTerm(name)) for name in categories),
            bank=None,
            **figures,
        )
        chosen = key or secrets.token_hex(32)
        answer = Answer(chosen, f"/oauth/authorize/answer?request={chosen}", "http://localhost:4199")
        return self.services.consents.propose(person.actor, _asker(platform_id), terms, person.bank_id, answer)

    def grant(
        self, person: Person, categories: Sequence[str] = DATA, *, platform_id: str = "messenger", **figures: Any
    ) -> str:
        """Let the person have approved these categories of all their accounts; the code is redeemed."""
        grant_id = self.proposal(person, categories, platform_id=platform_id, **figures)
        ids = person.accounts[platform_id]
        offered = [
            OfferedAccount(id_, ref, f"Account {ref}", is_joint=False)
            for id_, ref in zip(ids, accounts_of(person.subject), strict=True)
        ]
        choice = Choice(tuple(categories), ids)
        self.services.consents.approve(person.actor, grant_id, _asker(platform_id), choice, offered)
        now = system_clock()
        with self.services.database.write() as session:
            code = issue_code(session, Code(grant_id, platform_id, CALLBACK, "c" * 43, None), now)
            assert consume_code(session, code, now)
        return grant_id

    def tokens(self, grant_id: str, jkt: str, categories: Sequence[str] = DATA, count: int = 1) -> list[str]:
        """Issue access tokens of a grant, bound to this DPoP key; they last for an hour, as long tests do."""
        platform_id, expires_at = self._platform_and_end(grant_id)
        with self.services.database.write() as session:
            issued = [
                issue_access(
                    session,
                    grant_id=grant_id,
                    platform_id=platform_id,
                    jkt=jkt,
                    categories=categories,
                    grant_expires_at=expires_at,
                    now=system_clock(),
                )[0]
                for _ in range(count)
            ]
            later = min(system_clock() + _LASTING, expires_at)
            rows = update(TokenRow).where(TokenRow.digest.in_([digest(token) for token in issued]))
            session.execute(rows.values(expires_at=later))
        return issued

    def refresh_tokens(self, grant_id: str, categories: Sequence[str] = DATA, count: int = 1) -> list[str]:
        """Issue refresh tokens of a grant."""
        platform_id, expires_at = self._platform_and_end(grant_id)
        with self.services.database.write() as session:
            return [
                issue_refresh(
                    session,
                    grant_id=grant_id,
                    platform_id=platform_id,
                    categories=categories,
                    grant_expires_at=expires_at,
                    now=system_clock(),
                )
                for _ in range(count)
            ]

    def _platform_and_end(self, grant_id: str) -> tuple[str, datetime]:
        with self.services.database.read() as session:
            grant = self.services.grant_reader.find(session, grant_id, system_clock())
        assert grant is not None
        return grant.platform_id, grant.expires_at

    def _account_ids(self, platform_id: str, bank_id: str, subject: str) -> tuple[str, ...]:
        name = self.services.release.pairwise.of
        return tuple(name("account", platform_id, bank_id, subject, ref) for ref in accounts_of(subject))


def _asker(platform_id: str) -> Asker:
    return Asker(platform_id, frozenset({"chat_banking"}), frozenset(DATA))
