"""The conversation of each person, sealed because answers hold bank data."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, or_, select, text

from broker.sandbox.messenger import clock
from broker.sandbox.messenger.blocks import Block, redacted
from broker.sandbox.messenger.keys import Seal

from .database import Sessions
from .models import MessageRow

SHOWN = 60
KEPT_FOR = timedelta(days=30)


class Author(StrEnum):
    """Who said it."""

    PERSON = "person"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One message, made of blocks."""

    id: int
    author: str
    blocks: tuple[Block, ...]
    said_at: datetime
    connection_id: str | None


class Conversation:
    """Say, read and forget messages."""

    def __init__(self, sessions: Sessions, seal: Seal) -> None:
        self._sessions = sessions
        self._seal = seal

    def say(
        self,
        person_id: str,
        author: Author,
        blocks: Sequence[Block],
        connection_id: str | None = None,
        category: str | None = None,
    ) -> None:
        """Add a message, and drop what is older than Messenger keeps.

        Bank data is said with the connection that it came over, and its category: by these it is forgotten.
        """
        now = clock.now()
        with self._sessions.begin() as session:
            session.execute(delete(MessageRow).where(MessageRow.said_at < now - KEPT_FOR))
            session.add(
                MessageRow(
                    person_id=person_id,
                    connection_id=connection_id,
                    category=category,
                    author=author,
                    body=self._seal.close(json.dumps(list(blocks)), f"message:{person_id}"),
                    said_at=now,
                )
            )

    def latest(self, person_id: str) -> list[Message]:
        """Read the latest messages, oldest first."""
        statement = (
            select(MessageRow).where(MessageRow.person_id == person_id).order_by(MessageRow.id.desc()).limit(SHOWN)
        )
        with self._sessions() as session:
            rows = session.scalars(statement).all()
        return [self._read(row) for row in reversed(rows)]

    def newest(self, person_id: str) -> int:
        """Return the number of the newest message, 0 for none."""
        statement = select(MessageRow.id).where(MessageRow.person_id == person_id).order_by(MessageRow.id.desc())
        with self._sessions() as session:
            return session.scalars(statement.limit(1)).first() or 0

    def find(self, person_id: str, message_id: int) -> Message | None:
        """Find a message of this very person."""
        with self._sessions() as session:
            row = session.get(MessageRow, message_id)
        return self._read(row) if row is not None and row.person_id == person_id else None

    def redact(self, connection_id: str, words: str, categories: Collection[str] | None = None) -> int:
        """Put words in the place of all that was said over one connection; say how many messages that were.

        `categories` names those to forget, None for all. What is of no known category is forgotten too.
        """
        statement = select(MessageRow).where(MessageRow.connection_id == connection_id)
        if categories is not None:
            statement = statement.where(or_(MessageRow.category.in_(categories), MessageRow.category.is_(None)))
        blank = json.dumps([redacted(words)])
        with self._sessions.begin() as session:
            rows = session.scalars(statement).all()
            for row in rows:
                row.body = self._seal.close(blank, f"message:{row.person_id}")
                row.connection_id = row.category = None
        with self._sessions() as session:
            # Deleted is deleted: the old bytes must not stay behind in the write-ahead log.
            session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        return len(rows)

    def forget(self, connection_id: str) -> int:
        """Delete the answers that hold data of one connection; say how many there were."""
        with self._sessions.begin() as session:
            statement = delete(MessageRow).where(MessageRow.connection_id == connection_id).returning(MessageRow.id)
            return len(session.scalars(statement).all())

    def _read(self, row: MessageRow) -> Message:
        blocks = json.loads(self._seal.open(row.body, f"message:{row.person_id}"))
        return Message(row.id, row.author, tuple(blocks), row.said_at, row.connection_id)
