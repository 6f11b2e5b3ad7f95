"""The conversation of each person, sealed because answers hold bank data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select

from broker.sandbox.messenger import clock
from broker.sandbox.messenger.blocks import Block
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

    author: str
    blocks: tuple[Block, ...]
    said_at: datetime


class Conversation:
    """Say, read and forget messages."""

    def __init__(self, sessions: Sessions, seal: Seal) -> None:
        self._sessions = sessions
        self._seal = seal

    def say(self, person_id: str, author: Author, blocks: Sequence[Block], connection_id: str | None = None) -> None:
        """Add a message, and drop what is older than Messenger keeps."""
        now = clock.now()
        with self._sessions.begin() as session:
            session.execute(delete(MessageRow).where(MessageRow.said_at < now - KEPT_FOR))
            session.add(
                MessageRow(
                    person_id=person_id,
                    connection_id=connection_id,
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
        return [
            Message(row.author, tuple(json.loads(self._seal.open(row.body, f"message:{person_id}"))), row.said_at)
            for row in reversed(rows)
        ]

    def forget(self, connection_id: str) -> int:
        """Delete the answers that hold data of one connection; say how many there were."""
        with self._sessions.begin() as session:
            statement = delete(MessageRow).where(MessageRow.connection_id == connection_id).returning(MessageRow.id)
            return len(session.scalars(statement).all())
