"""Reads the log forwards and forms an own opinion of every grant from nothing else (invariant 3)."""

import sqlite3
from dataclasses import dataclass, field

from broker.audit.reader import LoggedEntry, Page, of_bank
from broker.audit.vocabulary import Event
from tests.support.core import House

_STATES = {
    Event.GRANT_PAUSED: "PAUSED",
    Event.GRANT_RESUMED: "ACTIVE",
    Event.GRANT_REVOKED: "REVOKED",
    Event.GRANT_CATEGORY_REVOKED: "REVOKED",
    Event.GRANT_ACCOUNT_REMOVED: "REVOKED",
}
_ENDS = {Event.GRANT_REFUSED: "REJECTED", Event.GRANT_REJECTED: "REJECTED", Event.GRANT_EXPIRED: "EXPIRED"}
_ACCESSES = {
    Event.ACCESS_REQUESTED,
    Event.ACCESS_REFUSED,
    Event.ACCESS_FAILED,
    Event.ACCOUNTS_LISTED,
    Event.ACCESS_PREVIEWED,
}


@dataclass
class Standing:
    """One grant as the log tells it: the whole, the parts that are not simply active, and what was agreed to last."""

    whole: str = "AWAITING_AUTHORISATION"
    parts: dict[str, str] = field(default_factory=dict)
    agreed: set[str] = field(default_factory=set)


@dataclass
class LogReplay:
    """Follows the logs of the banks entry by entry; a release at the wrong place is an error."""

    grants: dict[str, Standing] = field(default_factory=dict)
    next_number: dict[str, int] = field(default_factory=dict)
    last_time: dict[str, object] = field(default_factory=dict)

    def follows(self, house: House, eye: sqlite3.Connection) -> None:
        """Read what each bank's log has grown by, details included: they say which account an act was about."""
        sizes = eye.execute("SELECT owner, name, size FROM audit_logs").fetchall()
        for owner, name, size in sizes:
            if growth := size - self.next_number.get(name, 0):
                with house.database.read() as session:
                    newest = of_bank(session, house.sealer, owner, Page(growth))
                for entry in reversed(newest):
                    self._takes(entry)
                assert self.next_number[name] == size, "the log has fewer entries than it says"

    def _takes(self, entry: LoggedEntry) -> None:
        assert entry.number == self.next_number.get(entry.log, 0), "a gap in the log"
        assert entry.log not in self.last_time or self.last_time[entry.log] <= entry.at, "the log runs backwards"  # type: ignore[operator]  # instants
        self.next_number[entry.log], self.last_time[entry.log] = entry.number + 1, entry.at
        grant = self.grants.setdefault(entry.grant_id or "", Standing())
        accounts = entry.details.get("accounts", [])
        if entry.event is Event.ACCESS_RELEASED:
            gone = [part for part in (entry.category, *accounts) if grant.parts.get(part or "", "ACTIVE") != "ACTIVE"]
            assert grant.whole == "ACTIVE", f"released while {grant.whole}"
            assert not gone, f"released after the end of {gone}"
            assert entry.category in grant.agreed, "released what the last version does not name"
        elif entry.event is Event.GRANT_APPROVED:
            grant.whole = "ACTIVE"
            grant.agreed = _agreed(entry)
        elif entry.event is Event.GRANT_AMENDED:
            grant.agreed = _agreed(entry)
            # What was paused stays so; what had been ended and is agreed to anew is active.
            paused = {part for part, state in grant.parts.items() if state == "PAUSED"}
            grant.whole, grant.parts = "ACTIVE", dict.fromkeys(paused & grant.agreed, "PAUSED")
        elif entry.event in {Event.GRANT_REFUSED, Event.GRANT_REJECTED} and grant.agreed:
            pass  # a change of it was turned down, and the grant goes on as it is
        elif entry.event in _ENDS:
            grant.whole = _ENDS[entry.event]
        elif entry.event in _STATES:
            part = entry.category or next(iter(accounts), None)
            if part is None:
                grant.whole = _STATES[entry.event]
            else:
                grant.parts[part] = _STATES[entry.event]
        else:
            assert entry.event in _ACCESSES | {Event.GRANT_PROPOSED}, entry.event


def _agreed(entry: LoggedEntry) -> set[str]:
    """Return the categories and accounts that an approval or a change names."""
    return {*entry.details["accounts"], *(one["name"] for one in entry.details["terms"]["categories"])}
