"""The requests to delete that are done with: what was asked for once is carried out and told once."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.sqlite import insert

from broker.sandbox.messenger import clock

from .database import Sessions
from .models import DoneDeletionRow

KEPT_FOR = timedelta(days=90)


class DoneDeletions:
    """Remember what is done, for as long as events are remembered."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def has(self, deletion_id: str) -> bool:
        """Tell whether a request is done."""
        with self._sessions() as session:
            return session.get(DoneDeletionRow, deletion_id) is not None

    def note(self, deletion_id: str) -> None:
        """Note that a request is done."""
        now = clock.now()
        with self._sessions.begin() as session:
            session.execute(delete(DoneDeletionRow).where(DoneDeletionRow.done_at < now - KEPT_FOR))
            row = {"deletion_id": deletion_id, "done_at": now}
            session.execute(insert(DoneDeletionRow).on_conflict_do_nothing(), row)
