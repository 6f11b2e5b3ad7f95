"""Tells a person of an access that is unlike the others, in the transaction that writes the access into the log."""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from broker.notices.marks import is_first
from broker.notices.notice import Notice
from broker.notices.outbox import note
from broker.storage.prepared import Plain, Transaction
from broker.storage.single_use import Loss

SILENCE = timedelta(days=90)
"""After so long without a read of its kind a read is unusual."""
AGAIN_AFTER = timedelta(days=7)
"""The same of the same permission is not told again sooner."""


@dataclass(frozen=True, slots=True)
class Unusual:
    """A condition of a batch (`storage.single_use.Condition`) that always holds: it refuses nothing, it tells."""

    notice: Notice
    at: datetime

    @property
    def key(self) -> str:
        """Return grant and what is told."""
        return f"unusual {self.notice.grant_id} {self.notice.what}"

    @property
    def loss(self) -> Loss:
        """Return what would be told if it did not hold, which never happens."""
        return Loss("grant-changed")

    def take(self, session: Transaction) -> bool:
        """Tell the person, unless they were told of the same a few days ago."""
        with session.orm() if isinstance(session, Plain) else nullcontext(session) as whole:
            self._tell(whole)
        return True

    def _tell(self, session: Session) -> None:
        subject = f"{self.notice.grant_id} {self.notice.facts.get('category', '')}"
        what, again_from = self.notice.what, self.at - AGAIN_AFTER
        if is_first(session, subject, what.value, self.at, self.at, again_from=again_from):
            note(session, self.notice, self.at)
