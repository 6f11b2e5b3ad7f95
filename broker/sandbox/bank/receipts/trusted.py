"""Which log this bank believes: the broker's log about this very bank, of this year, signed with a key it was given.

One log at a time, by the bank's own clock and configuration: whoever has the key could announce accesses in a second
one, where nobody looks. Trusted: the keys in the bank's configuration, whose holder can announce accesses here.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from broker.sandbox.bank.config import ConfigError
from broker.sandbox.bank.receipts.refusal import ReceiptRefused
from broker.tlog.checkpoint import parse_checkpoint
from broker.tlog.errors import Unverifiable
from broker.tlog.note import Ed25519Verifier, parse_note
from broker.tlog.proof import parse_proof
from broker.tlog.receipt import VerifiedReceipt, verify_receipt

_NEW_YEAR = timedelta(days=2)  # how long the broker may take to close a year's log, and clocks may differ
_RECOVERED = re.compile(r"[0-9]{4}-[1-9][0-9]{0,3}", re.ASCII)


class TrustedLog:
    """The keys of the log, and its name: `<broker's host>/audit/<bank>/<year>`, of the year that it is.

    A verifier key names one year's log; the same key signs every other year's too. `recovered` names the logs that the
    broker's operator has opened in place of a contradicted one, e.g. `2026-2`: of such a year the last of them counts
    alone.
    """

    def __init__(self, bank_id: str, vkeys: Sequence[str], recovered: Sequence[str] = ()) -> None:
        """Raises ConfigError when a key or a name cannot be read, or a key is that of another bank's log."""
        try:
            given = [Ed25519Verifier.of_vkey(text) for text in vkeys]
        except Unverifiable as error:
            raise ConfigError(f"a key of the broker's log cannot be read: {error.detail}") from error
        stems = {verifier.name.rpartition("/")[0] for verifier in given}
        if len(stems) != 1 or not (stem := stems.pop()).endswith(f"/audit/{bank_id}"):
            raise ConfigError(f"the keys must be those of the broker's log about '{bank_id}'")
        if not all(map(_RECOVERED.fullmatch, recovered)):
            raise ConfigError("'recovered' names logs like 2026-2")
        self._stem = stem
        self._latest = {int(year): f"{year}-{again}" for year, again in (name.split("-") for name in recovered)}
        self._keys = tuple(dict.fromkeys(verifier.public_key for verifier in given))

    def verified(self, receipt: bytes, now: datetime) -> VerifiedReceipt:
        """Verify a receipt by its own bytes and the bank's keys and clock alone.

        Raises: ReceiptRefused for another log, a bad signature, a leaf that does not stand in the tree, or no receipt.
        """
        try:
            origin = parse_checkpoint(parse_note(parse_proof(receipt).checkpoint).text).origin
        except Unverifiable as error:
            raise ReceiptRefused("receipt-malformed", error.detail) from error
        if origin not in self.names_at(now):
            message = "The receipt is of a log that is not the one about this bank, of this year."
            raise ReceiptRefused("receipt-wrong-log", message)
        try:
            return verify_receipt(receipt, [Ed25519Verifier(origin, key) for key in self._keys], origin=origin)
        except Unverifiable as error:
            is_signature = error.code.startswith("signature-")
            raise ReceiptRefused(
                "receipt-not-signed" if is_signature else "receipt-not-proven", error.detail
            ) from error

    def names_at(self, now: datetime) -> set[str]:
        """Return the names that the log may have: around New Year the neighbour year's too."""
        years = {(now - _NEW_YEAR).year, (now + _NEW_YEAR).year}
        return {f"{self._stem}/{self._latest.get(year, f'{year:04}')}" for year in years}
