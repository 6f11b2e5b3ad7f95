"""The sessions of one person: which there are, and ending them. Whoever is ended is signed out at their next click."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import session as browser
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from broker.crypto.digests import digest
from broker.edge.services import services
from broker.edge.session import ABSOLUTE, IDLE, WebSession, context_of
from broker.edge.session_models import WebSessionRow
from broker.edge.visitor import BROWSER_WORDS, PROVED, Means
from broker.errors import NotFound
from broker.users.passkeys import Owner


@dataclass(frozen=True, slots=True)
class OwnSession:
    """One browser in which somebody is signed in. `id` is the digest of its secret, in hex: with it nobody gets in.

    `by` says in which ways they proved who they are; `program` and `system` are empty when they are not known.
    """

    id: str
    begun_at: datetime
    seen_at: datetime
    by: tuple[Means, ...]
    program: str
    system: str
    is_this: bool


def listed(session: Session, owner: Owner, now: datetime) -> list[OwnSession]:
    """Return the sessions that live, this one first, then the one seen last."""
    alive = (WebSessionRow.seen_at > now - IDLE) & (WebSessionRow.created_at > now - ABSOLUTE)
    rows = session.scalars(select(WebSessionRow).where(_of(owner), alive).order_by(WebSessionRow.seen_at.desc())).all()
    return sorted((_read(row) for row in rows), key=lambda one: not one.is_this)


def end(session: Session, owner: Owner, session_id: str) -> None:
    """End one session of the owner's.

    Raises:
        NotFound: it has ended already, or is somebody else's.
    """
    try:
        key = bytes.fromhex(session_id)
    except ValueError as error:
        raise NotFound from error
    mine = delete(WebSessionRow).where(_of(owner), WebSessionRow.digest == key)
    if session.execute(mine.returning(WebSessionRow.digest)).first() is None:
        raise NotFound("This session has ended already.")


def end_others(session: Session, owner: Owner) -> None:
    """End every session of the owner's but this one."""
    session.execute(delete(WebSessionRow).where(_of(owner), WebSessionRow.digest != _this()))


def end_all(session: Session, owner: Owner) -> None:
    """End every session of the owner's, in the caller's transaction."""
    session.execute(delete(WebSessionRow).where(_of(owner)))


def _read(row: WebSessionRow) -> OwnSession:
    content = json.loads(services().sealer.open(row.sealed, context_of(row.digest)))
    program, system = content.get(BROWSER_WORDS, ("", ""))
    by = tuple(means for means in Means if means.value in content.get(PROVED, {}))
    is_this = row.digest == _this()
    return OwnSession(row.digest.hex(), row.created_at, row.seen_at, by, program, system, is_this)


def _this() -> bytes:
    return digest(cast("WebSession", browser).secret or "")


def _of(owner: Owner) -> ColumnElement[bool]:
    return (WebSessionRow.owner_kind == owner.kind.value) & (WebSessionRow.owner_id == owner.id)
