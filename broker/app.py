"""The composition root: settings -> engine -> services -> the application behind the mount table."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask

from broker.alerts.service import Alerts
from broker.audit.confirmation import Confirmation
from broker.audit.log_keys import LogKeys
from broker.audit.sequencer import Sequencer
from broker.audit.submission import LARGEST_ANSWER, Submission
from broker.audit.witnesses import configured_witnesses
from broker.audit.writer import Writer
from broker.banks.connector import Connector
from broker.banks.connectors import BankEndpoint, build
from broker.banks.service import Bank, all_banks, find
from broker.clock import Clock, system_clock
from broker.crypto.keyset import Keyset, load_keyset
from broker.crypto.pairwise import PairwiseIds
from broker.crypto.sealing import Sealer
from broker.crypto.signing_keys import SigningKeyFile
from broker.edge import csrf, headers, interaction, nonces, problems
from broker.edge.again import Again
from broker.edge.hand_over import HandOver
from broker.edge.services import Services, install
from broker.edge.session import DatabaseSessions
from broker.events.pushing import LANES_TO_ONE, MOST_LANES, Pusher
from broker.events.sending import LARGEST_ANSWER as LARGEST_ANSWER_TO_EVENT
from broker.events.sending import TIMEOUT_S, Sender
from broker.events.set_tokens import EventSigner
from broker.grants.amendments import Amendments
from broker.grants.closing import Closing
from broker.grants.consents import Consents
from broker.grants.deletions import Deletions
from broker.grants.extensions import Extensions
from broker.grants.fence import Fences
from broker.grants.linking import Linking
from broker.grants.narrowing import Narrowing
from broker.grants.reader import GrantReader
from broker.grants.service import Grants
from broker.metrics.around import MeasuredClient, MeasuredFences, MeasuredSequencer
from broker.mounts import MOUNT_TABLE, WITHOUT_TOKEN
from broker.notices.addresses import Addresses
from broker.notices.letters import LetterWriter
from broker.notices.mailing import Mailing
from broker.notices.smtp import mail_server
from broker.outbound import OutboundClient, OutboundSession
from broker.platforms.client_keys import LARGEST_SET, ClientKeys
from broker.policy.catalogue import BankFacts, Catalogue
from broker.policy.loading import load_catalogue
from broker.release import OwnReceipts, Release, Renewals
from broker.settings import Mode, Settings
from broker.storage.clock_file import own_clock
from broker.storage.engine import Database
from broker.switches.service import Switches
from broker.tokens.lasting import lengthen
from broker.users.passkeys import Passkeys
from broker.users.service import Users
from broker.web import assets, language

if TYPE_CHECKING:
    from broker.metrics.figures import Figures

_KEYS_TIMEOUT_S = 3.0
_WITNESS_TIMEOUT_S = 3.0
_WITNESS_CALLS_AT_ONCE = 32
_CALLS_TO_ONE_WITNESS = 4
_RENEWALS_AT_ONCE = 2  # sessions of PostgreSQL kept for them at each bank; up to four more may be opened


class Connectors(Mapping[str, Connector]):
    """The connector of every bank in the database, built when first asked for and again when the bank has changed."""

    def __init__(
        self,
        database: Database,
        http: OutboundClient,
        keyset: Keyset,
        wall: Clock,
        facts: Mapping[str, BankFacts],
    ) -> None:
        self._database = database
        self._http = http
        self._keyset = keyset
        self._wall = wall
        self._facts = facts
        self._built: dict[Bank, Connector] = {}

    def __getitem__(self, bank_id: str) -> Connector:
        with self._database.read() as session:
            bank = find(session, bank_id)
        if bank is None:
            raise KeyError(bank_id)
        if bank not in self._built:
            self._built[bank] = self._build(bank)
        return self._built[bank]

    def __iter__(self) -> Iterator[str]:
        with self._database.read() as session:
            return iter([bank.id for bank in all_banks(session)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _build(self, bank: Bank) -> Connector:
        def assertion(audience: str) -> str:
            return self._keyset.client_assertion(bank.client_id, audience, self._wall())

        facts = self._facts.get(bank.id)
        needs_receipts = facts is None or facts.receipts_required  # what is not known is refused
        endpoint = BankEndpoint(bank.id, bank.issuer, bank.api_base, bank.client_id, needs_receipts)
        return build(bank.standard, endpoint, self._http, assertion, self._wall)


def build_services(
    settings: Settings,
    wall: Clock = system_clock,
    catalogue: Catalogue | None = None,
    figures: "Figures | None" = None,
) -> Services:
    """Build everything the broker is made of; the database is not called yet, it may be away for a while.

    The policies are read unless a `catalogue` is given that was made of them. `figures` None: nothing is measured.

    Raises:
        ConfigurationInvalid: keys, policies or a sandbox's clock cannot be used, or the database's address.
    """
    clock, keyset, http = own_clock(settings, wall), load_keyset(settings.key_file), _outbound(settings, figures)
    sealer, log_keys = Sealer(keyset.sealing), LogKeys(keyset.log, keyset.retired_log)
    database, catalogue = _database(settings), catalogue or load_catalogue(settings.policies_dir)
    sequencer = _sequencer(settings, database, Writer(sealer, log_keys, clock, settings.base_host), log_keys, figures)
    users, reader, pairwise = Users(sealer, keyset.subject), GrantReader(sealer), PairwiseIds(keyset.pairwise)
    fences, renewals = _fences(settings, database, figures), Renewals(database, users, _RENEWALS_AT_ONCE)
    connectors, passkeys = Connectors(database, http, keyset, wall, catalogue.banks), Passkeys(sealer)
    release = Release(database, sequencer, fences, renewals, catalogue, reader, users, pairwise, clock, connectors)
    return Services(
        settings=settings,
        clock=clock,
        wall=wall,
        keyset=keyset,
        sealer=sealer,
        database=database,
        log_keys=log_keys,
        sequencer=sequencer,
        fences=fences,
        catalogue=catalogue,
        users=users,
        passkeys=passkeys,
        grants=Grants(sequencer, fences, clock),
        consents=Consents(sequencer, catalogue, sealer, pairwise, clock),
        amendments=Amendments(sequencer, fences, catalogue, sealer, clock),
        extensions=Extensions(sequencer, fences, catalogue, sealer, clock, lengthen=lengthen),
        narrowing=Narrowing(sequencer, fences, catalogue, sealer, clock),
        linking=Linking(sequencer, fences, clock),
        closing=Closing(sequencer, fences, users, passkeys, clock),
        deletions=Deletions(sequencer, clock, timedelta(days=settings.deletion_days)),
        grant_reader=reader,
        switches=Switches(sequencer, catalogue, sealer, clock),
        release=release,
        own_receipts=OwnReceipts(database, reader, clock),
        alerts=Alerts(release, sealer, wall),
        bank_session=partial(OutboundSession, http),
        client_keys=build_client_keys(settings),
        addresses=Addresses(sealer),
        mailing=_mailing(settings, database, sealer, clock),
        signing=SigningKeyFile(settings.key_file),
    )


def _database(settings: Settings) -> Database:
    return Database(settings.database_url, settings.threads, settings.disk_reserve_bytes)


def _fences(settings: Settings, database: Database, figures: "Figures | None") -> Fences:
    if figures is None:
        return Fences(database, connections=settings.threads)
    return MeasuredFences(figures, database, connections=settings.threads)


def _outbound(settings: Settings, figures: "Figures | None") -> OutboundClient:
    # Slow banks leave a quarter of the threads for pages; one slow bank leaves a further quarter for other banks.
    most, most_to_one = max(1, settings.threads * 3 // 4), max(1, settings.threads // 2)
    timeout_s, max_bytes = settings.bank_timeout_s, settings.bank_answer_max_bytes
    client = OutboundClient if figures is None else partial(MeasuredClient, figures)
    return client(settings.outbound_allow, timeout_s, max_bytes, most_in_flight=most, most_to_one=most_to_one)


def _mailing(settings: Settings, database: Database, sealer: Sealer, clock: Clock) -> Mailing | None:
    server = mail_server(settings.smtp_url, settings.base_host)
    writer = LetterWriter(settings.base_url, settings.base_host, settings.mail_sender)
    return None if server is None else Mailing(database, Addresses(sealer), writer, server, clock)


def _sequencer(
    settings: Settings, database: Database, writer: Writer, log_keys: LogKeys, figures: "Figures | None"
) -> Sequencer:
    witnesses = configured_witnesses(settings)
    confirmation = Confirmation(witnesses, build_submission(settings, database, log_keys).ask)
    sequencer = Sequencer if figures is None else partial(MeasuredSequencer, figures)
    return sequencer(database, writer, confirmation if witnesses.members else None)


def build_client_keys(settings: Settings) -> ClientKeys:
    """Build what fetches clients' keys from addresses that clients choose.

    None of them may lead to a private place, not even to those that the operator lists for banks. In a sandbox, where
    everything is on one machine, the list counts.
    """
    allowed = settings.outbound_allow if settings.mode is Mode.SANDBOX else frozenset()
    most = max(1, settings.threads * 3 // 4)
    http = OutboundClient(allowed, _KEYS_TIMEOUT_S, LARGEST_SET, most_in_flight=most, most_to_one=1)
    return ClientKeys(http, settings.jwks_cache_s, most_waiting=most)


def build_submission(settings: Settings, database: Database, log_keys: LogKeys) -> Submission:
    """Build what shows checkpoints to the witnesses.

    Its client is apart from that of the banks: neither takes the other's room. Each witness has a breaker of its own.
    """
    http = OutboundClient(
        settings.outbound_allow,
        _WITNESS_TIMEOUT_S,
        LARGEST_ANSWER,
        most_in_flight=_WITNESS_CALLS_AT_ONCE,
        most_to_one=_CALLS_TO_ONE_WITNESS,
    )
    return Submission(database, log_keys, http, _WITNESS_TIMEOUT_S)


def build_pusher(services: Services) -> Pusher:
    """Build what pushes events to receivers.

    They choose the addresses, so the list that counts is one of its own: what the operator allows for banks does not.
    """
    settings = services.settings
    http = OutboundClient(
        settings.events_allow, TIMEOUT_S, LARGEST_ANSWER_TO_EVENT, most_in_flight=MOST_LANES, most_to_one=LANES_TO_ONE
    )
    signer = EventSigner(settings.base_url, services.signing.present, services.wall)
    sender = Sender(http, signer, services.sealer)
    return Pusher(services.database, sender, clock=services.clock, wall=services.wall)


def create_app(services: Services) -> Flask:
    """Assemble the WSGI application from built services."""
    app = Flask("broker", template_folder="web/templates", static_folder="web/static")
    app.secret_key = services.keyset.cookie
    app.config["MAX_CONTENT_LENGTH"] = services.settings.request_max_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = services.settings.request_max_bytes
    app.config["MAX_FORM_PARTS"] = 200
    app.url_map.merge_slashes = False  # merging redirects, and takes the address from the Host header
    app.session_interface = DatabaseSessions()
    told = interaction.Interactions(Again(app.wsgi_app, services.settings.request_max_bytes))
    app.wsgi_app = HandOver(told)  # type: ignore[method-assign] # Flask's documented way to wrap
    install(app, services)
    app.before_request(interaction.name_route)
    app.after_request(headers.add)
    app.after_request(nonces.offer)
    app.after_request(interaction.echo)
    problems.install(app)
    assets.install(app)
    language.install(app)
    protection = csrf.protect(app)
    for mount in MOUNT_TABLE:
        app.register_blueprint(mount.blueprint, url_prefix=mount.prefix or None)
        app.before_request_funcs[mount.blueprint.name] = [mount.gate]
        if mount.gate in WITHOUT_TOKEN:
            protection.exempt(mount.blueprint)
    return app
