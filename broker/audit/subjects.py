"""Pseudonyms of people in the logs, the keys under which their details are sealed, and the chain of their entries."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ARRAY, JSON, String, any_, bindparam, func, insert, select, update

from broker.audit.leaf import Link
from broker.audit.models import SubjectRow
from broker.crypto.digests import base64url
from broker.crypto.sealing import Sealer
from broker.storage.base import table_of
from broker.storage.prepared import Prepared, Transaction
from broker.users.moves import present_user

_PSEUDONYM_BYTES = 16
_KEY_BYTES = 32
_SUBJECTS = table_of(SubjectRow)
_AT_BANK = select(*(column for column in _SUBJECTS.c if column.name != "created_at")).where(
    _SUBJECTS.c.bank_id == bindparam("of_bank")
)
# As many people as stand in a batch, by one statement whose words do not depend on how many they are.
_NAMED = select(func.json_each(bindparam("of_users", type_=JSON)).table_valued("value").c.value)
_FOUND = Prepared(
    {
        "sqlite": _AT_BANK.where(_SUBJECTS.c.user_id.in_(_NAMED)),
        "postgresql": _AT_BANK.where(_SUBJECTS.c.user_id == any_(bindparam("of_users", type_=ARRAY(String)))),
    }
)
_LENGTHENED = Prepared(
    update(_SUBJECTS)
    .where(_SUBJECTS.c.pseudonym == bindparam("of_pseudonym"))
    .values(chain_log=bindparam("in_log"), chain_size=bindparam("new_size"), chain_hash=bindparam("new_hash"))
)


@dataclass(slots=True)
class Subject:
    """One person at one bank towards one platform, as the log knows them. `sealer` opens and seals their details."""

    pseudonym: str
    sealer: Sealer
    chain_size: int
    chain_hash: bytes

    def next_link(self) -> Link:
        """Return the place of this person's next entry."""
        return Link(self.pseudonym, self.chain_size, self.chain_hash if self.chain_size else None)


class Person(NamedTuple):
    """Whom an entry is about, towards which platform (empty: towards none)."""

    user_id: str
    platform_id: str


@dataclass(slots=True)
class Subjects:
    """The people of one batch of entries of one log. Use it under the log's lock."""

    session: Transaction
    master: Sealer
    log: str
    _known: dict[Person, Subject] = field(default_factory=dict)

    def load(self, people: Collection[Person], bank_id: str, now: datetime) -> None:
        """Look these people of a bank up, all at once; makes pseudonym, key and chain of those who are new."""
        if not people:
            return
        users = list({person.user_id for person in people})
        for row in _FOUND.all(self.session, of_bank=bank_id, of_users=users):
            person = Person(row.user_id, row.platform_id)
            if person not in people:
                continue
            # In another log than the last time, such as the next year's, a chain begins anew.
            size = row.chain_size if row.chain_log == self.log else 0
            sealer = opened(self.master, row.pseudonym, row.sealed_key)
            self._known[person] = Subject(row.pseudonym, sealer, size, row.chain_hash)
        for person in people:
            if person not in self._known:
                self._known[person] = self._moved(person, bank_id, now) or self._made(person, bank_id, now)

    def _moved(self, person: Person, bank_id: str, now: datetime) -> Subject | None:
        """Return whoever the bank's customer goes as now: what began before a link must not end under a new name."""
        present = Person(present_user(self.session, person.user_id, bank_id), person.platform_id)
        if present == person:
            return None
        self.load([present], bank_id, now)
        return self._known[present]

    def of(self, person: Person) -> Subject:
        """Return a person that was loaded."""
        return self._known[person]

    def store(self) -> None:
        """Remember how far the chains have got."""
        grown = [
            {
                "of_pseudonym": one.pseudonym,
                "in_log": self.log,
                "new_size": one.chain_size,
                "new_hash": one.chain_hash,
            }
            for one in self._known.values()
        ]
        _LENGTHENED.change_each(self.session, grown)

    def _made(self, person: Person, bank_id: str, now: datetime) -> Subject:
        pseudonym = base64url(secrets.token_bytes(_PSEUDONYM_BYTES))
        key = secrets.token_bytes(_KEY_BYTES)
        new = {
            "pseudonym": pseudonym,
            "user_id": person.user_id,
            "bank_id": bank_id,
            "platform_id": person.platform_id,
            "sealed_key": self.master.seal(key, f"audit_subjects/{pseudonym}"),
            "chain_log": self.log,
            "chain_size": 0,
            "chain_hash": b"",
            "created_at": now,
        }
        self.session.connection().execute(insert(_SUBJECTS), new)
        return Subject(pseudonym, Sealer(key), 0, b"")


def opened(master: Sealer, pseudonym: str, sealed_key: bytes) -> Sealer:
    """Open the key of a stored subject."""
    return Sealer(master.open(sealed_key, f"audit_subjects/{pseudonym}"))
