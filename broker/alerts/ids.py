"""The ids by which platforms fetch alerts: sealed, so that nothing has to be kept to find an alert again.

Trusted: an id opens for the grant and the platform it was made for and for nobody else, and only for its time.
"""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from broker.crypto.digests import base64url
from broker.crypto.sealing import Sealer
from broker.errors import ConfigurationInvalid, NotFound

LONGEST_REF: Final = 64
"""How many characters (ASCII) a bank's own id of an alert may have."""

# All ids are equally long, so that none tells how long the bank's own id is.
_ROOM: Final = 160
_LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Sealed:
    """What an id holds: the bank's own id of the alert, the account as the platform knows it, when it was announced."""

    ref: str
    account_id: str
    announced_at: datetime


@dataclass(frozen=True, slots=True)
class AlertIds:
    """Makes and opens the ids of one grant."""

    sealer: Sealer
    platform_id: str
    grant_id: str

    def made(self, sealed: Sealed) -> str:
        """Return a new id; two for the same alert differ."""
        plain = json.dumps([sealed.ref, sealed.account_id, int(sealed.announced_at.timestamp())])
        return base64url(self.sealer.seal(plain.encode().ljust(_ROOM), self._context))

    def opened(self, alert_id: str, life: timedelta, now: datetime) -> Sealed:
        """Return what an id holds.

        Raises:
            NotFound: forged, altered, another grant's or platform's, or older than `life`: which, is not told.
        """
        try:
            ref, account_id, announced_at = json.loads(self.sealer.open(_bytes_of(alert_id), self._context))
        except (ConfigurationInvalid, ValueError) as error:
            raise unknown() from error
        found = Sealed(ref, account_id, datetime.fromtimestamp(announced_at, UTC))
        if now >= found.announced_at + life:
            raise unknown()
        return found

    @property
    def _context(self) -> str:
        return f"fraud_alerts/{self.platform_id}/{self.grant_id}"


def _bytes_of(alert_id: str) -> bytes:
    """Decode the one spelling of an id; any other raises ValueError."""
    sealed = urlsafe_b64decode(alert_id + "=" * (-len(alert_id) % 4)) if len(alert_id) <= _LONGEST else b""
    if base64url(sealed) != alert_id:
        raise ValueError
    return sealed


def unknown() -> NotFound:
    """Return the one answer to every id that opens nothing."""
    return NotFound("There is no such alert for you.", code="alert-unknown")
