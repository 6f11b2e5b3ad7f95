"""Sends an event that only shows that the stream works, at its receiver's wish (SSF 1.0 §8.1.4)."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from broker.errors import InvalidRequest, TooManyCalls
from broker.events.announcing import put_instead
from broker.events.streams import own_row
from broker.events.vocabulary import EventType, StreamStatus

LEAST_INTERVAL = timedelta(seconds=10)
"""How far apart a receiver may ask for it (`min_verification_interval`)."""


def verify(session: Session, receiver: str, stream_id: str, state: str | None, now: datetime) -> None:
    """Put a verification event on its way; it carries the receiver's own `state` back.

    Raises:
        NotFound: unknown, or another receiver's.
        InvalidRequest: the stream is disabled, so that nothing is sent in it.
        TooManyCalls: asked for again too soon.
    """
    row = own_row(session, receiver, stream_id)
    if row.status == StreamStatus.DISABLED.value:
        raise InvalidRequest("Nothing is sent in a disabled stream. Enable it first.", code="stream-disabled")
    if row.verification_at is not None and now < row.verification_at + LEAST_INTERVAL:
        left = row.verification_at + LEAST_INTERVAL - now
        raise TooManyCalls(
            "A verification was asked for a moment ago.",
            code="verification-too-often",
            retry_after_s=-(-left // timedelta(seconds=1)),
        )
    row.verification_at = now
    put_instead(session, row, EventType.VERIFICATION, {} if state is None else {"state": state}, now)
