"""What the witness answers to each call, before HTTP: judged, stored, and only then told (C2SP tlog-witness)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.tlog.checkpoint import open_checkpoint
from broker.tlog.cosignature import Cosigner
from broker.tlog.errors import Unverifiable
from broker.tlog.note import Verifier, open_note
from broker.tlog.witness import (
    CONFLICT,
    COSIGNED,
    MALFORMED,
    SIZE_TYPE,
    UNKNOWN,
    UNTRUSTED,
    AddCheckpoint,
    judge,
    parse_add_checkpoint,
)
from broker.witness.heads import Heads, HeadsUnusable
from broker.witness.known_logs import KnownLogs

_TEXT = "text/plain; charset=utf-8"
_UNABLE = 503
_ORIGIN_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `origin` is that of a log the witness knows, None otherwise: it may be written down."""

    status: int
    body: bytes
    content_type: str = _TEXT
    origin: str | None = None


class Witness:
    """Cosigns the checkpoints of known logs. `clock` gives the time of the cosignature."""

    def __init__(self, cosigner: Cosigner, logs: KnownLogs, heads: Heads, clock: Callable[[], datetime]) -> None:
        self._cosigner = cosigner
        self._logs = logs
        self._heads = heads
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> Reply:
        """Cosign the checkpoint of the request if it continues the last one; otherwise say why not."""
        try:
            request = parse_add_checkpoint(body)
            origin = request.origin
        except Unverifiable as error:
            return _told(MALFORMED, error.detail)
        verifiers = self._logs.verifiers_of(origin)
        if not verifiers:
            return _told(UNKNOWN, "This witness does not know the log.")
        try:
            # Before a place is taken: a rule `years` knows any number of logs, and strangers must not fill the folder.
            open_checkpoint(request.note, verifiers, origin)
        except Unverifiable as error:
            return _told(UNTRUSTED, error.detail, origin)
        try:
            return self._judged(request, origin, verifiers)
        except HeadsUnusable:
            return _told(_UNABLE, "The last head cannot be read or stored.", origin)

    def checkpoint(self, name: str) -> Reply:
        """Return the last cosigned checkpoint of the log whose origin has this hash (monitor retrieval)."""
        try:
            note = self._heads.note(name) if _ORIGIN_HASH.fullmatch(name) else None
        except HeadsUnusable:
            return _told(_UNABLE, "The last head cannot be read.")
        if note is None:
            return _told(UNKNOWN, "Nothing was cosigned under this address.")
        return Reply(COSIGNED, note)

    def _judged(self, request: AddCheckpoint, origin: str, verifiers: Sequence[Verifier]) -> Reply:
        with self._heads.held(origin) as slot:
            verdict = judge(request, verifiers, slot.head)
            if verdict.status == CONFLICT:
                return Reply(CONFLICT, b"%d\n" % verdict.head.size, SIZE_TYPE, origin)
            if verdict.status != COSIGNED:
                return _told(verdict.status, verdict.reason, origin)
            # Kept with the log's own signatures that were verified: what others wrote below could spoil the note.
            opened = open_note(request.note, verifiers)
            line = self._cosigner.cosign(opened.text, int(self._clock().timestamp()))
            own = b"".join(verified.signature.line for verified in opened.verified)
            # First durable, then told: a witness that forgets what it cosigned would cosign a fork of it.
            slot.replace(opened.text + b"\n" + own + line)
            return Reply(COSIGNED, line, _TEXT, origin)


def _told(status: int, reason: str, origin: str | None = None) -> Reply:
    return Reply(status, f"{reason}\n".encode(), _TEXT, origin)
