"""What must hold from one entry to the next: numbers, times, each person's chain, two entries an access, the ends.

Whoever holds the signing key can hash and sign anything; what cannot be made to fit afterwards is found here.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from broker.audit.verification.faults import Fault
from broker.audit.verification.leaves import Fields

_CHAINED = 2  # the version of leaves that have chains and accesses
ANNOUNCING = frozenset({"access.requested", "access.previewed", "accounts.listed"})
"""The events after which a bank may be asked: each served request belongs to one of these."""
_ANNOUNCED = frozenset({"access.released", "access.failed"})
_CARRIED_OVER_US = 300_000_000
_REQUIRED = {"log": str, "number": int, "time": int, "event": str, "initiator": str, "decision": str}


@dataclass(slots=True)
class Continuity:
    """Goes through the entries of one log in order, and remembers what the next ones must fit to.

    A witness has signed for the first `since_number` entries at an instant; later ones were added after `since_us`.
    """

    log: str
    since_number: int = 0
    since_us: int = 0
    previous: dict[str, Any] | None = None
    carried_over: int = 0
    _time_us: int = 0
    _version: int = 1
    _began_us: int = 0
    _closed: bool = False
    _chains: dict[str, tuple[int, bytes, int]] = field(default_factory=dict)
    _open: dict[str, str] = field(default_factory=dict)

    def follow(self, number: int, leaf_hash: bytes, fields: Fields) -> None:
        """Check the next entry.

        Raises:
            Fault: it does not fit to its place or to what stands before it.
        """
        version = fields.get("v")
        if type(version) is not int or version < self._version:
            raise Fault("leaf-malformed", "has no version, or an older one than the entry before it")
        self._version = version
        for name, kind in _REQUIRED.items():
            if type(fields.get(name)) is not kind:
                raise Fault("leaf-malformed", f"has no {name}")
        self._place(number, fields)
        if version >= _CHAINED:
            if "subject" in fields:
                self._chain(number, leaf_hash, fields)
            if "access" in fields:
                self._access(fields)
            elif fields["event"] in _ANNOUNCED:
                raise Fault("access-not-announced", f"says {fields['event']} of no access")

    def _place(self, number: int, fields: Fields) -> None:
        if fields["number"] != number:
            raise Fault("number-wrong", f"stands at number {number} and says that it is number {fields['number']}")
        if fields["log"] != self.log:
            raise Fault("log-wrong", "belongs to another log")
        time_us = fields["time"]
        if time_us < self._time_us:
            raise Fault("time-goes-back", "is older than the entry before it")
        if number >= self.since_number and time_us < self.since_us:
            raise Fault("back-dated", "was added after a witness had signed, and says that it happened before")
        self._time_us = time_us
        if number == 0:
            self._began_us = time_us
        if self._closed:
            raise Fault("log-goes-on", "stands behind the entry that closed the log")
        if fields["event"] == "log.opened":
            self._opened(number, fields)
        self._closed = fields["event"] == "log.closed"

    def _opened(self, number: int, fields: Fields) -> None:
        if number:
            raise Fault("log-opened-late", "says that the log begins here")
        previous = fields.get("previous")
        if not isinstance(previous, dict):
            raise Fault("leaf-malformed", "opens the log without naming the one before")
        self.previous = previous

    def _chain(self, number: int, leaf_hash: bytes, fields: Fields) -> None:
        subject, place = fields["subject"], fields.get("subjectSeq")
        if type(subject) is not str or type(place) is not int:
            raise Fault("leaf-malformed", "is about a person and has no place in that person's chain")
        known = self._chains.get(subject)
        follows = fields.get("subjectPrev")
        if known is None:
            if place != 0 or follows is not None:
                raise Fault("subject-gap", f"is this person's number {place} here, and no earlier one stands before it")
        else:
            before, hash_before, number_before = known
            if place != before + 1:
                raise Fault("subject-gap", f"is this person's number {place}, after number {before}")
            if follows != urlsafe_b64encode(hash_before)[:-1].decode():
                detail = f"is not the entry that entry {number}, this person's next, commits to"
                raise Fault("subject-altered", detail, number=number_before)
        self._chains[subject] = (place, leaf_hash, number)

    def _access(self, fields: Fields) -> None:
        access, event = fields["access"], fields["event"]
        if type(access) is not str:
            raise Fault("leaf-malformed", "names its access by something that is no text")
        if event in ANNOUNCING:
            if access in self._open:
                raise Fault("access-repeated", "announces an access that was announced before")
            self._open[access] = event
        elif event in _ANNOUNCED:
            if self._open.pop(access, None) is None:
                if self.previous is None or fields["time"] > self._began_us + _CARRIED_OVER_US:
                    raise Fault("access-not-announced", f"says {event} of an access that was not announced before")
                self.carried_over += 1
        else:
            self._open.pop(access, None)
