"""Where the bank's authorization server takes tokens back and renews them, read from its metadata."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from broker.banks.connectors.fields import Fields
from broker.clock import Clock
from broker.errors import BankInvalidAnswer
from broker.outbound import OutboundClient, is_at

_KEPT_FOR: Final = timedelta(minutes=10)
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the broker uses of OpenID Provider metadata (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).

    `told_at` is what the bank's clock said meanwhile (the Date header, RFC 9110 §6.6.1), None if it said nothing.
    """

    token_endpoint: str
    revocation_endpoint: str | None
    told_at: datetime | None


class Discovery:
    """Reads a bank's metadata and keeps it in memory for ten minutes. Its endpoints must be where issuer or API are."""

    def __init__(self, bank_id: str, issuer: str, api_base: str, http: OutboundClient, clock: Clock) -> None:
        self._bank_id = bank_id
        self._issuer = issuer
        self._homes = (issuer, api_base)
        self._http = http
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[datetime, Metadata] | None = None

    def metadata(self) -> Metadata:
        """Give the metadata, from memory when it is fresh.

        Raises: as `read`.
        """
        now = self._clock()
        with self._lock:
            if self._kept is not None and now - self._kept[0] < _KEPT_FOR:
                return self._kept[1]
        # Read without the lock: a slow bank must not make its callers queue behind one another.
        read = self.read()
        with self._lock:
            self._kept = (now, read)
        return read

    def read(self) -> Metadata:
        """Read the metadata anew.

        Raises: BankUnavailable, BankTimeout; BankInvalidAnswer when it is another issuer's or leads elsewhere.
        """
        url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        answer = self._http.get(url, {"Accept": "application/json"}, breaker=self._bank_id)
        if answer.status != _OK:
            raise BankInvalidAnswer("The bank does not publish its metadata.")
        fields = Fields(answer.json(), "metadata")
        # RFC 8414 §3.3: the issuer has to be identical, or the metadata must not be used.
        fields.get("issuer", self._same_issuer)
        return Metadata(
            token_endpoint=fields.get("token_endpoint", self._endpoint),
            revocation_endpoint=fields.find("revocation_endpoint", self._endpoint),
            told_at=_date(answer.headers.get("date")),
        )

    def _same_issuer(self, value: Any) -> None:
        if value != self._issuer:
            raise ValueError

    def _endpoint(self, value: Any) -> str:
        if not is_at(value, *self._homes):
            raise ValueError
        return str(value)


def _date(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
