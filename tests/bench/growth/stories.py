"""Plays each kind of grant once with the shipped services, and remembers what they have written.

The loader tells the same stories again under other names and at other times: that its rows are those of the product is
so by construction, and is compared in a test.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from broker.audit.models import EntryRow
from broker.audit.receipts import disclosures_of_person
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks.connector import BankBalance
from broker.grants.acts import Actor
from broker.grants.expiry import record_expiry
from broker.grants.models import GrantAccountRow, GrantCategoryRow, GrantRow
from broker.grants.reads import ReadsRow
from broker.grants.service import Part
from broker.harvest.models import HarvestReadRow
from broker.notices.models import NoticeRow
from broker.release import Wanted
from broker.storage.base import table_of
from broker.tlog.disclosure import DIGESTS
from broker.tokens.models import TokenRow
from broker.tokens.service import issue_refresh
from broker.users.models import IdentityRow, UserRow
from tests.support.core import DATA, NOON, House, account, as_text, call_of, open_house

BANKS = ("harbor", "meridian")
MOST_READS = 8
TABLES: Mapping[Table, str] = {
    table_of(UserRow): "id",
    table_of(IdentityRow): "user_id",
    table_of(GrantRow): "user_id",
    table_of(GrantCategoryRow): "grant_id",
    table_of(GrantAccountRow): "grant_id",
    table_of(ReadsRow): "grant_id",
    table_of(HarvestReadRow): "user_id",
    table_of(NoticeRow): "user_id",
    table_of(TokenRow): "grant_id",
}
"""What a grant leaves in the database for longer than minutes, each by the column that says whose it is."""
_OPEN = {
    "v", "log", "number", "time", "event", "initiator", "decision", "subject", "subjectSeq", "subjectPrev", "access",
    "platform", "grant", "grantVersion", "category", "purpose", "part", "interactionId", "policy", "reasons",
    "records", "accounts", DIGESTS,
}  # fmt: skip


class Kind(StrEnum):
    """What becomes of a request for permission."""

    LIVE = "live"
    PAUSED = "paused"
    REVOKED = "revoked"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNANSWERED = "unanswered"

    @property
    def is_given(self) -> bool:
        """Say whether the person agreed."""
        return self not in {Kind.REFUSED, Kind.UNANSWERED}

    @property
    def lasts(self) -> bool:
        """Say whether the grant is there still when the story has been told."""
        return self in {Kind.LIVE, Kind.PAUSED}


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a story, so long after its beginning."""

    after: timedelta
    entry: Entry


@dataclass(frozen=True, slots=True)
class Story:
    """All that one grant leaves behind: rows by table, entries in their order. `subject` is the bank's word."""

    bank: str
    user_id: str
    grant_id: str
    subject: str
    began_at: datetime
    rows: Mapping[Table, Sequence[Mapping[str, Any]]]
    steps: Sequence[Step]

    @property
    def lasts(self) -> timedelta:
        """Return how long after its beginning the last entry is."""
        return self.steps[-1].after


Stories = Mapping[tuple[str, Kind, int], Story]
"""By bank, kind, and how often data was read."""


def ready(house: House) -> None:
    """Let the banks of a house answer from memory."""
    for bank in house.banks.values():
        bank.own_accounts = [account("ref-1"), account("ref-2", name="Savings")]
        bank.own_balances = [BankBalance("ref-1", Decimal(100), Decimal("-0.5"), None, None, "GBP", NOON)]


def recorded() -> Stories:
    """Play every story at every bank and return what it has written."""
    wanted = [(kind, reads) for kind in Kind for reads in (range(MOST_READS + 1) if kind.is_given else (0,))]
    found = {}
    for bank in BANKS:
        for kind, reads in wanted:
            with _stage() as house:  # a house for each: the times of one log only grow
                found[bank, kind, reads] = told(house, bank, kind, reads)
    return found


def told(house: House, bank: str, kind: Kind, reads: int) -> Story:
    """Play one story with the shipped services, by a person whom nobody knew."""
    house.watch.now = began_at = NOON
    subject = f"sub-{bank}-{kind}-{reads}"
    person = replace(house.alice, user_id=house.signs_in(subject, bank).user_id)
    grant_id = _played(house, person, bank, kind, reads)
    with house.database.read() as session:
        rows = {
            table: [dict(row) for row in session.execute(_of(table, person.user_id, grant_id)).mappings()]
            for table in TABLES
        }
        return Story(bank, person.user_id, grant_id, subject, began_at, rows, _steps(house, session, grant_id, person))


def _played(house: House, person: Actor, bank: str, kind: Kind, reads: int) -> str:
    watch = house.watch
    if not kind.is_given:
        grant_id = house.proposed(bank=bank, actor=person)
        watch.passes(minutes=1 if kind is Kind.REFUSED else 60 * 24)
        if kind is Kind.REFUSED:
            house.consents.refuse(person, grant_id)
        else:
            record_expiry(house.sequencer, watch, grant_id)
        return grant_id
    grant_id = house.approved(bank=bank, actor=person)
    with house.database.write() as session:
        ends_at = house.grant(grant_id).expires_at
        whose = {"grant_id": grant_id, "platform_id": "messenger", "categories": DATA}
        issue_refresh(session, **whose, grant_expires_at=ends_at, now=watch())
    for _ in range(reads):
        watch.passes(hours=23, minutes=17)
        released = house.release.read(call_of(grant_id), Wanted("balances"), as_text)
        released.held.drop()
    watch.passes(hours=5)
    if kind is Kind.EXPIRED:
        watch.passes(days=90)
        record_expiry(house.sequencer, watch, grant_id)
    elif kind is Kind.REVOKED:
        house.grants.revoke(person, grant_id, Part())
    elif kind is Kind.PAUSED:
        house.grants.pause(person, grant_id, Part())
    return grant_id


def _of(table: Table, user_id: str, grant_id: str) -> Any:
    owner = TABLES[table]
    return select(table).where(table.c[owner] == (grant_id if owner == "grant_id" else user_id))


def _steps(house: House, session: Session, grant_id: str, person: Actor) -> list[Step]:
    rows = session.scalars(
        select(EntryRow).where(EntryRow.grant_id == grant_id).order_by(EntryRow.log, EntryRow.number)
    )
    found = []
    for row in sorted(rows, key=lambda one: (one.time_us, one.number)):
        opened = disclosures_of_person(session, house.sealer, person.user_id, row.log, row.number)
        entry = _entry(
            json.loads(row.leaf), row.log.split("/")[-2], person.user_id, {one.name: one.value for one in opened}
        )
        found.append(Step(timedelta(microseconds=row.time_us) - _since_epoch(NOON), entry))
    return found


def _since_epoch(instant: datetime) -> timedelta:
    return instant - datetime.fromtimestamp(0, instant.tzinfo)


def _entry(leaf: Mapping[str, Any], bank: str, user_id: str, details: Mapping[str, Any]) -> Entry:
    """Return the entry as its author has handed it in."""
    return Entry(
        event=Event(leaf["event"]),
        initiator=Initiator(leaf["initiator"]),
        bank_id=bank,
        user_id=user_id,
        platform_id=leaf.get("platform"),
        grant_id=leaf.get("grant"),
        grant_version=leaf.get("grantVersion"),
        category=leaf.get("category"),
        purpose=leaf.get("purpose"),
        interaction_id=leaf.get("interactionId"),
        policy_digest=leaf.get("policy"),
        reasons=tuple(leaf.get("reasons", ())),
        records=leaf.get("records"),
        accounts=leaf.get("accounts"),
        access_id=leaf.get("access"),
        part=leaf.get("part"),
        stated={name: value for name, value in leaf.items() if name not in _OPEN},
        details=details,
    )


@contextmanager
def _stage() -> Iterator[House]:
    with tempfile.TemporaryDirectory() as folder, open_house(Path(folder)) as house:
        ready(house)
        yield house
