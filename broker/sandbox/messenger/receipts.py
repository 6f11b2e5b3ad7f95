"""The receipt that comes with an answer: that it is about these very bytes is checked here, with nobody's help.

Whether the log stands behind it is not: for that a receipt is kept, and `broker audit verify-receipt` takes it.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import requests

_LARGEST = 16 * 1024
_DIGEST = "responseDigest"
_EXTRA = "extra "
_PARTS = 3


class ReceiptWrongError(Exception):
    """The receipt is not one, or it is about other bytes."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as text (C2SP tlog-proof), and where the entry stands that it proves."""

    log: str
    number: int
    text: str


def receipt_of(response: requests.Response) -> Receipt | None:
    """Return the receipt of an answer, None when there is none: not every broker gives them.

    Raises:
        ReceiptWrongError: the answer is not what the entry is about.

    """
    encoded = response.headers.get("x-broker-receipt")
    if encoded is None:
        return None
    try:
        text = _decoded(encoded).decode("utf-8")
        # The lines before the checkpoint: what the proof is about, its number, the hashes. The entry is "extra".
        extra = next(line for line in text.split("\n\n")[0].split("\n") if line.startswith(_EXTRA))
        leaf = json.loads(base64.b64decode(extra.removeprefix(_EXTRA), validate=True))
        digest = _disclosed(leaf, json.loads(_decoded(response.headers.get("x-broker-disclosures", ""))))
        receipt = Receipt(str(leaf["log"]), int(leaf["number"]), text)
    except (ValueError, KeyError, TypeError, StopIteration, RecursionError) as error:
        raise ReceiptWrongError(type(error).__name__) from error
    if digest != hashlib.sha256(response.content).hexdigest():
        raise ReceiptWrongError("the digest is of other bytes")
    return receipt


def _disclosed(leaf: dict[str, Any], disclosures: list[list[Any]]) -> str:
    """Return the digest of the answer that the entry commits to."""
    for disclosure in disclosures:
        written = json.dumps(disclosure, ensure_ascii=False, separators=(",", ":")).encode()
        committed = base64.urlsafe_b64encode(hashlib.sha256(written).digest()).rstrip(b"=").decode()
        if len(disclosure) == _PARTS and disclosure[1] == _DIGEST and committed in leaf["_sd"]:
            return str(disclosure[2])
    raise ValueError(_DIGEST)


def _decoded(text: str) -> bytes:
    if len(text) > _LARGEST:
        raise ValueError(_LARGEST)
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
