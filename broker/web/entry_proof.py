"""What proves one entry, as a page shows it: the receipt, checked by the broker itself just now.

Not trusted: that a page says "it fits" proves nothing to anybody. The receipt does, to a program of the reader's own.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from broker.audit import receipts
from broker.audit.witnesses import configured_witnesses
from broker.edge.services import Services
from broker.errors import NotFound
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import leaf_hash
from broker.tlog.proof import parse_proof
from broker.tlog.receipt import verify_receipt


@dataclass(frozen=True, slots=True)
class Proof:
    """A receipt in parts: hashes as base64, as they stand in it. `fault` says in a code why it does not hold."""

    leaf_hash: str
    path: tuple[str, ...]
    size: int
    root: str
    note: str
    witnesses: tuple[tuple[str, datetime], ...]
    fault: str | None


def of(session: Session, base: Services, log: str, number: int) -> Proof | None:
    """Return what proves an entry; None when the log has signed nothing that holds it, or its tree is damaged."""
    try:
        receipt = receipts.of_log(session, log, number)
        proof = parse_proof(receipt)
    except (NotFound, Unverifiable):
        return None
    hashed, path = _text(leaf_hash(proof.extra)), tuple(map(_text, proof.hashes))
    note = proof.checkpoint.decode()
    witnesses = (one.verifier for one in configured_witnesses(base.settings).members)
    try:
        found = verify_receipt(receipt, [*base.log_keys.verifiers(log), *witnesses], origin=log)
    except Unverifiable as error:
        return Proof(hashed, path, 0, "", note, (), error.code)
    cosigned = tuple((one.name, datetime.fromtimestamp(one.time_s, UTC)) for one in found.cosigners)
    return Proof(hashed, path, found.checkpoint.size, _text(found.checkpoint.root), note, cosigned, None)


def _text(hashed: bytes) -> str:
    return b64encode(hashed).decode()
