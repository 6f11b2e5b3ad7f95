"""Reads grants: one by its id, those of a person, those that have expired unrecorded."""

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.orm import Session

from broker.crypto.sealing import Sealer
from broker.grants.models import GrantAccountRow, GrantAmendmentRow, GrantCategoryRow, GrantRow
from broker.grants.proposals import Amendment, amendment_view
from broker.grants.views import UNCLAIMED_LIFE, Grant, status_under, view
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.storage.base import table_of
from broker.storage.prepared import Prepared, Transaction, rows_of_several
from broker.switches.reader import CONCERNING, all_switches, concerning, switches_of
from broker.switches.views import Switch, Target

# Built once, and run without the ORM: each call of a platform asks twice.
_GRANTS, _CATEGORIES_OF, _ACCOUNTS_OF = table_of(GrantRow), table_of(GrantCategoryRow), table_of(GrantAccountRow)
_GRANT = Prepared(select(_GRANTS).where(_GRANTS.c.id == bindparam("of_grant")))
# Categories, accounts and switches by one statement: a round trip each would cost more than all of their rows.
_PARTS = Prepared(
    rows_of_several(
        categories=select(_CATEGORIES_OF).where(_CATEGORIES_OF.c.grant_id == bindparam("of_grant")),
        accounts=select(_ACCOUNTS_OF).where(_ACCOUNTS_OF.c.grant_id == bindparam("of_grant")),
        switches=CONCERNING,
    )
)
_position = attrgetter("position")
_APPROVED = [GrantStatus.ACTIVE.value, GrantStatus.PAUSED.value]
_LIVE = [status.value for status in GrantStatus if not status.is_final]


class GrantReader:
    """Reads grants as immutable values; every read is on the primary database, nothing is cached (invariant 4)."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def find(self, session: Transaction, grant_id: str, now: datetime) -> Grant | None:
        """Return one grant, None when there is none with this id."""
        row = _GRANT.first(session, of_grant=grant_id)
        if row is None:
            return None
        of_grant = {"of_grant": grant_id, "at_bank": row.bank_id, "of_platform": row.platform_id}
        parts: dict[str, list[Any]] = {"categories": [], "accounts": [], "switches": []}
        for part in _PARTS.all(session, **of_grant):
            parts[part.part].append(part)
        categories, accounts = (sorted(parts[name], key=_position) for name in ("categories", "accounts"))
        off = switches_of(parts["switches"])
        return view(row, categories, accounts, self._sealer, now, switches=off)

    def of_user(self, session: Session, user_id: str, now: datetime) -> list[Grant]:
        """Return all grants of one person that were ever approved or refused, newest first."""
        query = select(GrantRow).where(GrantRow.user_id == user_id).order_by(GrantRow.created_at.desc())
        return self._views(session, query, now)

    def of_consent_key(self, session: Session, key: str, now: datetime) -> list[Grant]:
        """Return the proposals and the grant that came of one authorization request, newest first."""
        query = select(GrantRow).where(GrantRow.consent_key == key).order_by(GrantRow.created_at.desc())
        return self._views(session, query, now)

    def find_amendment(self, session: Session, amendment_id: str, now: datetime) -> Amendment | None:
        """Return one proposal to amend a grant, None when there is none with this id."""
        row = session.get(GrantAmendmentRow, amendment_id)
        return None if row is None else self._amendment(session, row, now)

    def amendments_of_key(self, session: Session, key: str, now: datetime) -> list[Amendment]:
        """Return the proposals to amend a grant that came of one authorization request, newest first."""
        query = select(GrantAmendmentRow).where(GrantAmendmentRow.consent_key == key)
        rows = session.scalars(query.order_by(GrantAmendmentRow.created_at.desc()))
        return [self._amendment(session, row, now) for row in rows]

    def statuses(self, session: Session, grant_ids: Collection[str], now: datetime) -> dict[str, GrantStatus]:
        """Return where each of these grants stands now; unknown ids are left out."""
        rows = session.scalars(select(GrantRow).where(GrantRow.id.in_(grant_ids)))
        off = all_switches(session)
        return {row.id: status_under(row, now, _own(off, row))[0] for row in rows}

    def overdue(self, session: Session, now: datetime, limit: int = 100) -> list[str]:
        """Return ids of grants that have expired but are not yet recorded as such."""
        unclaimed = (GrantRow.claimed_at.is_(None)) & (GrantRow.authorised_at <= now - UNCLAIMED_LIFE)
        query = select(GrantRow.id).where(GrantRow.status.in_(_LIVE), or_(GrantRow.expires_at <= now, unclaimed))
        return list(session.scalars(query.limit(limit)))

    def _amendment(self, session: Session, row: GrantAmendmentRow, now: datetime) -> Amendment:
        grant = session.get_one(GrantRow, row.grant_id)
        switches = concerning(session, grant.bank_id, grant.platform_id)
        seen = view(grant, grant.categories, grant.accounts, self._sealer, now, switches=switches)
        return amendment_view(row, seen, now)

    def _views(self, session: Session, query: Select[GrantRow], now: datetime) -> list[Grant]:
        off, rows = all_switches(session), session.scalars(query)
        return [view(row, row.categories, row.accounts, self._sealer, now, switches=off) for row in rows]


def live_between(session: Session, target: Target, now: datetime) -> int:
    """Return how many grants that have neither ended nor been paused a switch is about."""
    query = select(func.count(GrantRow.id)).where(
        GrantRow.status == GrantStatus.ACTIVE.value, GrantRow.expires_at > now
    )
    if target.bank_id:
        query = query.where(GrantRow.bank_id == target.bank_id)
    if target.platform_id:
        query = query.where(GrantRow.platform_id == target.platform_id)
    if target.category:
        active = (GrantCategoryRow.name == target.category) & (GrantCategoryRow.state == ClusterState.ACTIVE.value)
        query = query.where(GrantRow.categories.any(active))
    return session.scalar(query) or 0


def _own(switches: Sequence[Switch], row: GrantRow) -> list[Switch]:
    return [one for one in switches if one.target.concerns(row.bank_id, row.platform_id)]


def live_grants_of(session: Session, platform_id: str) -> list[str]:
    """Return ids of a platform's grants that have been approved and not ended; expired ones may be among them."""
    query = select(GrantRow.id).where(GrantRow.platform_id == platform_id, GrantRow.status.in_(_APPROVED))
    return list(session.scalars(query.order_by(GrantRow.id)))


def has_live_grant(session: Session, user_id: str, bank_id: str, now: datetime) -> bool:
    """Say whether the person has any grant at this bank that has not ended, proposals included."""
    query = select(GrantRow.id).where(
        GrantRow.user_id == user_id,
        GrantRow.bank_id == bank_id,
        GrantRow.status.in_(_LIVE),
        GrantRow.expires_at > now,
    )
    return session.execute(query.limit(1)).first() is not None
