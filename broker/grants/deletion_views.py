"""What others see of a request to delete: immutable values, as they stand at this instant."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from broker.grants.models import DeletionRow


class Statement(StrEnum):
    """What a platform says in the end: it has deleted everything, or it keeps a part."""

    COMPLETED = "completed"
    PARTLY_RETAINED = "partly-retained"


class KeptBecause(StrEnum):
    """Why a platform keeps a part. The list is closed: nothing that a platform words itself reaches a page."""

    LEGAL_OBLIGATION = "legal-obligation"
    LEGAL_CLAIMS = "legal-claims"
    FRAUD_PREVENTION = "fraud-prevention"
    PERSON_AGREED = "person-agreed"


@dataclass(frozen=True, slots=True)
class Deletion:
    """One request as it stands now. `is_overdue`: the platform should have been done by now, by `respond_by`."""

    id: str
    grant_id: str
    requested_at: datetime
    respond_by: datetime
    acknowledged_at: datetime | None
    completed_at: datetime | None
    statement: Statement | None
    kept_because: KeptBecause | None
    is_overdue: bool

    def covers(self, last_use_at: datetime | None) -> bool:
        """Say whether asking again would ask for nothing: it is open, or all was deleted and nothing has come since."""
        if self.completed_at is None:
            return True
        return self.statement is Statement.COMPLETED and (last_use_at is None or last_use_at <= self.completed_at)

    @property
    def status(self) -> str:
        """Return where it stands in one word, as the API and the rows of My sharing say it."""
        if self.statement is not None:
            return self.statement.value
        return "requested" if self.acknowledged_at is None else "acknowledged"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a platform's list, oldest first: at most `limit` behind the one with the id `after`."""

    limit: int
    after: str | None = None
    is_open: bool | None = None


def view(row: DeletionRow, now: datetime) -> Deletion:
    """Return a request as an immutable value."""
    return Deletion(
        id=row.id,
        grant_id=row.grant_id,
        requested_at=row.requested_at,
        respond_by=row.respond_by,
        acknowledged_at=row.acknowledged_at,
        completed_at=row.completed_at,
        statement=Statement(row.statement) if row.statement else None,
        kept_because=KeptBecause(row.kept_because) if row.kept_because else None,
        is_overdue=row.completed_at is None and row.respond_by <= now,
    )


def newest_of(session: Session, grant_ids: Collection[str], now: datetime) -> Mapping[str, Deletion]:
    """Return the newest request of each of these grants; a grant without one is left out."""
    query = select(DeletionRow).where(DeletionRow.grant_id.in_(grant_ids)).order_by(DeletionRow.id)
    return {row.grant_id: view(row, now) for row in session.scalars(query)}


def of_platform(session: Session, platform_id: str, part: Part, now: datetime) -> tuple[list[Deletion], int]:
    """Return one part of what a platform was asked, and how many there are in all."""
    wanted = [DeletionRow.platform_id == platform_id]
    if part.is_open is not None:
        wanted.append(DeletionRow.completed_at.is_(None) if part.is_open else DeletionRow.completed_at.is_not(None))
    total = session.scalar(select(func.count(DeletionRow.id)).where(*wanted)) or 0
    query = select(DeletionRow).where(*wanted).order_by(DeletionRow.id).limit(part.limit)
    behind = query if part.after is None else query.where(DeletionRow.id > part.after)
    return [view(row, now) for row in session.scalars(behind)], total
