"""What travels with a request to a bank and with an answer to a platform: a receipt, and what its entry commits to."""

from typing import Final

from broker.audit.vocabulary import RESPONSE_DIGEST, Appended
from broker.banks.connector import Announced
from broker.crypto.digests import base64url
from broker.errors import BankUnavailable
from broker.tlog.disclosure import encode
from broker.tlog.errors import Unverifiable

_FOR_THE_BANK: Final = frozenset({"customer", "accounts", "alert", "endpoint", "window"})


def for_the_bank(appended: Appended) -> Announced:
    """Return what shows the bank that the entry announces its request: never more than the bank knows already.

    Raises:
        BankUnavailable: so many accounts are asked for at once that no header holds them.
    """
    try:
        disclosures = encode(appended.disclosed(_FOR_THE_BANK))
    except Unverifiable as error:
        raise BankUnavailable(
            "These are too many accounts for one request to the bank. Ask for one at a time."
        ) from error
    return Announced(base64url(appended.receipt), disclosures)


def for_the_platform(appended: Appended) -> tuple[str, str]:
    """Return receipt and disclosures of a released answer: the digest of its bytes and nothing else."""
    return base64url(appended.receipt), encode(appended.disclosed({RESPONSE_DIGEST}))
