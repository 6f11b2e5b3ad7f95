"""What must hold from one entry to the next: numbers, times, each person's chain, two entries an access, the ends.

Whoever holds the signing key can hash and sign anything; what cannot be made to fit afterwards is found here.
"""

from binascii import b2a_base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.audit.verification.faults import Fault
from broker.audit.verification.keys import KeysInUse
from broker.audit.verification.leaves import Entry, Fields, fields_of
from broker.audit.verification.recovered import Recovered

_CHAINED = 2  # the version of leaves that have chains and accesses
ANNOUNCING = frozenset({"access.requested", "access.previewed", "accounts.listed"})
"""The events after which a bank may be asked: each served request belongs to one of these."""
_ANNOUNCED = frozenset({"access.released", "access.failed"})
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_CARRIED_OVER_US = 300_000_000
_NEVER = 2**63


@dataclass(slots=True)
class Continuity:
    """Goes through the entries of one log in order, and remembers what the next ones must fit to.

    A witness has signed for the first `since_number` entries at an instant, so these are from before `by_us`, and later
    ones were added after `since_us`. All entries that the log has signed for are from before `until_us`.
    """

    log: str
    since_number: int = 0
    since_us: int = 0
    by_us: int = _NEVER
    until_us: int = _NEVER
    previous: dict[str, Any] | None = None
    recovered: Recovered | None = None
    carried_over: int = 0
    keys: KeysInUse = field(default_factory=KeysInUse)
    _time_us: int = 0
    _version: int = 1
    _began_us: int = 0
    _closed: bool = False
    _chains: dict[str, tuple[int, bytes, int]] = field(default_factory=dict)
    _open: dict[str, str] = field(default_factory=dict)

    def follow(self, number: int, leaf: bytes, leaf_hash: bytes, entry: Entry) -> None:
        """Check the next entry.

        Raises:
            Fault: it does not fit to its place or to what stands before it.
        """
        access, event, _, log, stated, subject, follows, place, time, digits = entry
        version = int(digits)
        if version < self._version:
            raise Fault("leaf-malformed", "is of an older version than the entry before it")
        self._version = version
        if int(stated) != number:
            raise Fault("number-wrong", f"stands at number {number} and says that it is number {stated}")
        if log != self.log:
            raise Fault("log-wrong", "belongs to another log")
        self._date(number, int(time))
        if event in _ABOUT_LOG:
            _ABOUT_LOG[event](self, number, fields_of(leaf))
        if version >= _CHAINED:
            if subject is not None:
                self._chain(number, leaf_hash, subject, place, follows)
            if access is not None:
                self._access(access, event)
            elif event in _ANNOUNCED:
                raise Fault("access-not-announced", f"says {event} of no access")

    def _date(self, number: int, time_us: int) -> None:
        if time_us < self._time_us:
            raise Fault("time-goes-back", "is older than the entry before it")
        if number >= self.since_number and time_us < self.since_us:
            raise Fault("back-dated", "was added after a witness had signed, and says that it happened before")
        if time_us > (self.until_us if number >= self.since_number else self.by_us):
            raise Fault("dated-ahead", "was there when a witness signed, and says that it happened after")
        if self._closed:
            raise Fault("log-goes-on", "stands behind the entry that closed the log")
        self._time_us = time_us
        if number == 0:
            self._began_us = time_us

    def _opened(self, number: int, fields: Fields) -> None:
        if number:
            raise Fault("log-opened-late", "says that the log begins here")
        previous = fields.get("previous")
        if not isinstance(previous, dict):
            raise Fault("leaf-malformed", "opens the log without naming the one before")
        self.previous = previous

    def _recovered(self, number: int, fields: Fields) -> None:
        if number:
            raise Fault("log-opened-late", "says that the log begins here")
        self.recovered = Recovered.stated_in(fields)

    def _ended(self, _number: int, _fields: Fields) -> None:
        self._closed = True

    def _rotated(self, _number: int, fields: Fields) -> None:
        self.keys.change(fields.get("logKeys"))

    def _chain(self, number: int, leaf_hash: bytes, subject: str, stated: str | None, follows: str | None) -> None:
        if stated is None:
            raise Fault("leaf-malformed", "is about a person and has no place in that person's chain")
        place, known = int(stated), self._chains.get(subject)
        if known is None:
            if place != 0 or follows is not None:
                raise Fault("subject-gap", f"is this person's number {place} here, and no earlier one stands before it")
        else:
            before, hash_before, number_before = known
            if place != before + 1:
                raise Fault("subject-gap", f"is this person's number {place}, after number {before}")
            if follows != b2a_base64(hash_before).translate(_URL_SAFE)[:-2].decode():  # no padding, no newline
                detail = f"is not the entry that entry {number}, this person's next, commits to"
                raise Fault("subject-altered", detail, number=number_before)
        self._chains[subject] = (place, leaf_hash, number)

    def _access(self, access: str, event: str) -> None:
        if event in ANNOUNCING:
            if access in self._open:
                raise Fault("access-repeated", "announces an access that was announced before")
            self._open[access] = event
        elif event in _ANNOUNCED:
            if self._open.pop(access, None) is None:
                is_first = self.previous is None and self.recovered is None
                if is_first or self._time_us > self._began_us + _CARRIED_OVER_US:
                    raise Fault("access-not-announced", f"says {event} of an access that was not announced before")
                self.carried_over += 1
        else:
            self._open.pop(access, None)


_ABOUT_LOG: Mapping[str, Callable[[Continuity, int, Fields], None]] = {
    "log.opened": Continuity._opened,  # noqa: SLF001 - its own table
    "log.recovered": Continuity._recovered,  # noqa: SLF001 - its own table
    "log.closed": Continuity._ended,  # noqa: SLF001 - its own table
    "keys.rotated": Continuity._rotated,  # noqa: SLF001 - its own table
}
