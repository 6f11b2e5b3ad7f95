"""A small house for unit tests of the core: real policies, a real database, a clock to turn, a bank to command."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.audit.log_keys import LogKeys
from broker.audit.reader import LoggedEntry, tail
from broker.audit.sequencer import Sequencer
from broker.audit.writer import Writer
from broker.banks.connector import (
    BankAccess,
    BankAccount,
    BankAlert,
    BankBalance,
    BankTransaction,
    CardUse,
    Credential,
    OpenStatus,
    Window,
)
from broker.clock import Clock
from broker.crypto.pairwise import PairwiseIds
from broker.crypto.sealing import Sealer
from broker.errors import BrokerError
from broker.grants.acts import Actor
from broker.grants.amendments import Amendments
from broker.grants.consents import Answer, Asker, Consents
from broker.grants.contents import OfferedAccount
from broker.grants.deletions import Deletions
from broker.grants.fence import Fences
from broker.grants.reader import GrantReader
from broker.grants.service import Grants
from broker.grants.views import Grant
from broker.platforms.models import PlatformRow
from broker.platforms.options import NO_OPTIONS
from broker.policy import Catalogue
from broker.policy.loading import load_catalogue
from broker.policy.terms import CategoryTerm, Choice, Terms
from broker.policy.vocabulary import Detail, DurationType, Precision
from broker.release import Call, Release, Rendered, Renewals
from broker.settings import default_policies_dir
from broker.storage.engine import Database
from broker.tokens.codes import Code, consume_code, issue_code
from broker.users.service import Identity, Users
from tests.support.presence import patient
from tests.support.stores import SqliteStore, Store

NOON = datetime(2026, 11, 22, 12, 0, 0, 250_000, UTC)
KEY = bytes(range(32))
DATA = ("accounts", "balances", "transactions", "card_locations")
ASKED = Terms(
    purpose="chat_banking",
    categories=(
        CategoryTerm("accounts"),
        CategoryTerm("balances"),
        CategoryTerm("transactions", detail=Detail.DETAIL),
        CategoryTerm("card_locations", precision=Precision.EXACT),
    ),
    duration_type=DurationType.TIME_BOUND,
    duration_days=90,
    lookback_days=60,
    frequency_per_day=4,
    data_life_days=30,
)
ANSWERS = ("balance_answers", "location_answers")
MAY_ASK = (*DATA, *ANSWERS, "fraud_alerts")
ASKER = Asker("messenger", frozenset({"chat_banking", "account_overview"}), frozenset(MAY_ASK))
OFFERED = (
    OfferedAccount("acc-1", "ref-1", "Current ••1111", is_joint=False),
    OfferedAccount("acc-2", "ref-2", "Savings ••2222", is_joint=False),
)
CREDENTIAL = Credential("bank-access-canary", "bank-refresh-canary", NOON + timedelta(hours=1))


class Watch:
    """A clock that stands still until told otherwise."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **span: float) -> None:
        self.now += timedelta(**span)


def nothing_happens(_access: BankAccess) -> None:
    """Let the bank answer at once."""


@dataclass
class FakeBank:
    """A `Connector` that answers what it is told. `meanwhile` runs inside every call, `error` is raised after it."""

    standard: str = "fake"
    own_accounts: list[BankAccount] = field(default_factory=list)
    own_balances: list[BankBalance] = field(default_factory=list)
    own_transactions: list[BankTransaction] = field(default_factory=list)
    own_card_uses: list[CardUse] = field(default_factory=list)
    own_alerts: list[BankAlert] = field(default_factory=list)
    meanwhile: Callable[[BankAccess], None] = nothing_happens
    error: BrokerError | None = None
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    accesses: list[BankAccess] = field(default_factory=list)
    ended: list[Credential] = field(default_factory=list)
    on_end: Callable[[], None] = lambda: None

    def accounts(self, access: BankAccess) -> list[BankAccount]:
        self._asked("accounts", access, ())
        return self.own_accounts

    def balances(self, access: BankAccess, account_refs: list[str]) -> list[BankBalance]:
        self._asked("balances", access, account_refs)
        return self.own_balances

    def transactions(self, access: BankAccess, account_refs: list[str], window: Window) -> list[BankTransaction]:
        self._asked("transactions", access, account_refs, window)
        return self.own_transactions

    def card_uses(self, access: BankAccess, account_refs: list[str], window: Window) -> list[CardUse]:
        self._asked("card_locations", access, account_refs, window)
        return self.own_card_uses

    def fraud_alert(self, access: BankAccess, account_ref: str, ref: str) -> BankAlert | None:
        self._asked("fraud_alerts", access, (account_ref, ref))
        return next((one for one in self.own_alerts if (one.account_ref, one.ref) == (account_ref, ref)), None)

    def end(self, credential: Credential) -> None:
        if self.error is not None:
            raise self.error
        self.ended.append(credential)
        self.on_end()

    def health(self) -> None:
        """Answer that the bank is well."""

    def _asked(self, what: str, access: BankAccess, refs: Sequence[str], window: Window | None = None) -> None:
        self.asked.append((what, tuple(refs)))
        self.accesses.append(access)
        if window is not None:
            self.windows.append(window)
        self.meanwhile(access)
        if self.error is not None:
            raise self.error


@dataclass
class House:
    """The core of the broker with one person (Alice) at two fake banks."""

    database: Database
    store: Store
    folder: Path
    watch: Watch
    sealer: Sealer
    catalogue: Catalogue
    sequencer: Sequencer
    fences: Fences
    users: Users
    reader: GrantReader
    grants: Grants
    consents: Consents
    amendments: Amendments
    deletions: Deletions
    release: Release
    banks: dict[str, FakeBank]
    alice: Actor
    keys: Iterator[int]
    in_the_end: ExitStack = field(default_factory=ExitStack)

    @property
    def bank(self) -> FakeBank:
        return self.banks["harbor"]

    def signs_in(self, subject: str = "sub-alice", bank: str = "harbor") -> Identity:
        with self.database.write() as session:
            return self.users.sign_in(
                session,
                bank_id=bank,
                subject=subject,
                name="Alice Canary",
                credential=CREDENTIAL.dump(),
                now=self.watch(),
            )

    def proposed(
        self, terms: Terms = ASKED, *, bank: str = "harbor", key: str | None = None, actor: Actor | None = None
    ) -> str:
        answer = Answer(key or f"key-{next(self.keys)}", "/oauth/answer", "https://messenger.example")
        return self.consents.propose(actor or self.alice, ASKER, terms, bank, answer)

    def approved(
        self,
        categories: Sequence[str] = DATA,
        accounts: Sequence[str] = ("acc-1", "acc-2"),
        *,
        terms: Terms = ASKED,
        bank: str = "harbor",
        is_claimed: bool = True,
        actor: Actor | None = None,
    ) -> str:
        grant_id = self.proposed(terms, bank=bank, actor=actor)
        choice = Choice(tuple(categories), tuple(accounts))
        self.consents.approve(actor or self.alice, grant_id, ASKER, choice, OFFERED)
        if is_claimed:
            with self.database.write() as session:
                code = issue_code(session, Code(grant_id, "messenger", "https://m.example/cb", "c", None), self.watch())
                assert consume_code(session, code, self.watch())
        return grant_id

    def grant(self, grant_id: str) -> Grant:
        with self.database.read() as session:
            found = self.reader.find(session, grant_id, self.watch())
        assert found is not None
        return found

    def log(self) -> list[LoggedEntry]:
        with self.database.read() as session:
            return tail(session, after={})

    def events(self, last: int = 0) -> list[str]:
        return [entry.event.value for entry in self.log()][-last:]

    def breaks_log_at(self, event: str) -> None:
        """Make the database refuse entries of this event, as a full disk would."""
        self.store.breaks_log_at(event)

    def mends_log(self) -> None:
        self.store.mends_log()

    def runs(self, *statements: str) -> None:
        self.store.runs(*statements)

    def durable_events(self) -> list[str]:
        """Read the log on a connection of its own: only what is committed is seen."""
        return [row[0] for row in self.store.rows("SELECT event FROM audit_entries ORDER BY log, number")]

    def stored_bytes(self) -> bytes:
        return self.store.stored_bytes()


def registered(platform_id: str = "messenger") -> PlatformRow:
    """Register a platform that may ask for everything; it has no keys and never speaks for itself."""
    return PlatformRow(
        id=platform_id,
        kind="platform",
        name="Messenger",
        jwks={"keys": []},
        redirect_uris=["https://m.example/cb"],
        scopes=[*MAY_ASK],
        purposes=sorted(policies().purposes),
        options=NO_OPTIONS.to_json(),
        created_at=NOON,
    )


LOG_KEYS = LogKeys([Ed25519PrivateKey.from_private_bytes(KEY[::-1])])


@cache
def policies() -> Catalogue:
    return patient(load_catalogue(default_policies_dir()))


def call_of(grant_id: str, *categories: str, is_attended: bool = True) -> Call:
    return Call(
        grant_id=grant_id,
        platform_id="messenger",
        token_categories=frozenset(categories or DATA),
        interaction_id="11111111-1111-4111-8111-111111111111",
        endpoint="GET /v1/thing",
        is_attended=is_attended,
    )


def as_text(records: list[dict[str, object]], _missing: Mapping[str, str]) -> Rendered:
    """Render records so that a test can read them back."""
    return Rendered(repr(records).encode(), len(records))


def account(ref: str, *, name: str = "Current", joint: bool = False, closed: bool = False) -> BankAccount:
    status = OpenStatus.CLOSED if closed else OpenStatus.OPEN
    return BankAccount(ref, name, None, "••1111", status, "TRANS_AND_SAVINGS_ACCOUNTS", "GBP", joint)


def sequencer_on(database: Database, sealer: Sealer, clock: Clock) -> Sequencer:
    """Build the log of `broker.example`, signed with a key that all processes of a test share."""
    return Sequencer(database, Writer(sealer, LOG_KEYS, clock, "broker.example"))


@contextmanager
def open_house(folder: Path, store: Store | None = None) -> Iterator[House]:
    """Open a house on the store; on a file in the folder when there is none."""
    store = store or SqliteStore(folder / "broker.db")
    database, watch, sealer, pairwise = Database(store.url), Watch(), Sealer(KEY), PairwiseIds(KEY[::-1])
    catalogue = policies()
    users, reader = Users(sealer, b"s" * 32), GrantReader(sealer)
    sequencer = sequencer_on(database, sealer, watch)
    banks = {"harbor": FakeBank(), "meridian": FakeBank()}
    fences, renewals = Fences(database), Renewals(database, users)
    release = Release(database, sequencer, fences, renewals, catalogue, reader, users, pairwise, watch, banks)
    house = House(
        database=database,
        store=store,
        folder=folder,
        watch=watch,
        sealer=sealer,
        catalogue=catalogue,
        sequencer=sequencer,
        fences=fences,
        users=users,
        reader=reader,
        grants=Grants(sequencer, fences, watch),
        consents=Consents(sequencer, catalogue, sealer, pairwise, watch),
        amendments=Amendments(sequencer, fences, catalogue, sealer, watch),
        deletions=Deletions(sequencer, watch, timedelta(days=30)),
        release=release,
        banks=banks,
        alice=Actor("", "0" * 8),
        keys=iter(range(10_000)),
    )
    with database.write() as session:
        session.merge(registered())
    house.alice = replace(house.alice, user_id=house.signs_in().user_id)
    yield house
    for one in (house.in_the_end, fences, renewals, database):
        one.close()
