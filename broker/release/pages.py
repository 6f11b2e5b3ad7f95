"""Which page of which read a call wants: a read is counted once, and its further pages go with it for a while."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.crypto.digests import base64url
from broker.storage.single_use import Claim

LIFE = timedelta(minutes=10)
MOST_PAGES = 100
_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class ReadPage:
    """One page, numbered from 1, of one read, which began at `began_at`: nothing newer is shown on any page."""

    read_id: str
    number: int
    began_at: datetime

    @classmethod
    def first(cls, now: datetime) -> "ReadPage":
        """Begin a read."""
        return cls(base64url(secrets.token_bytes(_ID_BYTES)), 1, now)

    @property
    def following(self) -> "ReadPage":
        """Return the page after this one."""
        return ReadPage(self.read_id, self.number + 1, self.began_at)

    @property
    def claim(self) -> Claim:
        """Return the claim by which the page goes with its read once."""
        return Claim("read-page", f"{self.read_id} {self.number}", self.began_at + LIFE)

    def goes_on(self, now: datetime) -> bool:
        """Say whether it belongs to a read that was counted, and not to one that is too old or too long."""
        return 1 < self.number <= MOST_PAGES and now < self.began_at + LIFE
