"""Reads what a receipt says, and checks what was disclosed with it and the body that was released with it."""

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from broker.audit.verification.faults import Fault, Unreadable, found_in
from broker.audit.verification.heads import Trust
from broker.audit.verification.leaves import Fields, fields_of
from broker.tlog import disclosure
from broker.tlog.errors import Unverifiable
from broker.tlog.proof import LARGEST_PROOF
from broker.tlog.receipt import VerifiedReceipt, verify_receipt

LARGEST_FILE = 2 * LARGEST_PROOF
"""Bytes of a receipt or of disclosures, as they stand in a header or in a file."""
_BODY_DIGEST = "responseDigest"
_FILE_BEGINS = b"c2sp.org/"
_BASE64URL = re.compile(rb"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a good receipt says: the entry's members, where it stands, who has cosigned."""

    receipt: VerifiedReceipt
    fields: Fields

    @property
    def log(self) -> str:
        """Return the name of the log."""
        return self.receipt.checkpoint.origin

    @property
    def number(self) -> int:
        """Return the entry's number in the log."""
        return self.receipt.index


def statement_of(data: bytes, trust: Trust) -> Statement:
    """Verify a receipt, as a file or as it stands in `x-broker-receipt`, and that its entry belongs where it stands.

    Raises:
        Fault: it proves nothing, or its entry names another place.
    """
    with found_in(""):
        receipt = verify_receipt(_as_file(data), trust.verifiers)
    log, number = receipt.checkpoint.origin, receipt.index
    try:
        fields = fields_of(receipt.leaf)
    except Fault as fault:
        raise Fault(fault.code, fault.detail, log=log, number=number) from fault
    if (fields.get("log"), fields.get("number")) != (log, number):
        raise Fault("number-wrong", "names another log or number than where it stands", log=log, number=number)
    if len({one.name for one in receipt.cosigners}) < trust.quorum:
        detail = f"{len(receipt.cosigners)} of the witnesses have signed for it; {trust.quorum} are wanted."
        raise Fault("quorum-missed", detail, log=log, number=number)
    return Statement(receipt, fields)


def disclosed_in(statement: Statement, data: bytes) -> dict[str, Any]:
    """Return what disclosures reveal of an entry, by name; a JSON array or as it stands in `x-broker-disclosures`.

    Raises:
        Fault: the entry does not commit to one of them.
        Unreadable: they are no disclosures.
    """
    try:
        given = disclosure.decode(_as_header(data))
    except Unverifiable as error:
        raise Unreadable(f"The disclosures cannot be read: {error.detail}") from error
    with found_in(statement.log, statement.number):
        return disclosure.check(statement.fields, given)


def check_body(statement: Statement, disclosed: Mapping[str, Any], body: bytes) -> None:
    """Check that these are the very bytes that were released with the entry.

    Raises:
        Fault: they are not.
        Unreadable: the digest of the body is not among the disclosures.
    """
    if _BODY_DIGEST not in disclosed:
        raise Unreadable(f"The disclosures do not hold {_BODY_DIGEST}, so nothing is known of the body.")
    if disclosed[_BODY_DIGEST] != sha256(body).hexdigest():
        detail = "was written for another body than this one"
        raise Fault("body-altered", detail, log=statement.log, number=statement.number)


def _as_file(data: bytes) -> bytes:
    """Return the receipt as a file has it.

    Raises:
        Unverifiable: it is neither that nor the base64url of it.
    """
    found, text = data, b"".join(data.split()).rstrip(b"=")
    if _BASE64URL.fullmatch(text):
        with suppress(binascii.Error):  # a length that nothing has
            found = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    if not found.startswith(_FILE_BEGINS):
        raise Unverifiable(
            "proof-malformed", "It is no receipt: it begins neither with “c2sp.org/” nor as base64url of it."
        )
    return found


def _as_header(data: bytes) -> str:
    """Return the one spelling that `tlog` reads."""
    try:
        text = data.decode("ascii" if not data.lstrip().startswith(b"[") else "utf-8").strip()
        if not text.startswith("["):
            return text
        compact = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise Unreadable("The disclosures are not JSON.") from error
    return urlsafe_b64encode(compact).rstrip(b"=").decode()
