"""The stream of one receiver: which events it wants, and how it gets them (SSF 1.0 §8.1.1). Each has one at most.

Trusted: who can write these rows decides where events go. The receiver's Authorization header is sealed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.orm import Session

from broker.crypto.sealing import Sealer
from broker.errors import AlreadyThere, BankUnavailable, InvalidRequest, NotFound, NotPermitted
from broker.events.announcing import put_instead
from broker.events.delivery_models import EventDeliveryRow
from broker.events.stream_models import EventStreamRow
from broker.events.vocabulary import SUPPORTED, DeliveryMethod, DeliveryState, EventType, StreamStatus
from broker.outbound.target import parse
from broker.platforms import service as platforms
from broker.platforms.models import PlatformRow
from broker.platforms.service import PlatformKind
from broker.storage.base import new_id

_Row = EventDeliveryRow


@dataclass(frozen=True, slots=True)
class Wish:
    """What a receiver asks for. `authorization` is the Authorization header of each push, None for none."""

    method: DeliveryMethod = DeliveryMethod.POLL
    endpoint: str | None = None
    authorization: str | None = None
    requested: tuple[str, ...] = tuple(kind.value for kind in SUPPORTED)
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream as it stands. `endpoint` is where events are pushed to, None where they are polled for."""

    id: str
    receiver: str
    method: DeliveryMethod
    endpoint: str | None
    requested: tuple[str, ...]
    description: str | None
    status: StreamStatus
    status_reason: str | None
    has_authorization: bool

    @property
    def delivered(self) -> tuple[str, ...]:
        """Return the types of events that the receiver gets: those it wants and we have."""
        return tuple(kind.value for kind in SUPPORTED if kind.value in self.requested)


def find(session: Session, receiver: str) -> Stream | None:
    """Return the stream of a receiver, None without one."""
    row = session.scalars(select(EventStreamRow).where(EventStreamRow.receiver == receiver)).first()
    return None if row is None else _view(row)


def own(session: Session, receiver: str, stream_id: str) -> Stream:
    """Return the receiver's stream with this id.

    Raises:
        NotFound: unknown, or another receiver's.
    """
    return _view(_own(session, _owned(receiver, stream_id)))


def own_row(session: Session, receiver: str, stream_id: str) -> EventStreamRow:
    """Return the row of the receiver's stream, locked.

    Raises:
        NotFound: unknown, or another receiver's.
    """
    query = _owned(receiver, stream_id).with_for_update()
    return _own(session, query.execution_options(populate_existing=True))


def create(
    session: Session, sealer: Sealer, receiver: str, wish: Wish, *, allowed: Collection[str], now: datetime
) -> Stream:
    """Give a client its stream; what happens from now on is announced to it.

    Raises:
        NotPermitted: only platforms and banks are told of grants.
        AlreadyThere: it has a stream.
        InvalidRequest: the address cannot be called.
    """
    client = platforms.find(session, receiver)
    if client is None or client.kind is PlatformKind.RESOURCE_SERVER:
        raise NotPermitted("Events are for platforms and banks.", code="stream-not-permitted")
    session.get(PlatformRow, receiver, with_for_update=True)  # two at once: the second sees the stream of the first
    if find(session, receiver) is not None:
        raise AlreadyThere("You have a stream already. Change it, or delete it first.", code="stream-exists")
    row = EventStreamRow(
        id=new_id(now),
        receiver=receiver,
        bank_id=client.bank_id,
        status=StreamStatus.ENABLED.value,
        failures=0,
        created_at=now,
    )
    _write(row, sealer, wish, allowed=allowed, now=now)
    session.add(row)
    return _view(row)


def change(
    session: Session,
    sealer: Sealer,
    receiver: str,
    stream_id: str,
    wish: Wish,
    *,
    allowed: Collection[str],
    now: datetime,
    keeps_authorization: bool = False,
) -> Stream:
    """Put another wish in the place of the stream's; what waits goes to the new address.

    Raises:
        NotFound: unknown, or another receiver's.
        InvalidRequest: the address cannot be called.
    """
    row = own_row(session, receiver, stream_id)
    kept = row.sealed_authorization
    _write(row, sealer, wish, allowed=allowed, now=now)
    if keeps_authorization and wish.method is DeliveryMethod.PUSH:
        row.sealed_authorization = kept
    row.failures, row.held_until = 0, None
    return _view(row)


def remove(session: Session, receiver: str, stream_id: str) -> None:
    """Take a stream away, with all that waits for it.

    Raises:
        NotFound: unknown, or another receiver's.
    """
    row = own_row(session, receiver, stream_id)
    _forget_waiting(session, row.id)
    session.delete(row)


def set_status(
    session: Session, receiver: str, stream_id: str, status: StreamStatus, *, reason: str | None, now: datetime
) -> Stream:
    """Let events flow, wait or be dropped from now on, and announce that (SSF 1.0 §8.1.5).

    Raises:
        NotFound: unknown, or another receiver's.
    """
    row = own_row(session, receiver, stream_id)
    if row.status != status.value:
        if status is StreamStatus.DISABLED:
            _forget_waiting(session, row.id, _Row.event_type != EventType.STREAM_UPDATED.value)
        row.status, row.updated_at, row.failures, row.held_until = status.value, now, 0, None
        told = {"status": status.value} | ({"reason": reason} if reason else {})
        put_instead(session, row, EventType.STREAM_UPDATED, told, now)
    row.status_reason = reason
    return _view(row)


def sealed_to(stream_id: str) -> str:
    """Return what the Authorization header of a stream is sealed to: its row."""
    return f"event_streams/{stream_id}"


def _forget_waiting(session: Session, stream_id: str, *which: ColumnElement[bool]) -> None:
    """Drop what waits for a stream; its receiver sees by the numbers that it has missed something."""
    waiting = _Row.state == DeliveryState.WAITING.value
    session.execute(delete(_Row).where(_Row.stream_id == stream_id, waiting, *which))


def _owned(receiver: str, stream_id: str) -> Select[EventStreamRow]:
    return select(EventStreamRow).where(EventStreamRow.id == stream_id, EventStreamRow.receiver == receiver)


def _own(session: Session, query: Select[EventStreamRow]) -> EventStreamRow:
    row = session.scalars(query).first()
    if row is None:
        raise NotFound("You have no such stream.")
    return row


def _write(row: EventStreamRow, sealer: Sealer, wish: Wish, *, allowed: Collection[str], now: datetime) -> None:
    if wish.method is DeliveryMethod.PUSH:
        _check_endpoint(wish.endpoint, allowed)
    row.method, row.updated_at = wish.method.value, now
    row.endpoint = wish.endpoint if wish.method is DeliveryMethod.PUSH else None
    row.requested, row.description = list(wish.requested), wish.description
    row.sealed_authorization = None
    if wish.authorization is not None:
        row.sealed_authorization = sealer.seal(wish.authorization.encode(), sealed_to(row.id))


def _check_endpoint(endpoint: str | None, allowed: Collection[str]) -> None:
    try:
        parse(endpoint or "", frozenset(one.lower() for one in allowed))
    except BankUnavailable as error:
        raise InvalidRequest(
            "Events are pushed to https addresses that are public, or that the operator has listed.",
            code="endpoint-refused",
        ) from error


def _view(row: EventStreamRow) -> Stream:
    return Stream(
        id=row.id,
        receiver=row.receiver,
        method=DeliveryMethod(row.method),
        endpoint=row.endpoint,
        requested=tuple(row.requested),
        description=row.description,
        status=StreamStatus(row.status),
        status_reason=row.status_reason,
        has_authorization=row.sealed_authorization is not None,
    )


def all_streams(session: Session) -> list[dict[str, Any]]:
    """Return every stream as JSON values, with how many events wait for it and how many were given up."""
    counts = {
        (row.stream_id, row.state): row.count
        for row in session.execute(
            select(_Row.stream_id, _Row.state, func.count().label("count"))
            .where(_Row.state != DeliveryState.TAKEN.value)
            .group_by(_Row.stream_id, _Row.state)
        )
    }
    return [
        {
            "receiver": row.receiver,
            "stream_id": row.id,
            "method": row.method.rpartition(":")[2],
            "endpoint": row.endpoint,
            "status": row.status,
            "failures": row.failures,
            "waiting": counts.get((row.id, DeliveryState.WAITING.value), 0),
            "dead": counts.get((row.id, DeliveryState.DEAD.value), 0),
        }
        for row in session.scalars(select(EventStreamRow).order_by(EventStreamRow.receiver))
    ]
