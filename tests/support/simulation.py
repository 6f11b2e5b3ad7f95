"""One person, two banks, a platform and a clock in one process: acts, faults and crashes in any order.

Every act is held against a model of a few lines (`consent_model`); `simulated_reads` and `log_replay` do the rest.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event as sqlalchemy_event

from broker.errors import ConsentRefused, LogUnavailable, NotFound, StorageUnavailable
from broker.grants.amendments import Amendments
from broker.grants.consents import Answer, Consents
from broker.grants.expiry import record_expiry
from broker.grants.fence import Fences
from broker.grants.proposals import AmendAction
from broker.grants.service import Grants, Part
from broker.policy.amending import merged
from broker.policy.terms import CategoryTerm, Choice, narrowed
from broker.policy.vocabulary import Detail
from broker.storage.engine import Database
from broker.tokens.codes import Code, consume_code, issue_code
from tests.support.consent_model import UNCLAIMED, Consent
from tests.support.core import ASKED, ASKER, OFFERED, House, open_house, sequencer_on
from tests.support.stores import SqliteStore

LESS_ASKED = replace(
    ASKED, categories=(CategoryTerm("balances"), CategoryTerm("transactions", Detail.BASIC)), lookback_days=30
)
TROUBLE = (LogUnavailable, StorageUnavailable)
_FAULTS = {
    "full": ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1073741823"),
    "read-only": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
}


class Crash(BaseException):
    """The process is gone: nothing of ours may catch it."""


def reborn(house: House) -> House:
    """Drop every object and build new ones over the same file, as a new process would."""
    house.database.close()
    database = Database(house.store.url)
    sequencer, fences = sequencer_on(database, house.sealer, house.watch), Fences(database)
    release = replace(house.release, database=database, sequencer=sequencer, fences=fences)
    consents = Consents(sequencer, house.catalogue, house.sealer, house.release.pairwise, house.watch)
    amendments = Amendments(sequencer, fences, house.catalogue, house.sealer, house.watch)
    grants = Grants(sequencer, fences, house.watch)
    return replace(
        house,
        database=database,
        sequencer=sequencer,
        fences=fences,
        release=release,
        consents=consents,
        amendments=amendments,
        grants=grants,
    )


def _is_rightly(code: str, after: Mapping[str, Consent]) -> str:
    assert not after, f"refused without a reason: {code}"
    return code


class Simulation:
    """The house, the model and what must hold between them after every step."""

    def __init__(self, folder: Path) -> None:
        self.stack = ExitStack()
        self.file = folder / "broker.db"
        self.house = self.stack.enter_context(open_house(folder, SqliteStore(self.file)))
        at_second = self.house.signs_in("sub-alice", "meridian")
        is_the_same = f"UPDATE user_identities SET user_id = '{self.house.alice.user_id}'"  # noqa: S608 - ids of ours
        self.house.runs(f"{is_the_same} WHERE user_id = '{at_second.user_id}'")
        self.consents: dict[str, Consent] = {}
        self.mend: Callable[[], None] | None = None
        self.crash_in: int | None = None
        self.eye = sqlite3.connect(self.file, isolation_level=None)
        self.touched: set[str] = set()
        self.turn = 0
        self._watches()

    def _watches(self) -> None:
        """Count the statements that go to the database: a crash comes before one of them."""
        sqlalchemy_event.listen(self.house.database.engine, "before_cursor_execute", self._count_down)

    def _count_down(self, *_: Any) -> None:
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                self.crash_in = None
                raise Crash

    def close(self) -> None:
        self.mends()
        self.eye.close()
        self.house.database.close()
        self.stack.close()

    # -- faults

    def fails(self, kind: str) -> None:
        """Let the database be full, read-only or locked by somebody else, until it is mended."""
        self.mends()
        if kind == "locked":
            other = sqlite3.connect(self.file, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            self._pragma("PRAGMA busy_timeout = 1")
            self.mend = lambda: (other.close(), self._pragma("PRAGMA busy_timeout = 10000"), None)[-1]
            return
        broken, whole = _FAULTS[kind]
        self._pragma(broken)
        self.mend = lambda: self._pragma(whole)

    def mends(self) -> None:
        if self.mend is not None:
            self.mend()
            self.mend = None

    def crashes(self) -> None:
        self.mends()
        self.crash_in = None
        self.house = reborn(self.house)
        self._watches()

    def falls(self) -> None:
        """Die here."""
        raise Crash

    def _pragma(self, statement: str) -> None:
        """Say it to the pooled connection, the only one that a single thread uses."""
        connection = self.house.database.engine.raw_connection()
        with contextlib.closing(connection):
            connection.cursor().execute(statement).close()

    # -- acts

    def changes(self, act: Callable[[], object], after: Mapping[str, Consent]) -> str:
        """Do something that makes `after` of some consents (of none: it must be refused) and hold it against them."""
        try:
            act()
        except Crash:
            self.crashes()
            self._took_one_side(after)
            return "crashed"
        except TROUBLE as trouble:
            assert self.mend is not None, "refused for trouble that nobody made"
            self.touched |= set(after)
            return trouble.code
        except (ConsentRefused, NotFound) as refusal:
            return _is_rightly(refusal.code, after)
        self.consents.update(after)
        self.touched |= set(after)
        return "done"

    def _took_one_side(self, after: Mapping[str, Consent]) -> None:
        """After a crash either all of a change stands or nothing of it."""
        stands = [self.observed(key) == self.state(consent) for key, consent in after.items() if key in self.consents]
        assert len(set(stands)) <= 1, "half of a change"
        if stands and stands[0]:
            self.consents.update(after)

    def state(self, consent: Consent) -> tuple[Any, ...]:
        states = (tuple(sorted(one.items())) for one in (consent.categories, consent.accounts))
        return (consent.status_at(self.house.watch()), consent.expires_at, *states)

    def observed(self, key: str) -> tuple[Any, ...]:
        grant = self.house.grant(key)
        categories = sorted((one.term.name, one.state.value) for one in grant.categories)
        return (
            grant.status.value,
            grant.expires_at,
            tuple(categories),
            tuple(sorted((a.account_id, a.state.value) for a in grant.accounts)),
        )

    def proposes(self, bank: str) -> str:
        new, made = Consent(bank, ASKED, self.house.watch() + timedelta(minutes=10)), list[str]()
        outcome = self.changes(lambda: made.append(self.house.proposed(bank=bank)), {})
        self.consents |= dict.fromkeys(made, new)
        return outcome

    def approves(self, key: str, choice: Choice) -> str:
        consent, house, now = self.consents[key], self.house, self.house.watch()
        terms = narrowed(ASKED, choice, consent.bank)
        is_open = consent.status_at(now) == "AWAITING_AUTHORISATION"
        is_good = bool(choice.categories and choice.accounts) and set(choice.categories) <= set(ASKED.category_names)
        may = is_open and is_good and terms.is_within(ASKED)
        after = {key: consent.approved(terms, choice.accounts, now)} if may else {}
        return self.changes(lambda: house.consents.approve(house.alice, key, ASKER, choice, OFFERED), after)

    def amends(self, key: str, action: AmendAction, choice: Choice) -> str:
        """Let the platform ask for more, or for something else, and the person agree to a choice, at once."""
        consent, house, now = self.consents[key], self.house, self.house.watch()
        asked = replace(LESS_ASKED, bank=consent.bank)
        most = merged(consent.standing(), asked) if action is AmendAction.MERGE else asked
        terms = narrowed(most, choice, consent.bank)
        is_open = consent.status_at(now) in {"ACTIVE", "PAUSED"}
        is_good = bool(choice.categories and choice.accounts) and set(choice.categories) <= set(most.category_names)
        may = is_open and is_good and terms.is_within(most)
        after = {key: consent.amended(terms, choice.accounts, now)} if may else {}

        def amend() -> None:
            answer = Answer(f"change-{next(house.keys)}", "/oauth/answer", "https://messenger.example")
            proposal = house.amendments.propose(house.alice, ASKER, key, action, asked, answer=answer)
            seen_at = house.grant(key).updated_at
            house.amendments.approve(house.alice, proposal, ASKER, choice, OFFERED, seen_at=seen_at)

        return self.changes(amend, after)

    def refuses(self, key: str) -> str:
        consent = self.consents[key]
        is_open = consent.status_at(self.house.watch()) == "AWAITING_AUTHORISATION"
        after = {key: replace(consent, status="REJECTED")} if is_open else {}
        return self.changes(lambda: self.house.consents.refuse(self.house.alice, key), after)

    def redeems(self, key: str) -> str:
        """Redeem a code; a grant that has ended unclaimed stays ended."""
        consent, now = self.consents[key], self.house.watch()
        if consent.authorised_at is None:
            return "nothing to redeem"
        is_in_time = consent.authorised_at + UNCLAIMED > now
        after = {key: replace(consent, is_claimed=True)} if is_in_time else {key: consent}

        def redeem() -> None:
            with self.house.database.write() as session:
                code = issue_code(session, Code(key, ASKER.platform_id, "https://m.example/cb", "c", None), now)
                assert consume_code(session, code, now)

        outcome = self.changes(redeem, after)
        if outcome == "crashed":
            # Claimed or not, a grant looks the same until its ten minutes are over.
            claimed_at = self.eye.execute("SELECT claimed_at FROM grants WHERE id = ?", (key,)).fetchone()[0]
            self.consents[key] = replace(consent, is_claimed=claimed_at is not None)
        return outcome

    def acts(self, act: str, key: str, part: str) -> str:
        after = self.consents[key].acted(act, part, self.house.watch())
        is_category = part in ASKED.category_names
        about = Part(part if is_category else None, None if is_category or not part else part)
        grants, alice = self.house.grants, self.house.alice
        return self.changes(lambda: getattr(grants, act)(alice, key, about), {key: after} if after else {})

    def acts_on_all(self, act: str) -> str:
        now = self.house.watch()
        found = {key: consent.acted(act, "", now) for key, consent in self.consents.items()}
        after = {key: consent for key, consent in found.items() if consent is not None}
        return self.changes(lambda: getattr(self.house.grants, f"{act}_all")(self.house.alice), after)

    def records_expiry(self, key: str) -> str:
        consent = self.consents[key]
        ended = consent.status_at(self.house.watch()) == "EXPIRED"
        after = replace(consent, status="EXPIRED") if ended else consent
        house = self.house
        outcome = self.changes(lambda: record_expiry(house.sequencer, house.watch, key), {key: after})
        if outcome == "crashed":
            # A grant that has ended by time looks the same, whether that is recorded or not.
            self.consents[key] = after if self.recorded(key) == "EXPIRED" else consent
        return outcome

    def has_told_expiry(self, key: str) -> None:
        """A platform was refused: if the grant had ended by time it stays ended, wherever the clock steps."""
        consent = self.consents[key]
        self.consents[key] = replace(consent, status=consent.status_at(self.house.watch()))

    def may_have_recorded_expiry(self, key: str) -> None:
        """A crash in a read: the end is recorded or not; either will do, and the log must say the same."""
        if self.recorded(key) == "EXPIRED":
            self.has_told_expiry(key)

    def recorded(self, key: str) -> str:
        """The status in the database, whatever the time."""
        return str(self.eye.execute("SELECT status FROM grants WHERE id = ?", (key,)).fetchone()[0])

    def holds(self) -> None:
        """Hold what was touched, and one consent more in turn, against the product's view of it."""
        if self.consents:
            self.turn = (self.turn + 1) % len(self.consents)
            self.touched.add(list(self.consents)[self.turn])
        for key in sorted(self.touched):
            seen, expected = self.observed(key), self.state(self.consents[key])
            assert seen == expected, (list(self.consents).index(key), seen, expected)
        self.touched.clear()
