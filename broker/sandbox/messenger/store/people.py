"""The people who chat with Messenger."""

import secrets
from dataclasses import dataclass

from broker.sandbox.messenger import clock

from .database import Sessions
from .models import PersonRow


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who told Messenger a name."""

    id: str
    name: str


class People:
    """Remember and forget people."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def welcome(self, name: str) -> Person:
        """Remember a new person."""
        person = Person(secrets.token_hex(16), name)
        with self._sessions.begin() as session:
            session.add(PersonRow(id=person.id, name=person.name, created_at=clock.now()))
        return person

    def find(self, person_id: str) -> Person | None:
        """Find a person by id."""
        with self._sessions() as session:
            row = session.get(PersonRow, person_id)
            return Person(row.id, row.name) if row else None

    def forget(self, person_id: str) -> None:
        """Delete a person and, with them, all that hangs on them."""
        with self._sessions.begin() as session:
            row = session.get(PersonRow, person_id)
            if row is not None:
                session.delete(row)
