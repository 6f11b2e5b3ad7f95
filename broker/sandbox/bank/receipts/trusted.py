"""Which log this bank believes: the broker's log about this very bank, of any year, signed with a key it was given.

Trusted: the keys in the bank's configuration. Whoever holds one of their private halves can announce accesses here.
"""

import re
from collections.abc import Sequence

from broker.sandbox.bank.config import ConfigError
from broker.sandbox.bank.receipts.refusal import ReceiptRefused
from broker.tlog.checkpoint import parse_checkpoint
from broker.tlog.errors import Unverifiable
from broker.tlog.note import Ed25519Verifier, parse_note
from broker.tlog.proof import parse_proof
from broker.tlog.receipt import VerifiedReceipt, verify_receipt


class TrustedLog:
    """The keys of the log, and the form of its names: `<broker's host>/audit/<bank>/<year>`, `-2` … once recovered.

    A verifier key names one year's log; the same key signs every other year's too.
    """

    def __init__(self, bank_id: str, vkeys: Sequence[str]) -> None:
        """Raises ConfigError when a key cannot be read or is that of another bank's log."""
        try:
            given = [Ed25519Verifier.of_vkey(text) for text in vkeys]
        except Unverifiable as error:
            raise ConfigError(f"a key of the broker's log cannot be read: {error.detail}") from error
        stems = {verifier.name.rpartition("/")[0] for verifier in given}
        if len(stems) != 1 or not (stem := stems.pop()).endswith(f"/audit/{bank_id}"):
            raise ConfigError(f"the keys must be those of the broker's log about '{bank_id}'")
        self._names = re.compile(rf"{re.escape(stem)}/[0-9]{{4}}(-[1-9][0-9]{{0,3}})?", re.ASCII)
        self._keys = tuple(dict.fromkeys(verifier.public_key for verifier in given))

    def verified(self, receipt: bytes) -> VerifiedReceipt:
        """Verify a receipt by its own bytes and the bank's keys alone.

        Raises: ReceiptRefused for another log, a bad signature, a leaf that does not stand in the tree, or no receipt.
        """
        try:
            origin = parse_checkpoint(parse_note(parse_proof(receipt).checkpoint).text).origin
        except Unverifiable as error:
            raise ReceiptRefused("receipt-malformed", error.detail) from error
        if not self._names.fullmatch(origin):
            raise ReceiptRefused("receipt-wrong-log", "The receipt is of a log that is not about this bank.")
        try:
            return verify_receipt(receipt, [Ed25519Verifier(origin, key) for key in self._keys], origin=origin)
        except Unverifiable as error:
            is_signature = error.code.startswith("signature-")
            raise ReceiptRefused(
                "receipt-not-signed" if is_signature else "receipt-not-proven", error.detail
            ) from error
