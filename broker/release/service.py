"""Releases one category to a platform: asks the policy, writes the log before the bank and again before the bytes.

Trusted: invariants 1, 2, 3 and 5 are kept here. The order of the steps in `read` is the security property.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from broker.audit.sequencer import Sequencer
from broker.audit.vocabulary import Appended, Entry, Event
from broker.banks.connector import BankAccess, Connector, Credential, Window
from broker.banks.facts import SameFacts, in_force
from broker.clock import Clock
from broker.crypto.pairwise import PairwiseIds
from broker.errors import (
    BankInvalidAnswer,
    BankSignInNeeded,
    BankUnavailable,
    BrokerError,
    StorageUnavailable,
)
from broker.grants.expiry import record_expiry
from broker.grants.fence import Fences, Held
from broker.grants.reader import GrantReader
from broker.grants.uses import Use
from broker.grants.views import Grant
from broker.harvest.counting import CountedRead, CountedRecords
from broker.policy import Catalogue, Decision
from broker.policy.minimise import Record
from broker.release.asking import Access, Call, Released, Render, Rendered, Wanted, new_access_id
from broker.release.counting import count, settled, stopping
from broker.release.cut import fetched, minimised, missing, window_of
from broker.release.entries import access_entry, refusal_entry
from broker.release.judgement import judge, judge_again, lost, raise_refusal
from broker.release.questions import questions_of
from broker.release.reads import claim_of, with_reads
from broker.release.receipts import for_the_bank, for_the_platform
from broker.release.renewals import Renewals
from broker.release.standing import Standing, standing
from broker.release.unusual import unusual
from broker.storage.engine import Database
from broker.storage.prepared import Transaction
from broker.storage.single_use import Condition
from broker.switches.condition import StaysOn
from broker.users.service import Identity, Users

BODY_MAX_BYTES = 1 << 20
"""More is never handed over at once: a hand-over must end within a second, because a revocation waits for it."""

_EXPIRED = "grant-expired"


@dataclass(frozen=True, slots=True)
class Release:
    """Releases data under live grants. `connectors` maps a bank's id to its connector."""

    database: Database
    sequencer: Sequencer
    fences: Fences
    renewals: Renewals
    catalogue: Catalogue
    reader: GrantReader
    users: Users
    pairwise: PairwiseIds
    clock: Clock
    connectors: Mapping[str, Connector] = field(repr=False)

    def read(self, call: Call, wanted: Wanted, render: Render) -> Released:
        """Fetch, minimise and log one category for one call; the caller hands over and drops `Released.held`.

        Raises:
            TokenRefused: the grant has ended.
            ReleaseRefused: paused, not granted, or a filter on a field that is not granted.
            FrequencyExceeded: it was read, or asked about, as often today as it may be.
            ProofRefused: the DPoP proof was used before.
            BankUnavailable: or one of its kinds.
            LogUnavailable: an entry could not be written; nothing leaves.
        """
        with self.database.read_plain() as session:
            found = self._standing(session, call, wanted)
            grant = found.grant
            identity = self.users.at_bank(session, grant.user_id, grant.bank_id)
            now = self.clock()
            window = window_of(grant, found.bank, wanted, now)
            counts = count(session, self.catalogue.harvest, grant, wanted, oldest_at=window.oldest_at, now=now)
        counts = settled(
            self.sequencer, counts, lambda harvest: judge(replace(found, harvest=harvest), call, wanted, now).is_allowed
        )
        access = Access(
            id=new_access_id(),
            customer=identity.subject if identity else None,
            window=window,
            facts=SameFacts(grant.bank_id, found.rules.version),
            counts=counts,
        )
        found = replace(found, harvest=access.counts.facts())
        with stopping(self.sequencer, counts):
            return self._read(found, identity, call, wanted, render=render, access=access)

    def _read(
        self,
        found: Standing,
        identity: Identity | None,
        call: Call,
        wanted: Wanted,
        *,
        render: Render,
        access: Access,
    ) -> Released:
        grant, now = found.grant, access.counts.reading.at
        decision = judge(found, call, wanted, now)
        event = Event.ACCESS_REQUESTED if decision.is_allowed else Event.ACCESS_REFUSED
        # Durable before the bank is called (invariant 2); the same transaction decides who was first with the proof and
        # counts the read.
        announced = access_entry(event, grant, call, wanted, decision, access=access)
        counted = self._counted(found, wanted, access, now) if decision.is_allowed else ()
        counted = (*counted, *unusual(decision, grant, wanted.category, now))
        appended = self.sequencer.append(announced, [*call.claims, *counted])
        if appended.lost:
            raise lost(appended.lost, now)
        self._refuse(decision, grant, now)
        try:
            allowed = self.access(identity, call.interaction_id, wanted.category, appended)
            records = self.fetched(grant, wanted, allowed, access.window)
            access = replace(access, closed=frozenset(allowed.closed))
            gone = missing(grant, wanted, access.closed)
            rendered = render(minimised(self.catalogue, grant, wanted, records, access.window), gone)
            if len(rendered.body) > BODY_MAX_BYTES:
                raise BankInvalidAnswer("The answer would be too large to be handed over.")
            held = self.fences.shared(grant.id)
        except BrokerError as error:
            self._record_end(announced, error)
            raise
        with ExitStack() as stack:
            stack.enter_context(held)
            try:
                with self.database.read_plain() as session:
                    present = self._standing(session, call, wanted, is_counted=True)
            except BrokerError as error:
                self._record_end(announced, error, fenced=True)
                raise
            released = self._release(present, call, wanted, rendered, access=access, before=grant, held=held)
            stack.pop_all()  # from here on the fence is the caller's
        return released

    def _counted(self, found: Standing, wanted: Wanted, access: Access, now: datetime) -> tuple[Condition, ...]:
        """Return what an announcement hangs on beside the proof; made for what the policies know and allow alone."""
        grant = found.grant
        return (
            claim_of(found, wanted, now),
            *questions_of(found, wanted, now),
            CountedRead(access.counts),
            StaysOn(grant.bank_id, grant.platform_id, wanted.category),
        )

    def record_refusal(self, call: Call, code: str) -> None:
        """Log a call that was refused before its grant was judged: a token that is stolen or has ended.

        Raises:
            LogUnavailable: the entry could not be written.
        """
        with self.database.read_plain() as session:
            grant = self.reader.find(session, call.grant_id, self.clock())
            rules = in_force(session, self.catalogue, grant.bank_id) if grant else None
        if grant is not None and rules is not None:
            self.sequencer.append(refusal_entry(grant, call, new_access_id(), code, rules.catalogue.digest))
        if grant is not None and code == _EXPIRED:
            record_expiry(self.sequencer, self.clock, grant.id)

    def _refuse(self, decision: Decision, grant: Grant, now: datetime, *, fenced: bool = False) -> None:
        """Raise what the caller is told of a refusal; an end that was told must outlast a clock that steps back."""
        if _EXPIRED in decision.codes:
            record_expiry(self.sequencer, self.clock, grant.id, fenced=fenced)
        raise_refusal(decision, now)

    def _record_end(self, announced: Entry, error: BrokerError, *, fenced: bool = False) -> None:
        """Give what was announced an outcome: the bank or the storage failed, or what is asked for is gone."""
        is_failure = isinstance(error, (BankUnavailable, StorageUnavailable))
        event = Event.ACCESS_FAILED if is_failure else Event.ACCESS_REFUSED
        self.sequencer.append(replace(announced, event=event, reasons=(error.code,)), fenced=fenced)

    def _release(
        self,
        found: Standing,
        call: Call,
        wanted: Wanted,
        rendered: Rendered,
        *,
        access: Access,
        before: Grant,
        held: Held,
    ) -> Released:
        """Re-check what was read behind the fence, and write `access.released`: no revocation comes between."""
        now, grant = self.clock(), found.grant
        # The read has been counted: it is judged by what was counted before it. A hold that was placed meanwhile is for
        # the log's transaction to find.
        found = replace(found, harvest=access.counts.facts())
        decision = judge_again(found, call, wanted, now, before=before)
        event = Event.ACCESS_RELEASED if decision.is_allowed else Event.ACCESS_REFUSED
        left = rendered if decision.is_allowed else None
        fields = wanted.fields_of(grant, self.catalogue)
        entry = access_entry(event, grant, call, wanted, decision, access=access, fields=fields, rendered=left)
        use = Use(grant.id, wanted.category, grant.updated_at, now)
        stays_on = StaysOn(grant.bank_id, grant.platform_id, wanted.category)
        held_still = (use, access.facts, CountedRecords(access.counts, rendered.records), stays_on)
        appended = self.sequencer.append(entry, held_still if decision.is_allowed else (), fenced=True)
        # Only here is the entry durable; not a byte may leave before this line (invariant 1).
        self._refuse(decision, before, now, fenced=True)
        if appended.lost:
            raise lost(appended.lost, now)
        receipt, disclosures = for_the_platform(appended)
        return Released(rendered.body, appended.log, appended.number, receipt, disclosures, held)

    def _standing(self, session: Transaction, call: Call, wanted: Wanted, *, is_counted: bool = False) -> Standing:
        now = self.clock()
        own = int(is_counted or (wanted.page is not None and wanted.page.goes_on(now)))
        found = standing(session, self.reader, self.catalogue, call=call, category=wanted.category, now=now)
        return with_reads(self.catalogue, found, call=call, wanted=wanted, own=own)

    def fetched(self, grant: Grant, wanted: Wanted, access: BankAccess, window: Window) -> list[Record]:
        """Fetch what is wanted from the grant's bank.

        Raises:
            BankUnavailable: or one of its kinds.
        """
        connector = self.connector(grant.bank_id)
        return fetched(connector, self.pairwise, grant, wanted, access=access, window=window)

    def connector(self, bank_id: str) -> Connector:
        """Return the connector of a bank.

        Raises:
            BankUnavailable: the bank was removed or its standard is not spoken here.
        """
        connector = self.connectors.get(bank_id)
        if connector is None:
            raise BankUnavailable("The broker has no connection to this bank.")
        return connector

    def access(self, identity: Identity | None, interaction_id: str, category: str, announced: Appended) -> BankAccess:
        """Return what one request to the bank may use; `announced` is the entry that stands in the log for it.

        Raises:
            BankSignInNeeded: the broker holds no credential for this person.
            BankUnavailable: the entry is about more accounts than one request can name.
        """
        if identity is None or identity.credential is None:
            raise BankSignInNeeded
        return BankAccess(
            subject=identity.subject,
            credential=Credential.load(identity.credential),
            interaction_id=interaction_id,
            category=category,
            renew=partial(self.renewals.renew, identity),
            announced=for_the_bank(announced),
        )
