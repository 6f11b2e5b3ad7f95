"""Remembers what the broker has told its callers as done, and compares that with what stands in a log."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event

_DONE = {
    "released": (Event.ACCESS_REQUESTED, Event.ACCESS_RELEASED),
    "approved": (Event.GRANT_APPROVED,),
    "revoked": (Event.GRANT_REVOKED,),
}


@dataclass
class Acknowledged:
    """What callers hold an answer for: `released` by interaction ids, `approved` and `revoked` by grants."""

    released: list[str] = field(default_factory=list)
    approved: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)

    def lost_from(self, log: Iterable[LoggedEntry]) -> list[str]:
        """Return what was acknowledged and does not stand in the log, each with its event and its name."""
        kept = {(entry.event, name) for entry in log for name in (entry.interaction_id, entry.grant_id)}
        return [f"{event} of {name}" for event, name in self._events() if (event, name) not in kept]

    def _events(self) -> Iterator[tuple[Event, str]]:
        for done, events in _DONE.items():
            for name in getattr(self, done):
                yield from ((event, name) for event in events)
