"""Writes an event as a security event token (RFC 8417), signed by the keys that the broker publishes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker.clock import Clock
from broker.crypto.signing import SigningKeys

TYP = "secevent+jwt"


@dataclass(frozen=True, slots=True)
class EventSigner:
    """Signs events as their issuer. `keys` gives the keys as they are now, since they may be rotated meanwhile."""

    issuer: str
    keys: Callable[[], SigningKeys]
    wall: Clock

    def token(
        self,
        *,
        jti: str,
        receiver: str,
        subject: str,
        event_type: str,
        claims: Mapping[str, Any],
        created_at: datetime,
    ) -> str:
        """Return the token: the same claims each time that it is sent, and neither `sub` nor `exp` (SSF 1.0 §4.1).

        `subject` is the id of a grant, or that of a stream where the event is about the stream itself.
        """
        told = {
            "iss": self.issuer,
            "aud": receiver,
            "iat": int(created_at.timestamp()),
            "jti": jti,
            "sub_id": {"format": "opaque", "id": subject},
            "events": {event_type: dict(claims)},
        }
        return self.keys().sign(told, typ=TYP, now=self.wall())
