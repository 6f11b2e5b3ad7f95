"""Who the bank's customers are: the configured ones, and those in a file that may change while the bank runs."""

import hashlib
import json
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any

from broker.sandbox.bank.books import catch_up, write_own
from broker.sandbox.bank.config import BankConfig, ConfigError, SignIn
from broker.sandbox.bank.database import Sessions
from broker.sandbox.bank.ledger import accounts_of
from broker.sandbox.bank.logins import enrol
from broker.sandbox.people.own_fields import At, PeopleRefused
from broker.sandbox.people.own_people import OwnPerson, read_person, written_instant
from broker.sandbox.people.persona import Persona
from broker.sandbox.people.roster import personas_of

_ABSENT = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Own:
    """One person of the file with their password; `source` is the digest of what they were read from."""

    person: OwnPerson
    password: str
    source: str


@dataclass(slots=True)
class Customers:
    """The customers of one bank. Threads may share it."""

    config: BankConfig
    sessions: Sessions
    _personas: dict[str, Persona] = field(default_factory=dict)
    _own: dict[str, _Own] = field(default_factory=dict)
    _seen: tuple[int, int, int] = _ABSENT
    _written: dict[str, tuple[str, str]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def open(self) -> None:
        """Enrol everybody for the first time.

        Raises: ConfigError for a customer whom nobody invented, or a file of own people that cannot be used.
        """
        people = {persona.username: persona for persona in personas_of(self.config.bank_id)}
        for customer in self.config.customers:
            if customer.username not in people:
                raise ConfigError(f"customer '{customer.username}' is not among the people of {self.config.bank_id}")
            self._personas[people[customer.username].subject] = people[customer.username]
        self._seen = self._state()
        self._enrol(self._read())

    def refresh(self) -> None:
        """Read the file of own people again if it has changed; while it cannot be used, those from before stay."""
        if self._state() == self._seen:
            return
        with self._lock:
            state = self._state()
            if state == self._seen:
                return
            try:
                self._enrol(self._read())
            except ConfigError as error:
                print(f"bank: {error}", file=sys.stderr)  # noqa: T201 - the log of this process
            self._seen = state

    def keep_books(self, subject: str, today: date) -> None:
        """Have a customer's accounts, and no others, written up to today."""
        own, persona = self._own.get(subject), self._personas.get(subject)
        wanted = (own.source if own else "", today.isoformat())
        if self._written.get(subject) == wanted or (own is None and persona is None):
            return
        with self._lock, self.sessions.begin() as session:
            if own is not None:
                write_own(session, own.person, own.source, today)
            elif persona is not None:
                catch_up(session, persona, today)
        self._written[subject] = wanted

    def another_than(self, subject: str, today: date) -> str:
        """Return the next customer who has an account, for the fault "wrong_customer"; else the same one."""
        everyone = sorted({*self._personas, *self._own})
        for candidate in [s for s in everyone if s > subject] + [s for s in everyone if s < subject]:
            self.keep_books(candidate, today)
            with self.sessions() as session:
                if accounts_of(session, candidate):
                    return candidate
        return subject

    def _enrol(self, own: dict[str, _Own]) -> None:
        members = [(each.person, SignIn(each.person.username, each.password)) for each in own.values()]
        with self.sessions.begin() as session:
            enrol(session, self.config, members)
        self._own = own

    def _state(self) -> tuple[int, int, int]:
        try:
            found = self._file.stat()
        except OSError:
            return _ABSENT
        return (found.st_mtime_ns, found.st_ino, found.st_size)

    @property
    def _file(self) -> Path:
        return self.config.database.with_name("people.json")

    def _read(self) -> dict[str, _Own]:
        try:
            rows = json.loads(self._file.read_text(encoding="utf-8"))
            taken = {each.username for each in (*self.config.customers, *self.config.staff)}
            found = [_own_person(row, taken) for row in rows]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError, PeopleRefused) as error:
            raise ConfigError(f"{self._file} cannot be used") from error
        return {each.person.subject: each for each in found if each.person.bank == self.config.bank_id}


def _own_person(row: dict[str, Any], taken: set[str]) -> _Own:
    person = read_person(At(row["person"]), written_instant(row["loaded_at"]))
    if not isinstance(row["password"], str) or not row["password"] or person.username in taken:
        raise ValueError
    source = hashlib.sha256(json.dumps([row["person"], row["loaded_at"]], sort_keys=True).encode()).hexdigest()
    return _Own(person, row["password"], source)
