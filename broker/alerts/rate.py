"""Counts the alerts that a bank posts, announced or not: so many a minute, so that asking is no way to search."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from broker.errors import FrequencyExceeded
from broker.storage.base import new_id
from broker.storage.single_use import Claim, SingleUse, claim

MOST_A_MINUTE: Final = 300
"""How many alerts one bank may post within one minute of the clock."""

_MINUTE_S: Final = 60
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Rate:
    """One minute of one bank. The bank's log is locked meanwhile, so nobody else counts."""

    bank_id: str
    now: datetime

    def count(self, session: Session, most: int) -> None:
        """Count one post.

        Raises:
            FrequencyExceeded: the minute is used up.
        """
        used = session.scalar(select(func.count()).select_from(SingleUse).where(SingleUse.namespace == self._namespace))
        if (used or 0) >= most:
            left_s = _MINUTE_S - self.now.second
            raise FrequencyExceeded("These are too many alerts.", code="alerts-too-many", retry_after_s=left_s)
        # A namespace of its own for each minute: only its rows are counted, and all of them.
        claim(session, Claim(self._namespace, new_id(self.now), self.now + timedelta(seconds=_MINUTE_S)))

    @property
    def _namespace(self) -> str:
        named = f"{self.bank_id} {self.now:%Y-%m-%dT%H:%M}"
        return f"alert-rate-{hashlib.sha256(named.encode()).hexdigest()[:_DIGITS]}"
