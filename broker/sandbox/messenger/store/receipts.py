"""The receipts of the answers that a person got: no bank data, and proof of what the broker released."""

from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.dialects.sqlite import insert

from broker.sandbox.messenger import clock
from broker.sandbox.messenger.receipts import Receipt

from .database import Sessions
from .models import ReceiptRow


class Receipts:
    """Keep receipts for as long as Messenger knows the person."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def keep(self, person_id: str, connection_id: str, receipts: Sequence[Receipt]) -> None:
        """Keep receipts; one that is kept already stays as it is."""
        now = clock.now()
        rows = [
            {
                "log": each.log,
                "number": each.number,
                "person_id": person_id,
                "connection_id": connection_id,
                "text": each.text,
                "kept_at": now,
            }
            for each in receipts
        ]
        if rows:
            with self._sessions.begin() as session:
                session.execute(insert(ReceiptRow).on_conflict_do_nothing(), rows)

    def forget(self, connection_id: str) -> None:
        """Delete the receipts of one connection."""
        with self._sessions.begin() as session:
            session.execute(delete(ReceiptRow).where(ReceiptRow.connection_id == connection_id))
