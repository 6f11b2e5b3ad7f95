"""A small world for the authorization server: real policies, a real database, an app with keys of its own."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from flask import Flask
from flask.testing import FlaskClient
from oauth_app import BASE, CALLBACK, SCOPES, App, Watch, location
from werkzeug.test import TestResponse

from broker.app import build_client_keys
from broker.audit.log_keys import LogKeys
from broker.audit.models import EntryRow
from broker.audit.sequencer import Sequencer
from broker.audit.writer import Writer
from broker.banks.service import Bank
from broker.banks.service import add as add_bank
from broker.crypto.keyset import generate_keyset, load_keyset
from broker.crypto.pairwise import PairwiseIds
from broker.crypto.sealing import Sealer
from broker.crypto.signing_keys import SigningKeyFile
from broker.edge import gates, headers, interaction, nonces, problems
from broker.edge.services import Services, install
from broker.edge.session import DatabaseSessions
from broker.edge.visitor import Visitor, sign_in, wish_of
from broker.errors import BrokerError
from broker.grants.acts import Actor
from broker.grants.amendments import Amendments
from broker.grants.consents import Asker, Consents
from broker.grants.contents import OfferedAccount
from broker.grants.fence import Fences
from broker.grants.reader import GrantReader
from broker.grants.service import Grants
from broker.grants.views import Grant
from broker.notices.addresses import Addresses
from broker.oauth import grant_resource, metadata, registration, routes
from broker.platforms.options import Options
from broker.platforms.service import Platform, PlatformKind, find
from broker.platforms.service import add as add_platform
from broker.policy.loading import load_catalogue
from broker.policy.terms import Choice
from broker.policy.vocabulary import MachineScope
from broker.settings import default_policies_dir
from broker.storage.engine import Database
from broker.switches.service import Switches
from broker.users.passkeys import Passkeys
from broker.users.service import Users
from broker.web import assets, language
from tests.support.sandbox_settings import sandbox_settings
from tests.support.stores import Store

ALICE, BOB = "alice-at-harbor", "bob-at-harbor"
ACCOUNTS = (
    OfferedAccount("acc-1", "ref-1", "Current", is_joint=False),
    OfferedAccount("acc-2", "ref-2", "Savings", is_joint=False),
)
_CATALOGUE = load_catalogue(default_policies_dir())


@dataclass
class World:
    """The broker's authorization server with two platforms and a resource server."""

    app: Flask
    services: Services
    watch: Watch
    messenger: App
    rival: App
    api: App

    def browser(self) -> FlaskClient:
        return self.app.test_client()

    def signs_in(self, browser: FlaskClient, wish: str, user: str = ALICE, bank: str = "harbor") -> TestResponse:
        """Sign in as the sign-in page would, and go where the wish leads."""
        browser.post("/test/sign-in", json={"user": user, "bank": bank, "wish": wish})
        return browser.get(browser.get(f"/test/wish/{wish}").json["path"])  # type: ignore[index]  # the wish was kept

    def reaches_consent(self, browser: FlaskClient, app: App | None = None, **parameters: Any) -> str:
        """Walk to the consent page and return the proposal's id."""
        _, query = location((app or self.messenger).sends(browser, **parameters))
        path, _ = location(self.signs_in(browser, query["for"]))
        assert path.startswith("/consent/")
        return path.removeprefix("/consent/")

    def approves(self, grant_id: str, categories: tuple[str, ...] = SCOPES[1:], user: str = ALICE) -> str:
        """Approve as the consent page would and return the path of the answer."""
        actor = Actor(user, "0" * 8)
        asker = Asker(self.messenger.id, frozenset({"chat_banking"}), frozenset(SCOPES))
        choice = Choice(categories=categories, accounts=("acc-1",))
        self.services.consents.approve(actor, grant_id, asker, choice, ACCOUNTS)
        return self.grant(grant_id).return_path

    def agrees(self, amendment_id: str, categories: tuple[str, ...] = SCOPES[1:], user: str = ALICE) -> str:
        """Approve a change as the consent page would and return the path of the answer."""
        with self.services.database.read() as session:
            found = self.services.grant_reader.find_amendment(session, amendment_id, self.watch())
        assert found is not None
        asker = Asker(self.messenger.id, frozenset({"chat_banking"}), frozenset(SCOPES))
        choice = Choice(categories=categories, accounts=("acc-1",))
        self.services.amendments.approve(
            Actor(user, "0" * 8), amendment_id, asker, choice, ACCOUNTS, seen_at=found.grant.updated_at
        )
        return found.return_path

    def grant(self, grant_id: str) -> Grant:
        with self.services.database.read() as session:
            found = self.services.grant_reader.find(session, grant_id, self.watch())
        assert found is not None
        return found

    def code(self, **parameters: Any) -> str:
        """Walk the whole way to a code."""
        browser = self.browser()
        grant_id = self.reaches_consent(browser, **parameters)
        _, answer = location(browser.get(self.approves(grant_id)))
        return answer["code"]

    def tokens(self, **parameters: Any) -> dict[str, Any]:
        """Walk the whole way to tokens."""
        response = self.messenger.redeems(self.code(**parameters))
        assert response.status_code == 200, response.text
        return cast("dict[str, Any]", response.json)

    def registers(self, app: App, **options: Any) -> None:
        """Change the options of an app's registration."""
        with self.services.database.write() as session:
            known = find(session, app.id)
            assert known is not None
            changed = replace(known, options=replace(known.options, **options))
            add_platform(session, self.services.catalogue, changed, http_loopback=True, now=self.watch())

    def events(self) -> list[str]:
        with self.services.database.read() as session:
            return [row.event for row in session.query(EntryRow).order_by(EntryRow.time_us)]


def build_world(folder: Path, store: Store) -> World:
    watch = Watch()
    services = _services(folder, store, watch)
    app = _app(services)
    world = World(
        app, services, watch, *(App(name, app.test_client(), watch) for name in ("messenger", "rival", "the-api"))
    )
    _register(world)
    return world


def _services(folder: Path, store: Store, watch: Watch) -> Services:
    settings = sandbox_settings(folder, base_url=BASE, database_url=store.url)
    generate_keyset(settings.key_file, watch())
    keyset = load_keyset(settings.key_file)
    sealer, pairwise = Sealer(keyset.sealing), PairwiseIds(keyset.pairwise)
    database = Database(settings.database_url)
    sequencer = Sequencer(database, Writer(sealer, LogKeys(keyset.log), watch, settings.base_host))
    fences = Fences(database)
    nothing_leaves: Any = None
    return Services(
        settings=settings,
        clock=watch,
        wall=watch,
        keyset=keyset,
        sealer=sealer,
        database=database,
        log_keys=LogKeys(keyset.log),
        sequencer=sequencer,
        fences=fences,
        catalogue=_CATALOGUE,
        users=Users(sealer, keyset.subject),
        passkeys=Passkeys(sealer),
        grants=Grants(sequencer, fences, watch),
        consents=Consents(sequencer, _CATALOGUE, sealer, pairwise, watch),
        amendments=Amendments(sequencer, fences, _CATALOGUE, sealer, watch),
        extensions=nothing_leaves,
        narrowing=nothing_leaves,
        linking=nothing_leaves,
        closing=nothing_leaves,
        deletions=nothing_leaves,
        grant_reader=GrantReader(sealer),
        switches=Switches(sequencer, _CATALOGUE, sealer, watch),
        release=nothing_leaves,
        own_receipts=nothing_leaves,
        alerts=nothing_leaves,
        bank_session=nothing_leaves,
        client_keys=build_client_keys(settings),
        addresses=Addresses(sealer),
        mailing=None,
        signing=SigningKeyFile(settings.key_file),
    )


def _app(services: Services) -> Flask:
    app = Flask("broker", template_folder="web/templates", static_folder="web/static")
    app.config["MAX_CONTENT_LENGTH"] = services.settings.request_max_bytes
    app.session_interface = DatabaseSessions()
    install(app, services)
    app.wsgi_app = interaction.Interactions(app.wsgi_app)
    app.register_blueprint(routes.blueprint, url_prefix="/oauth")
    app.register_blueprint(routes.browser, url_prefix="/oauth")
    app.register_blueprint(metadata.blueprint, url_prefix="/.well-known")
    app.register_blueprint(grant_resource.blueprint, url_prefix="/oauth")
    app.before_request_funcs[grant_resource.blueprint.name] = [gates.machine]
    app.register_blueprint(registration.blueprint, url_prefix="/oauth")
    app.before_request_funcs[registration.blueprint.name] = [gates.registrant]
    app.after_request(headers.add)
    app.after_request(nonces.offer)
    app.template_folder = str(Path(problems.__file__).parent.parent / "web" / "templates")
    app.jinja_env.globals["csrf_token"] = str  # the product's comes with its protection
    app.jinja_env.globals["unread_notices"] = int  # and this with the inbox
    problems.install(app)
    assets.install(app)
    language.install(app)
    app.register_error_handler(BrokerError, _told)

    @app.post("/test/sign-in")
    def signed_in() -> str:
        from flask import request  # noqa: PLC0415 - only this stand-in for the sign-in page needs it

        body = cast("dict[str, str]", request.json)
        sign_in(Visitor(body["bank"], "Alice", body["user"], body.get("role"), body["wish"]))
        return "ok"

    @app.get("/test/wish/<wish>")
    def wished(wish: str) -> dict[str, Any]:
        found = wish_of(wish)
        assert found is not None
        return {"path": found.path, "banks": found.banks, "asker": found.asker, "unable": found.unable}

    return app


def _told(error: BrokerError) -> Any:
    """Tell programs of an error as the product does, and pages in one line: they are made elsewhere."""
    return problems._broker_error(error) if problems.wants_json() else (f"page: {error.code}", 400)


def _register(world: World) -> None:
    services, now = world.services, world.watch()
    with services.database.write() as session:
        for name in ("harbor", "meridian"):
            add_bank(
                session, Bank(name, name.title(), "fdx", "http://b.test", "http://b.test", "broker", "openid"), now
            )
        for app in (world.messenger, world.rival):
            platform = Platform(
                id=app.id,
                kind=PlatformKind.PLATFORM,
                name=app.id.title(),
                jwks={"keys": [app.key.as_dict(private=False)]},
                redirect_uris=(CALLBACK,),
                scopes=SCOPES,
                purposes=("chat_banking",),
                default_purpose="chat_banking" if app is world.messenger else None,
                options=Options(machine_scopes=tuple(MachineScope)),
            )
            add_platform(session, services.catalogue, platform, http_loopback=True, now=now)
        jwks = {"keys": [world.api.key.as_dict(private=False)]}
        server = Platform(id=world.api.id, kind=PlatformKind.RESOURCE_SERVER, name="The API", jwks=jwks)
        add_platform(session, services.catalogue, server, http_loopback=True, now=now)
