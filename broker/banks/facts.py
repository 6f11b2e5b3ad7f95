"""What a bank says of itself, version by version; the newest counts, within the bounds of the bank's file."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, func, select
from sqlalchemy.orm import Session

from broker.banks.models import BankFactsRow
from broker.crypto.sealing import Sealer
from broker.errors import InvalidRequest
from broker.policy import Catalogue
from broker.policy.catalogue import BankFacts
from broker.policy.facts import from_text, to_text, within
from broker.policy.facts import in_force as with_facts
from broker.policy.reasons import readable
from broker.storage.base import table_of
from broker.storage.prepared import Prepared, Transaction
from broker.storage.single_use import Loss

LONGEST_REASON = 500
# Built once, and run without the ORM: each call of a platform asks twice.
_FACTS = table_of(BankFactsRow)
_OF_BANK = select(_FACTS).where(_FACTS.c.bank_id == bindparam("of_bank")).order_by(_FACTS.c.version.desc())
_LATER = _FACTS.alias()
NEWEST = select(_FACTS).where(
    _FACTS.c.bank_id == bindparam("of_bank"),
    _FACTS.c.version
    == select(func.max(_LATER.c.version)).where(_LATER.c.bank_id == bindparam("of_bank")).scalar_subquery(),
)
"""The newest version of a bank's facts (`of_bank`), for a statement that asks for more."""
_NEWEST = Prepared(NEWEST)
_NEWEST_OF_ALL = select(_FACTS).where(
    ~exists().where(_LATER.c.bank_id == _FACTS.c.bank_id, _LATER.c.version > _FACTS.c.version)
)
_VERSION = Prepared(
    select(func.coalesce(func.max(_FACTS.c.version), 0)).where(_FACTS.c.bank_id == bindparam("of_bank"))
)


@dataclass(frozen=True, slots=True)
class InForce:
    """The policies as they count for one bank: its facts are those of `version`, 0 when they are its file's.

    `bank` is None for a bank that the files do not know.
    """

    catalogue: Catalogue
    version: int
    bank: BankFacts | None


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a bank's facts as it was stored; None for facts that cannot be read."""

    version: int
    facts: BankFacts | None
    author: str
    at: datetime
    reason: str


def in_force(session: Transaction, catalogue: Catalogue, bank_id: str) -> InForce:
    """Return the policies with the bank's facts of this moment; nothing is cached (invariant 4).

    A bank that the files do not know has no facts. Facts that cannot be read offer nothing.
    """
    return in_force_by(catalogue, bank_id, _NEWEST.first(session, of_bank=bank_id))


def in_force_by(catalogue: Catalogue, bank_id: str, row: Row[Any] | None) -> InForce:
    """Return what `in_force` does, by the bank's row of `NEWEST`, None when it has none."""
    bounds = catalogue.banks.get(bank_id)
    if bounds is None or row is None:
        return InForce(catalogue, 0, bounds)
    facts = _counting(bounds, row)
    return InForce(with_facts(catalogue, facts), row.version, facts)


def in_force_everywhere(session: Session, catalogue: Catalogue) -> dict[str, BankFacts]:
    """Return the facts of this moment of all banks that the files know, by one query."""
    session.flush()
    rows = {row.bank_id: row for row in session.connection().execute(_NEWEST_OF_ALL)}
    return {bank: _counting(bounds, rows[bank]) if bank in rows else bounds for bank, bounds in catalogue.banks.items()}


@dataclass(frozen=True, slots=True)
class Period:
    """The time in which one version of a bank's facts counted; `began_at` is None for the file's own, version 0.

    `facts` are those that count under certain files, `digest` that of the policies with them.
    """

    began_at: datetime | None
    version: int
    facts: BankFacts | None
    digest: str


def periods(session: Session, catalogue: Catalogue, bank_id: str) -> list[Period]:
    """Return what would have counted for a bank in each period if the files had always been these; oldest first."""
    bounds = catalogue.banks.get(bank_id)
    first = Period(None, 0, bounds, catalogue.digest)
    if bounds is None:
        return [first]
    found = [first]
    for row in reversed(session.connection().execute(_OF_BANK, {"of_bank": bank_id}).all()):
        facts = _counting(bounds, row)
        found.append(Period(row.at, row.version, facts, with_facts(catalogue, facts).digest))
    return found


def history(session: Session, sealer: Sealer, bounds: BankFacts) -> list[Version]:
    """Return the versions of a bank's facts as they were stored, newest first, for those who may know by whom."""
    rows = session.connection().execute(_OF_BANK, {"of_bank": bounds.bank})
    return [_version(sealer, bounds, row) for row in rows]


def newest(session: Session, bounds: BankFacts) -> tuple[int, BankFacts | None] | None:
    """Return number and facts of the newest version as it was stored (None: unreadable); None when there is none."""
    row = _NEWEST.first(session, of_bank=bounds.bank)
    return None if row is None else (row.version, _read(bounds, row.facts))


def keep(
    session: Session,
    sealer: Sealer,
    bounds: BankFacts,
    facts: BankFacts,
    *,
    after: int,
    author: str,
    reason: str,
    now: datetime,
) -> int:
    """Store the next version of a bank's facts and return its number. Call it under the lock of the bank's log.

    `after` is the version that the change was made from. The row outlives every erasure, so `author` is sealed in it.

    Raises:
        InvalidRequest: the facts are wider than the bank's file, there is no reason, or another change was quicker.
    """
    if within(facts, bounds) != facts:
        raise InvalidRequest("This is more than the policies of the operator allow the bank.", code="facts-too-wide")
    words = readable(reason, LONGEST_REASON)
    if newest_version(session, facts.bank) != after:
        raise InvalidRequest("The facts have changed meanwhile. Look at them again.", code="facts-changed")
    row = BankFactsRow(
        bank_id=facts.bank,
        version=after + 1,
        facts=to_text(facts),
        sealed_by=sealer.seal(author.encode(), _context(facts.bank, after + 1)),
        at=now,
        reason=words,
    )
    session.add(row)
    session.flush()
    return row.version


def newest_version(session: Transaction, bank_id: str) -> int:
    """Return the number of the newest version, 0 when the bank has changed nothing."""
    return int(_VERSION.first(session, of_bank=bank_id)[0])


@dataclass(frozen=True, slots=True)
class SameFacts:
    """The condition that a bank's facts are still those that something was judged by.

    Decided in the transaction that writes the entry, under the lock under which the facts are changed: no release
    stands in the log after a change that it was not judged by.
    """

    bank_id: str
    version: int

    @property
    def key(self) -> str:
        """Return the bank."""
        return f"facts {self.bank_id}"

    @property
    def loss(self) -> Loss:
        """Return what is told of facts that changed on the way."""
        return Loss("policy-changed", "release.facts", "The bank changed what it allows while the data was on the way.")

    def take(self, session: Transaction) -> bool:
        """Say whether it holds. Under the lock the answer stays: it is asked once in a transaction."""
        known = session.info.setdefault(SameFacts, {})
        if self.bank_id not in known:
            known[self.bank_id] = newest_version(session, self.bank_id)
        return bool(known[self.bank_id] == self.version)


def _version(sealer: Sealer, bounds: BankFacts, row: Row[Any]) -> Version:
    author = sealer.open(row.sealed_by, _context(row.bank_id, row.version)).decode()
    return Version(row.version, _read(bounds, row.facts), author, row.at, row.reason)


def _context(bank_id: str, version: int) -> str:
    """Return what the author's name is sealed to: its row."""
    return f"bank_facts/{bank_id}/{version}"


def _counting(bounds: BankFacts, row: Row[Any]) -> BankFacts:
    """Return what counts of a stored version: what the file allows of it, nothing when it cannot be read."""
    stored = _read(bounds, row.facts) or replace(bounds, categories=frozenset(), purposes=frozenset())
    return within(stored, bounds)


def _read(bounds: BankFacts, text: str) -> BankFacts | None:
    try:
        return from_text(bounds, text)
    except ValueError:
        return None
