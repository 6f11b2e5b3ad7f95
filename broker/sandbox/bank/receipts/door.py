"""The door of the data API for a bank that wants receipts: takes them out of the headers and has them checked."""

import base64
import json
import re
from dataclasses import replace
from typing import Any, NoReturn

from flask import request
from werkzeug.exceptions import ServiceUnavailable

from broker.sandbox.bank import clock
from broker.sandbox.bank.context import bank
from broker.sandbox.bank.data.access import Visit
from broker.sandbox.bank.receipts.accepted import Accepted
from broker.sandbox.bank.receipts.checks import Asked, Claimed, check
from broker.sandbox.bank.receipts.refusal import ReceiptRefused
from broker.tlog import disclosure
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import leaf_hash

LARGEST_RECEIPT = 4096
_HEADER = re.compile(r"[A-Za-z0-9_-]{1,5462}", re.ASCII)  # base64url of as much


def under_receipt(visit: Visit, asked: Asked) -> Visit:
    """Return the visit with the receipt that it may be answered under; unchanged at a bank that asks for none.

    Raises: ReceiptRefused when the receipt is missing or does not allow what is asked.
    """
    trusted = bank().trusted_log
    if trusted is None:
        return visit
    now_s = _now_s()
    verified = trusted.verified(_receipt(), clock.from_epoch(int(now_s)))
    leaf = _leaf(verified.leaf)
    claimed = Claimed(
        asked=asked,
        customer=visit.asked_by,
        interaction_id=visit.interaction_id,
        now_s=now_s,
        origin=verified.checkpoint.origin,
        index=verified.index,
        leaf=leaf,
        disclosed=_disclosed(leaf),
    )
    check(claimed)
    return replace(
        visit,
        category=claimed.leaf["category"],
        receipt=Accepted(
            log=claimed.origin,
            number=claimed.index,
            leaf_hash=leaf_hash(verified.leaf),
            accounts=None if claimed.is_of_every_account else claimed.accounts,
        ),
    )


def _receipt() -> bytes:
    text = request.headers.get("x-broker-receipt", "")
    if not text:
        raise ReceiptRefused("receipt-missing", "This bank gives no data without a receipt of the broker's log.")
    # One sign too many for whole bytes is no base64url either.
    if not _HEADER.fullmatch(text) or len(text) % 4 == 1:
        message = f"The receipt is not base64url, or longer than {LARGEST_RECEIPT} bytes."
        raise ReceiptRefused("receipt-malformed", message)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _leaf(data: bytes) -> dict[str, Any]:
    """Read an entry that has one meaning for every reader: of a member that stands there twice each may take another.

    Entries are canonical JSON (RFC 8785) of texts, whole numbers and lists, with names in ASCII.
    """
    try:
        leaf = json.loads(data, parse_float=_no_number, parse_constant=_no_number)
        written = json.dumps(leaf, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except (ValueError, RecursionError) as error:
        raise ReceiptRefused("receipt-malformed", "The entry is not JSON of texts and whole numbers.") from error
    if not isinstance(leaf, dict):
        raise ReceiptRefused("receipt-malformed", "The entry is no object.")
    if written != data:
        raise ReceiptRefused("receipt-malformed", "The entry is not written as canonical JSON.")
    return leaf


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _disclosed(leaf: dict[str, Any]) -> dict[str, Any]:
    text = request.headers.get("x-broker-disclosures", "")
    if not text:
        raise ReceiptRefused("receipt-without-disclosures", "The receipt comes without what its entry commits to.")
    try:
        return disclosure.check(leaf, disclosure.decode(text))
    except Unverifiable as error:
        raise ReceiptRefused("receipt-not-disclosed", error.detail) from error


def _now_s() -> float:
    """Return the time by which receipts are judged: that of the broker's sandbox, if the bank was told where it is."""
    rules = bank().config.receipts
    try:
        return clock.now().timestamp() + clock.ahead_s(rules.clock_file if rules else None)
    except ValueError as error:
        raise ServiceUnavailable from error
