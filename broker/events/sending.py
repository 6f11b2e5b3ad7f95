"""Sends one event to its receiver and reads what it says of it (RFC 8935 §2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from broker.crypto.sealing import Sealer
from broker.crypto.strict_json import read_object
from broker.errors import BankUnavailable
from broker.events.leases import Parcel
from broker.events.outcomes import Outcome, Result
from broker.events.set_tokens import TYP, EventSigner
from broker.events.streams import sealed_to
from broker.outbound import OutboundClient

TIMEOUT_S: Final = 8.0
LARGEST_ANSWER: Final = 65_536
_TAKEN, _REFUSED = 202, 400
_LONGEST_SAID = 200
_ERR = re.compile(r"[A-Za-z0-9_.:-]{1,40}")


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends one event at a time; safe to share between threads."""

    http: OutboundClient
    signer: EventSigner
    sealer: Sealer

    def send(self, parcel: Parcel, endpoint: str, sealed: bytes | None) -> Outcome:
        """Push one event; only 202 means that it was taken, and 400 that the receiver will not have it.

        `sealed` is the Authorization header of the stream. The call is logged with its receiver and its status alone.
        """
        headers = {"Content-Type": f"application/{TYP}", "Accept": "application/json"}
        if sealed is not None:
            headers["Authorization"] = self.sealer.open(sealed, sealed_to(parcel.stream_id)).decode()
        body = self._token(parcel).encode("ascii")
        try:
            answer = self.http.send("POST", endpoint, headers, body, breaker=f"events of {parcel.receiver}")
        except BankUnavailable as error:  # the one failure of every call that we make, to a bank or not
            return Outcome(parcel, Result.FAILED, error.detail.replace("The bank", "The receiver"))
        if answer.status == _TAKEN:
            return Outcome(parcel, Result.TAKEN)
        if answer.status == _REFUSED:
            return Outcome(parcel, Result.REFUSED, said(answer.body))
        return Outcome(parcel, Result.FAILED, f"The receiver answered {answer.status}, not 202.")

    def _token(self, parcel: Parcel) -> str:
        return self.signer.token(
            jti=parcel.jti,
            receiver=parcel.receiver,
            subject=parcel.grant_id or parcel.stream_id,
            event_type=parcel.event_type,
            claims=parcel.claims,
            created_at=parcel.created_at,
        )


def said(body: bytes) -> str:
    """Return why a receiver refuses (RFC 8935 §2.3), made harmless: it is shown to people."""
    try:
        told = read_object(body)
    except ValueError:
        return "The receiver refused it (400) and did not say why."
    return reason_of(told)


def reason_of(told: Mapping[str, Any]) -> str:
    """Return the `err` and the `description` of a refusal as one readable line."""
    err, description = told.get("err"), told.get("description")
    code = err if isinstance(err, str) and _ERR.fullmatch(err) else "no code"
    words = description if isinstance(description, str) else ""
    seen = "".join(one if one.isprintable() else "\u00b7" for one in words[:_LONGEST_SAID])
    return f"{code}: {seen}" if seen else code
