"""Counts how often one announced thing is read: a few times and no more, whatever else is read on that day."""

from dataclasses import dataclass
from typing import Final

from broker.release.asking import Announcement
from broker.storage.prepared import Transaction
from broker.storage.single_use import Claim, Loss, claim

_NAMESPACE: Final = "announced-read"


@dataclass(frozen=True, slots=True)
class AnnouncedRead:
    """The wish to read an announced thing once more under its grant.

    It is known by the bank's word for it: an id that is spelt in another way is no other thing.
    """

    grant_id: str
    announced: Announcement

    @property
    def key(self) -> str:
        """Return the grant and the thing."""
        return f"{_NAMESPACE} {self.grant_id} {self.announced.ref}"

    @property
    def loss(self) -> Loss:
        """Return what is told of one read too many."""
        return Loss("alert-read-out", "release.alerts", "This alert was read as often as it may be.")

    def take(self, session: Transaction) -> bool:
        """Take the first place that is free; False when there is none."""
        places = range(self.announced.most_reads)
        return any(claim(session, Claim(_NAMESPACE, f"{self.key} {place}", self.announced.ends_at)) for place in places)
