"""Journeys: people sent to the broker who have not come back yet."""

from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete

from broker.sandbox.messenger import clock
from broker.sandbox.messenger.keys import Seal

from .database import Sessions
from .models import JourneyRow

LONGEST_JOURNEY = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Journey:
    """What was remembered when the person left."""

    bank_id: str | None
    code_verifier: str = field(repr=False)


class Journeys:
    """Remember a journey when it starts, give it back exactly once."""

    def __init__(self, sessions: Sessions, seal: Seal) -> None:
        self._sessions = sessions
        self._seal = seal

    def start(self, person_id: str, bank_id: str | None, state: str, code_verifier: str) -> None:
        """Remember a journey under its `state`, and drop those that lasted too long."""
        now = clock.now()
        digest = _digest(state)
        with self._sessions.begin() as session:
            session.execute(delete(JourneyRow).where(JourneyRow.started_at < now - LONGEST_JOURNEY))
            session.add(
                JourneyRow(
                    state_digest=digest,
                    person_id=person_id,
                    bank_id=bank_id,
                    code_verifier=self._seal.close(code_verifier, f"journey:{digest}"),
                    started_at=now,
                )
            )

    def finish(self, person_id: str, state: str) -> Journey | None:
        """Give back the journey of this very person; one DELETE decides, so that it works once."""
        digest = _digest(state)
        statement = (
            delete(JourneyRow)
            .where(
                JourneyRow.state_digest == digest,
                JourneyRow.person_id == person_id,
                JourneyRow.started_at >= clock.now() - LONGEST_JOURNEY,
            )
            .returning(JourneyRow.bank_id, JourneyRow.code_verifier)
        )
        with self._sessions.begin() as session:
            row = session.execute(statement).one_or_none()
        if row is None:
            return None
        return Journey(row.bank_id, self._seal.open(row.code_verifier, f"journey:{digest}"))


def _digest(state: str) -> str:
    return sha256(state.encode()).hexdigest()
