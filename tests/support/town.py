"""A town: three people at two banks, two platforms, a grant of another shape for each, around the real application."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from sqlalchemy import update

from broker.app import create_app
from broker.banks import service as banks
from broker.edge.services import Services
from broker.edge.visitor import Visitor
from broker.grants.acts import Actor
from broker.grants.consents import Answer, Asker
from broker.grants.service import Part
from broker.outbound import OutboundClient, OutboundSession
from broker.platforms import service as platforms
from broker.platforms.options import Options
from broker.policy.terms import CategoryTerm, Choice, Terms
from broker.policy.vocabulary import Detail, MachineScope, Precision
from broker.tokens.codes import Code, consume_code, issue_code
from broker.users.models import IdentityRow
from tests.support.core import House, open_house
from tests.support.edge import BASE, Platform, services_of
from tests.support.reading import ReadingClient
from tests.support.sandbox_settings import sandbox_settings
from tests.support.town_facts import BANKS, OWNED, PEOPLE, Owned, TownBank

PLATFORMS = ("messenger", "ledgerly")
ISSUER = "http://127.0.0.1:9"
"""Where both banks sign people in: an address that the broker refuses to call."""

CALLBACK = "http://localhost:4199/cb"
ENDED = ("revoked", "expired", "paused", "category-revoked", "category-paused", "account-removed", "account-paused")
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class Share:
    """One grant as the person gave it and what became of it: all that the oracle knows.

    `accounts` maps the ids that this platform knows to what stands behind them; `fate` is one of ENDED or "live";
    `ended` names the category or the account that the fate is about.
    """

    grant_id: str
    person: str
    bank: str
    platform: str
    terms: dict[str, CategoryTerm]
    accounts: dict[str, Owned]
    fate: str
    ended: str = ""

    def live_accounts(self) -> dict[str, Owned]:
        gone = self.ended if self.fate.startswith("account-") else None
        return {account_id: owned for account_id, owned in self.accounts.items() if account_id != gone}


@dataclass
class Town:
    """The application with everybody in it."""

    house: House
    services: Services
    app: Flask
    people: dict[str, Actor] = field(default_factory=dict)
    ids: dict[str, Owned] = field(default_factory=dict)
    shares: list[Share] = field(default_factory=list)
    keys: dict[str, ECKey] = field(default_factory=dict)

    @property
    def categories(self) -> tuple[str, ...]:
        """Those that give data; what is asked of the others stands in a body."""
        every = self.services.catalogue.categories.items()
        return tuple(name for name, one in every if one.questions is None and one.pushed is None)

    def caller(self, share: Share, categories: tuple[str, ...]) -> Platform:
        """A platform with a token narrowed to these categories, which may be more than were granted."""
        return Platform(self.house, self.app.test_client(), share.grant_id, categories, share.platform)

    def visitor(self, person: str, bank: str = "harbor") -> Visitor:
        return Visitor(bank, person.title(), user_id=self.people[person].user_id)

    def browser(self, visitor: Visitor | None) -> FlaskClient:
        """A browser in which this visitor has signed in."""
        client = self.app.test_client()
        if visitor is not None:
            with client.session_transaction(base_url=BASE) as session:
                session["visitor"] = asdict(visitor)
                session["browser"] = f"browser of {visitor.name}"
        return client

    def terms(self, names: tuple[str, ...], chance: Random, **figures: Any) -> Terms:
        catalogue = self.services.catalogue
        wanted = tuple(
            CategoryTerm(
                name,
                chance.choice(list(Detail)) if catalogue.categories[name].details else None,
                chance.choice(list(Precision)) if catalogue.categories[name].precisions else None,
            )
            for name in names
        )
        purpose = catalogue.purposes["chat_banking"]
        return catalogue.complete(purpose=purpose, categories=wanted, bank=None, **figures)

    def proposes(self, person: str, bank: str, platform: str, terms: Terms) -> str:
        answer = Answer(f"key-{next(self.house.keys)}", "/oauth/authorize/answer?request=x", "http://localhost:4199")
        return self.services.consents.propose(self.people[person], self.asker(platform), terms, bank, answer)

    def asker(self, platform: str) -> Asker:
        return Asker(
            platform, frozenset(self.services.catalogue.purposes), frozenset(self.services.catalogue.categories)
        )

    def shares_with(self, person: str, bank: str, platform: str, terms: Terms, numbers: tuple[int, ...]) -> Share:
        """Let the person approve these terms for some of their accounts, through the services of the consent page."""
        grant_id = self.proposes(person, bank, platform, terms)
        listed = self.services.own_accounts.of(self.people[person], self.house.grant(grant_id))
        known = {one.account_id: _owned(person, bank, one.offered.bank_ref) for one in listed}
        self.ids |= known
        kept = {account_id: owned for account_id, owned in known.items() if owned.number in numbers}
        choice = Choice(terms.category_names, tuple(kept))
        offered = [one.offered for one in listed]
        self.services.consents.approve(self.people[person], grant_id, self.asker(platform), choice, offered)
        with self.house.database.write() as session:
            now = self.house.watch()
            assert consume_code(session, issue_code(session, Code(grant_id, platform, CALLBACK, "c", None), now), now)
        return Share(grant_id, person, bank, platform, {t.name: t for t in terms.categories}, kept, "live")

    def ends(self, share: Share, fate: str) -> Share:
        """Let happen to the grant what its fate says (an expiry comes with time)."""
        who, grants = self.people[share.person], self.services.grants
        ended = next(iter(share.terms if fate.startswith("category") else share.accounts))
        part = Part(category=ended) if fate.startswith("category") else Part(account_id=ended)
        if fate in {"revoked", "category-revoked", "account-removed"}:
            grants.revoke(who, share.grant_id, Part() if fate == "revoked" else part)
        elif fate != "expired":
            grants.pause(who, share.grant_id, Part() if fate == "paused" else part)
        return replace(share, fate=fate, ended=ended)


def csrf_token(client: FlaskClient) -> str:
    """A good token for this browser's forms, as a page gives it."""
    found = _CSRF.search(client.get("/console", base_url=BASE).text)
    if found is None:  # who is signed in as staff is led on, to a page with a form
        found = _CSRF.search(client.get("/", base_url=BASE).text)
    assert found is not None
    return found[1]


def _owned(person: str, bank: str, ref: str) -> Owned:
    return next(one for one in OWNED if (one.person, one.bank, one.ref) == (person, bank, ref))


@contextmanager
def open_town(folder: Path, seed: int = 18) -> Iterator[Town]:
    with open_house(folder) as house:
        house.banks.update({bank: TownBank(id=bank) for bank in BANKS})
        settings = sandbox_settings(folder, base_url=BASE)
        outbound = OutboundClient(frozenset(), settings.bank_timeout_s, settings.bank_answer_max_bytes)
        services = replace(services_of(house), settings=settings, bank_session=partial(OutboundSession, outbound))
        town = Town(house, services, create_app(services))
        town.app.test_client_class = ReadingClient
        _move_in(town)
        _fill(town, Random(seed))
        for bank in house.banks.values():
            assert isinstance(bank, TownBank)
            bank.is_lying = True
            bank.asked.clear()
        yield town


def _move_in(town: Town) -> None:
    house = town.house
    for person in PEOPLE:
        for bank in BANKS:
            found = house.signs_in(f"sub-{person}-{bank}", bank)
            same = town.people.setdefault(person, Actor(found.user_id, "0" * 8))
            if same.user_id != found.user_id:
                _is_one_person(house, same.user_id, found.user_id)
            at_bank = house.banks[bank]
            assert isinstance(at_bank, TownBank)
            at_bank.subjects[f"sub-{person}-{bank}"] = person
    now = house.watch()
    with house.database.write() as session:
        for bank in BANKS:
            told = banks.Bank(bank, bank.title(), "fdx", ISSUER, f"{ISSUER}/fdx/v6", "broker", "openid")
            banks.add(session, told, now)
        for name in PLATFORMS:
            town.keys[name] = ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True)
            platform = platforms.Platform(
                id=name,
                kind=platforms.PlatformKind.PLATFORM,
                name=name.title(),
                options=Options(machine_scopes=tuple(MachineScope)),
                jwks={"keys": [town.keys[name].as_dict(private=False)]},
                redirect_uris=(CALLBACK,),
                scopes=tuple(town.services.catalogue.categories),
                purposes=tuple(town.services.catalogue.purposes),
                default_purpose="chat_banking",
            )
            platforms.add(session, town.services.catalogue, platform, http_loopback=True, now=now)


def _is_one_person(house: House, user_id: str, other: str) -> None:
    """Link the second bank's identity, which no page offers yet (02, a user, two banks)."""
    with house.database.write() as session:
        session.execute(update(IdentityRow).where(IdentityRow.user_id == other).values(user_id=user_id))


def _fill(town: Town, chance: Random) -> None:
    """Give every person a grant at every bank to every platform; each category is granted here and not there."""
    everyone = list(itertools.product(PEOPLE, BANKS, PLATFORMS))
    fates = (*ENDED, *["live"] * (len(everyone) - len(ENDED)))
    names = town.categories
    for index, (person, bank, platform) in enumerate(everyone):
        fate = fates[index * 5 % len(fates)]
        some = tuple(name for position, name in enumerate(names) if (position + index) % len(names) < 2)
        numbers = (0, 1) if fate.startswith("account") else chance.choice([(0,), (1,), (0, 1)])
        terms = town.terms(some, chance, duration_days=1 if fate == "expired" else 90)
        share = town.shares_with(person, bank, platform, terms, numbers)
        town.shares.append(town.ends(share, fate) if fate != "live" else share)
    town.house.watch.passes(days=1, seconds=1)
