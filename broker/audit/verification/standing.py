"""Holds a receipt against its log as it is served now. Hashes are public, so it takes no credential.

Not trusted: the log. A signature under another history does not help it: the receipt's own checkpoint must lead there.
"""

from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.heads import Head, Trust, opened
from broker.audit.verification.reading import CHECKPOINT, Missing, Read
from broker.audit.verification.receipts import Statement
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import consistency_proof, verify_consistency
from broker.tlog.tiles import TileNodes, tile_path

_PUBLISHED_WITHIN_US = 600_000_000  # a checkpoint is shown when a witness has signed it, which takes some seconds


def standing_of(statement: Statement, read: Read, trust: Trust, now_us: int) -> Head:
    """Check that the log still goes on from the tree that a receipt stands in, and return its newest checkpoint.

    `now_us` is the reader's time: an entry of a moment ago need not be covered by what the log shows.

    Raises:
        Fault: the log has another history now, or ends before the entry.
        Unreadable: the log shows nothing, or nothing that is new enough.
    """
    before = statement.receipt.checkpoint
    try:
        head = opened(read(CHECKPOINT), trust, statement.log)
    except Missing as error:
        raise Unreadable("There is no checkpoint: no such log, or it has no entries yet.") from error
    now = head.checkpoint
    if now.size < before.size:
        _refuse_shorter(statement, now.size, now_us)
    try:
        proof = consistency_proof(TileNodes(lambda tile: read(tile_path(*tile)), now.size), before.size, now.size)
        verify_consistency(
            old_size=before.size, old_root=before.root, new_size=now.size, new_root=now.root, proof=proof
        )
    except Missing as error:
        raise Fault("tile-missing", f"The log does not have {error.path}", log=statement.log) from error
    except Unverifiable as error:
        if error.code != "consistency-unproven":
            raise Fault(error.code, error.detail, log=statement.log) from error
        detail = "stands in a history that the log's key has signed, and that the log does not continue"
        raise Fault("history-rewritten", detail, log=statement.log, number=statement.number) from error
    return head


def _refuse_shorter(statement: Statement, size: int, now_us: int) -> None:
    time_us = statement.fields.get("time")
    if type(time_us) is int and now_us - time_us < _PUBLISHED_WITHIN_US:
        raise Unreadable("The log's published checkpoint does not cover this receipt yet: ask again in ten minutes.")
    detail = f"has a receipt, and the log shows a checkpoint of {size} entries, which does not cover it"
    raise Fault("receipt-uncovered", detail, log=statement.log, number=statement.number)
