"""Checks one whole log: every stored byte hashed again, up to the root that the log's key has signed."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from broker.audit.verification.bundles import Bundle, bundles, check_tiles_above
from broker.audit.verification.continuity import ANNOUNCING, Continuity
from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.hashing import Rows
from broker.audit.verification.heads import Head, Trust, opened
from broker.audit.verification.leaves import Leaves
from broker.audit.verification.reading import CHECKPOINT, Missing, Read
from broker.audit.verification.recovered import Recovered
from broker.audit.verification.served import Reconciliation, Served
from broker.tlog.checkpoint import Checkpoint
from broker.tlog.tiles import TILE_WIDTH

_TOLERANCE_US = 300_000_000  # for the clocks of witness and broker, and the time until a checkpoint is pushed
Told = Callable[[int, int], None]
"""Is told how many entries have been checked, and of how many."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a log is held against, besides its own checkpoint.

    `last` is the newest head that the verifier has seen before; `former` is the last checkpoint of the log that this
    one goes on from (`former_is_end`: nothing stands behind it, where it comes from); `served` reads the requests that
    the bank has served, of the log whose name it is given.
    """

    trust: Trust
    origin: str | None = None
    last: Head | None = None
    former: Checkpoint | None = None
    former_is_end: bool = False
    served: Callable[[str], Served] | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of a log that is as it must be.

    `previous` is what its first entry says of the log before it, `recovered` what it says of one in whose place it is.
    """

    head: Head
    previous: dict[str, Any] | None
    recovered: Recovered | None
    carried_over: int
    reconciled: Reconciliation | None

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        checkpoint = self.head.checkpoint
        return {
            "log": checkpoint.origin,
            "size": checkpoint.size,
            "root": b64encode(checkpoint.root).decode(),
            "cosigned": [{"name": one.name, "time": one.time_s} for one in self.head.cosigned],
            "previous": self.previous,
            "recovered": None if self.recovered is None else self.recovered.as_json(),
            "carried_over": self.carried_over,
            "served": None if self.reconciled is None else self.reconciled.as_json(),
        }


def nobody(_done: int, _of: int) -> None:
    """Listen to no progress."""


def verify_log(read: Read, question: Question, told: Told = nobody) -> Verified:
    """Check one log against its own signed checkpoint and what else is known of it.

    Raises:
        Fault: the first entry that is not as it must be, or what is wrong with the log as a whole.
        Unreadable: there is no checkpoint.
    """
    try:
        head = opened(read(CHECKPOINT), question.trust, question.origin)
    except Missing as error:
        raise Unreadable("There is no checkpoint: no such log, or it has no entries yet.") from error
    _check_growth(head.checkpoint, question.last)
    served = None if question.served is None else question.served(head.checkpoint.origin)
    walk = _Walk(head, question.last, served)
    for bundle in bundles(read, head.checkpoint.origin, head.checkpoint.size):
        walk.over(bundle)
        told(bundle.first + len(bundle.leaves), head.checkpoint.size)
    walk.end()
    check_tiles_above(read, head.checkpoint.origin, walk.rows)
    found = walk.continuity
    found.keys.check(head.signed_by, head.checkpoint.origin)
    _check_former(found, question, head.checkpoint.origin)
    reconciled = None if served is None else served.reconciled(head.checkpoint.origin, head.checkpoint.size)
    return Verified(head, found.previous, found.recovered, found.carried_over, reconciled)


@dataclass(slots=True)
class _Walk:
    """One way through all entries, with what is carried from bundle to bundle."""

    head: Head
    last: Head | None
    served: Served | None
    rows: Rows = field(default_factory=Rows)
    rest: list[bytes] = field(default_factory=list)
    leaves: Leaves = field(default_factory=Leaves)
    continuity: Continuity = field(init=False)

    def __post_init__(self) -> None:
        self.continuity = Continuity(self.head.checkpoint.origin)
        last, until_us = self.last, _seen_us(self.head)
        if until_us is not None:
            self.continuity.until_us = until_us + _TOLERANCE_US
        if last is not None:
            self.continuity.since_number, seen_us = last.checkpoint.size, _seen_us(last)
            if seen_us is not None:
                self.continuity.since_us, self.continuity.by_us = seen_us - _TOLERANCE_US, seen_us + _TOLERANCE_US

    def over(self, bundle: Bundle) -> None:
        number, read, follow, served = bundle.first, self.leaves.read, self.continuity.follow, self.served
        try:
            for leaf, hashed in zip(bundle.leaves, bundle.hashes, strict=True):
                entry = read(leaf)
                follow(number, leaf, hashed, entry)
                if served is not None:
                    _, event, interaction_id, *_ = entry
                    if event in ANNOUNCING:
                        served.announced(number, hashed, interaction_id)
                number += 1
        except Fault as fault:
            if fault.number is None:
                fault.number = number
            fault.log = self.head.checkpoint.origin
            raise
        if bundle.fault is not None:
            raise bundle.fault
        self._check_last(bundle)
        if len(bundle.hashes) == TILE_WIDTH:
            self.rows.add(bundle.hashes)
        else:
            self.rest = bundle.hashes

    def end(self) -> None:
        """Compare the root of all entries with the signed one."""
        checkpoint = self.head.checkpoint
        if self.rows.root(self.rest) != checkpoint.root:
            detail = "do not hash to the root that the log's key has signed"
            raise Fault("root-wrong", detail, log=checkpoint.origin, number=0, last=checkpoint.size - 1)

    def _check_last(self, bundle: Bundle) -> None:
        """Compare the root of the entries that the verifier has seen before with the root that was signed then."""
        if self.last is None:
            return
        last = self.last.checkpoint
        inside = last.size - bundle.first
        if 0 < inside <= len(bundle.hashes) and self.rows.root(bundle.hashes[:inside]) != last.root:
            detail = "are not those that the log's key had signed before: one of them was changed"
            raise Fault("history-rewritten", detail, log=last.origin, number=0, last=last.size - 1)


def _seen_us(head: Head) -> int | None:
    return None if head.seen_at_s is None else head.seen_at_s * 1_000_000


def _check_growth(now: Checkpoint, last: Head | None) -> None:
    if last is None:
        return
    before = last.checkpoint
    if before.origin != now.origin:
        raise Fault("checkpoint-of-another-log", f"The last checkpoint is that of {before.origin}.", log=now.origin)
    if now.size < before.size:
        detail = f"is not there any more: the log had {before.size} entries and has {now.size}"
        raise Fault("log-shrunk", detail, log=now.origin, number=now.size)
    if now.size == before.size and now.root != before.root:
        detail = "are not those that the log's key had signed before: two histories of one length"
        raise Fault("log-forked", detail, log=now.origin, number=0, last=now.size - 1)


def _check_former(found: Continuity, question: Question, log: str) -> None:
    former = question.former
    if former is None:
        return
    if found.recovered is not None:
        found.recovered.check(former, log, is_end=question.former_is_end)
        return
    expected = {"origin": former.origin, "size": former.size, "root": b64encode(former.root).decode()}
    if found.previous != expected:
        detail = "does not commit to the last checkpoint of the log before it"
        raise Fault("former-log-wrong", detail, log=log, number=0)
