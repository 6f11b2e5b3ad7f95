"""The whole application over a file database, one bank with a real sign-in and a connector that tests lay out."""

import html
import secrets
import uuid
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from identity_provider import IdentityProvider
from joserfc.jwk import ECKey
from sqlalchemy import select
from told_bank import FakeConnector
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from broker.app import build_services, create_app
from broker.banks import service as banks
from broker.banks.connector import Connector
from broker.clock import system_clock
from broker.crypto.keyset import generate_keyset
from broker.edge.services import Services
from broker.edge.visitor import SignInWish
from broker.grants.acts import Actor
from broker.grants.consents import Answer, Asker
from broker.grants.proposals import AmendAction
from broker.grants.views import Grant
from broker.platforms import service as platforms
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import Detail, Precision
from broker.release import Call, Rendered, Wanted
from broker.users.models import IdentityRow
from tests.support.sandbox_settings import sandbox_settings
from tests.support.stores import Store

BASE = "http://localhost:8465"
PERSON = {"sub": "hb-1", "name": "Maya Lindqvist"}
AUDITOR = {"sub": "staff-1", "name": "Audrey Holt", "role": "auditor"}
ADMIN = {"sub": "staff-2", "name": "Ada Min", "role": "admin"}
ALL_TERMS = (
    CategoryTerm("accounts"),
    CategoryTerm("balances"),
    CategoryTerm("transactions", Detail.DETAIL),
    CategoryTerm("card_locations", None, Precision.EXACT),
)


@dataclass
class Form:
    action: str
    method: str = "get"
    fields: list[tuple[str, str]] = field(default_factory=list)
    ticked: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[tuple[str, str]] = field(default_factory=list)
    options: list[tuple[str, str, bool]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        return [v for n, v in (*self.boxes, *((n, v) for n, v, _ in self.options)) if n == name]

    def chosen(self, name: str) -> str:
        return next(v for n, v, is_chosen in self.options if n == name and is_chosen)

    def has(self, *names: str) -> bool:
        present = {n for n, *_ in (*self.fields, *self.boxes, *self.options, *self.buttons)}
        return set(names) <= present

    def holds(self, **hidden: str) -> bool:
        mine = {n: v for n, v in self.fields if n != "csrf_token"}
        return mine == hidden


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(a.get("action", ""), a.get("method", "get")))
        elif tag == "select":
            self._select = a["name"]
        elif tag == "option":
            self.forms[-1].options.append((self._select, a["value"], "selected" in a))
        elif tag == "button" and "name" in a and "form" not in a:  # those of the foot belong to the page's form
            self.forms[-1].buttons.append((a["name"], a["value"]))
        elif tag == "input" and a.get("type") == "checkbox":
            self.forms[-1].boxes.append((a["name"], a["value"]))
            if "checked" in a:
                self.forms[-1].ticked.append((a["name"], a["value"]))
        elif tag == "input":
            self.forms[-1].fields.append((a["name"], a["value"]))


def forms_of(answer: TestResponse) -> list[Form]:
    reader = _Reader()
    reader.feed(answer.text)
    return reader.forms


def form_with(answer: TestResponse, *names: str) -> Form:
    return next(form for form in forms_of(answer) if form.has(*names))


def words_of(answer: TestResponse) -> str:
    return html.unescape(answer.text)


class Browser:
    """One browser, with its own cookies."""

    def __init__(self, app: Flask, provider: IdentityProvider) -> None:
        self.client: FlaskClient = app.test_client()
        self.provider = provider

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, base_url=BASE, headers=headers, buffered=True)

    def json(self, path: str) -> Any:
        answer = self.get(path, Accept="application/json")
        assert answer.status_code == 200, answer.text
        return answer.json

    def post(self, path: str, fields: list[tuple[str, str]]) -> TestResponse:
        """Send a form; what it leads to is opened when it is the same form again, or the question about it."""
        answer = self.client.post(path, base_url=BASE, data=MultiDict(fields))
        is_again = answer.status_code == 303 and ("draft=" in answer.location or "/confirm?" in answer.location)
        return self.get(answer.location) if is_again else answer

    def submit(self, form: Form, *more: tuple[str, str], selects: bool = True) -> TestResponse:
        """Send a form as a browser would; `more` are ticks, the button pressed, and selects chosen otherwise."""
        given = {name for name, _ in more}
        chosen = [(n, v) for n, v, is_chosen in form.options if is_chosen and n not in given] if selects else []
        sent = [*form.fields, *chosen, *more]
        return self.get(f"{form.action}?{urlencode(sent)}") if form.method == "get" else self.post(form.action, sent)

    def goes_to_bank(self, start: str = "/sign-in?next=/my-sharing") -> str:
        page = self.get(start)
        answer = self.submit(form_with(page, "for", "bank"), ("bank", "harbor"))
        assert answer.status_code == 303, answer.text
        return answer.location

    def signs_in(self, start: str = "/sign-in?next=/my-sharing", **person: Any) -> TestResponse:
        return self.get(self.provider.agrees(self.goes_to_bank(start), **(person or PERSON)))

    def is_asked_to_consent(self) -> str:
        """Let an app's request have arrived in this browser and return the address of the sign-in that it leads to."""
        wish = SignInWish("/oauth/authorize?request_uri=abc", ("harbor", "meridian"), asker="Messenger")
        with self.client.session_transaction(base_url=BASE) as session:
            session["wishes"] = {**session.get("wishes", {}), "abc": asdict(wish)}
        return "/sign-in?for=abc"

    def signs_in_to_consent(self, **person: Any) -> TestResponse:
        return self.signs_in(self.is_asked_to_consent(), **person)

    def signs_in_as_staff(self, bank: str = "harbor", **person: Any) -> TestResponse:
        answer = self.get(f"/sign-in/staff/{bank}")
        return self.get(self.provider.agrees(answer.location, **(person or AUDITOR)))


@dataclass
class World:
    """The application, its services and what tests move: the clock and the bank."""

    app: Flask
    services: Services
    provider: IdentityProvider
    connector: FakeConnector
    later: timedelta = timedelta()

    def browser(self) -> Browser:
        return Browser(self.app, self.provider)

    def user_id(self) -> str:
        with self.services.database.read() as session:
            return session.scalars(select(IdentityRow.user_id).order_by(IdentityRow.signed_in_at)).all()[-1]

    def terms(self, *categories: CategoryTerm, purpose: str = "chat_banking", **figures: Any) -> Terms:
        catalogue = self.services.catalogue
        return catalogue.complete(
            purpose=catalogue.purposes[purpose], categories=categories or ALL_TERMS, bank=None, **figures
        )

    def proposes(self, terms: Terms | None = None, platform: str = "messenger", user_id: str | None = None) -> str:
        catalogue = self.services.catalogue
        return self.services.consents.propose(
            Actor(user_id or self.user_id(), str(uuid.uuid4())),
            Asker(platform, frozenset(catalogue.purposes), frozenset(catalogue.categories)),
            terms or self.terms(),
            "harbor",
            Answer(secrets.token_hex(32), "/oauth/authorize/answer?request=abc", "http://localhost:4199"),
        )

    def asks_to_change(self, grant_id: str, *categories: CategoryTerm, merges: bool = True, **figures: Any) -> str:
        """Let the app of a grant ask for more, or for something else instead, and return the proposal's id."""
        catalogue, grant = self.services.catalogue, self.grant(grant_id)
        return self.services.amendments.propose(
            Actor(grant.user_id, str(uuid.uuid4())),
            Asker(grant.platform_id, frozenset(catalogue.purposes), frozenset(catalogue.categories)),
            grant_id,
            AmendAction.MERGE if merges else AmendAction.REPLACE,
            replace(self.terms(*categories, **figures), bank=grant.bank_id),
            answer=Answer(secrets.token_hex(32), "/oauth/authorize/answer?request=abc", "http://localhost:4199"),
        )

    def grant(self, grant_id: str) -> Grant:
        with self.services.database.read() as session:
            return cast("Grant", self.services.grant_reader.find(session, grant_id, self.services.clock()))

    def shares(self, browser: Browser, *categories: str, terms: Terms | None = None) -> str:
        """Let the person allow these categories from all accounts and return the grant's id."""
        grant_id = self.proposes(terms)
        form = form_with(browser.get(f"/consent/{grant_id}"), "decision")
        ticks = [("category", name) for name in categories]
        picks = [("account", ref) for ref in form.values("account")]
        answer = browser.submit(form, *ticks, *picks, ("decision", "approve"))
        assert answer.status_code == 303, answer.text
        return grant_id

    def reads(self, grant_id: str, category: str) -> None:
        call = Call(
            grant_id, "messenger", frozenset({category}), str(uuid.uuid4()), "GET /v1/accounts", is_attended=True
        )
        self.services.release.read(call, Wanted(category), lambda records, _: Rendered(b"{}", len(records)))


def build_world(folder: Path, store: Store, provider: IdentityProvider, other: IdentityProvider | None = None) -> World:
    issuers = [provider.issuer, other.issuer if other else "http://localhost:9"]
    allowed = frozenset(issuer.removeprefix("http://") for issuer in issuers)
    settings = sandbox_settings(folder, base_url=BASE, outbound_allow=allowed, database_url=store.url)
    generate_keyset(settings.key_file, system_clock())
    moved: dict[str, World] = {}

    def clock() -> datetime:
        return system_clock() + (moved["world"].later if moved else timedelta())

    built = build_services(settings, clock)
    connector = FakeConnector()
    release = replace(built.release, connectors={"harbor": cast("Connector", connector)})
    built = replace(built, release=release)
    provider.broker_keys = built.keyset.public_jwks()
    _register(built, *issuers)
    world = World(create_app(built), built, provider, connector)
    moved["world"] = world
    return world


def _register(built: Services, harbor: str, meridian: str) -> None:
    now = built.clock()
    key = ECKey.generate_key("P-256")
    scopes = tuple(built.catalogue.categories)
    purposes = tuple(built.catalogue.purposes)
    with built.database.write() as session:
        for bank_id, name, issuer in (
            ("harbor", "Harbor Bank", harbor),
            ("meridian", "Meridian Bank", meridian),
        ):
            bank = banks.Bank(bank_id, name, "fdx", issuer, f"{issuer}/fdx/v6", "broker", "openid profile data")
            banks.add(session, bank, now)
        for platform_id, name in (("messenger", "Messenger"), ("ledgerly", "<b>Ledgerly</b>")):
            jwks = {"keys": [key.as_dict(private=False)]}
            platform = platforms.Platform(
                platform_id,
                platforms.PlatformKind.PLATFORM,
                name,
                jwks,
                ("http://localhost:4199/cb",),
                scopes,
                purposes,
            )
            platforms.add(session, built.catalogue, platform, http_loopback=True, now=now)


def path_of(answer: TestResponse) -> str:
    return urlsplit(answer.location).path
