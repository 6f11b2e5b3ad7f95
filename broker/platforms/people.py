"""The people of platforms: the operator invites them, each link lets one person in once.

Trusted with nothing: who reads the table learns no secret. Who writes it can show a platform's pages to anybody; no
bank data and no keys stand there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.crypto.digests import digest, new_secret
from broker.errors import InvalidRequest, NotFound
from broker.platforms import service as platforms
from broker.platforms.models import PlatformPersonRow
from broker.storage.base import new_id
from broker.storage.single_use import Claim

LINK_LIFE: Final = timedelta(hours=24)
"""For how long a link lets somebody in."""
_PREFIX = "pl"
_NAMESPACE = "platform_link"
_LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class PlatformPerson:
    """Somebody who works for a platform. `seen_at` is their last sign-in, None before the first."""

    id: str
    platform_id: str
    name: str
    created_at: datetime
    seen_at: datetime | None
    link_expires_at: datetime | None


def invite(session: Session, platform_id: str, name: str, now: datetime) -> tuple[PlatformPerson, str]:
    """Add a person and return them with the secret of their link, which is told this once.

    Raises:
        NotFound: there is no such platform.
        InvalidRequest: the name cannot be read.
    """
    if platforms.find(session, platform_id) is None:
        raise NotFound("There is no such platform.")
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise InvalidRequest("A person needs a name of at most 120 visible characters.")
    row = PlatformPersonRow(id=new_id(now), platform_id=platform_id, name=name, created_at=now)
    session.add(row)
    return _with_link(row, now)


def link_again(session: Session, person_id: str, now: datetime) -> tuple[PlatformPerson, str]:
    """Make another link for a person, and return its secret, this once; the link before it is worth nothing any more.

    Raises:
        NotFound: there is no such person.
    """
    return _with_link(_living(session, person_id), now)


def invited(session: Session, secret: str, now: datetime) -> PlatformPerson | None:
    """Return whom a link would let in now; asking uses nothing up. None for every link that lets nobody in."""
    row = session.scalar(select(PlatformPersonRow).where(PlatformPersonRow.link_digest == digest(secret)))
    return None if row is None or not _is_open(session, row, now) else _person(row)


def let_in(session: Session, secret: str, now: datetime) -> PlatformPerson | None:
    """Use a link up and return the person; one conditional statement decides who was first (invariant 6)."""
    found = invited(session, secret, now)
    if found is None or found.link_expires_at is None:
        return None
    if not Claim(_NAMESPACE, secret, found.link_expires_at).take(session):
        return None
    row = session.get_one(PlatformPersonRow, found.id)
    row.seen_at, row.link_digest, row.link_expires_at = now, None, None
    return _person(row)


def find(session: Session, person_id: str) -> PlatformPerson | None:
    """Return a person who has not been removed and whose platform has not been either."""
    row = session.get(PlatformPersonRow, person_id)
    is_there = row is not None and row.removed_at is None and platforms.find(session, row.platform_id) is not None
    return _person(row) if row is not None and is_there else None


def people_of(session: Session, platform_id: str) -> list[PlatformPerson]:
    """Return the people of a platform, without removed ones, in the order in which they came."""
    query = select(PlatformPersonRow).where(
        PlatformPersonRow.platform_id == platform_id, PlatformPersonRow.removed_at.is_(None)
    )
    return [_person(row) for row in session.scalars(query.order_by(PlatformPersonRow.id))]


def remove(session: Session, person_id: str, now: datetime) -> None:
    """Shut a person out: their link and their sessions are worth nothing from the next request on.

    Raises:
        NotFound: there is no such person.
    """
    row = _living(session, person_id)
    row.removed_at, row.link_digest, row.link_expires_at = now, None, None


def _with_link(row: PlatformPersonRow, now: datetime) -> tuple[PlatformPerson, str]:
    secret = new_secret(_PREFIX)
    row.link_digest, row.link_expires_at = digest(secret), now + LINK_LIFE
    return _person(row), secret


def _living(session: Session, person_id: str) -> PlatformPersonRow:
    row = session.get(PlatformPersonRow, person_id)
    if row is None or row.removed_at is not None:
        raise NotFound("There is no such person.")
    return row


def _is_open(session: Session, row: PlatformPersonRow, now: datetime) -> bool:
    is_young = row.link_expires_at is not None and now < row.link_expires_at
    return is_young and row.removed_at is None and platforms.find(session, row.platform_id) is not None


def _person(row: PlatformPersonRow) -> PlatformPerson:
    return PlatformPerson(row.id, row.platform_id, row.name, row.created_at, row.seen_at, row.link_expires_at)
