"""What lies between a live grant and its next version: a proposal to amend it, as an immutable value."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from broker.grants.models import GrantAmendmentRow
from broker.grants.views import Grant
from broker.policy.amending import merged
from broker.policy.terms import Terms
from broker.policy.vocabulary import ClusterState, DurationType, GrantStatus


class AmendAction(StrEnum):
    """How a platform wants to amend a grant (Grant Management for OAuth 2.0, draft 03, §4.2)."""

    MERGE = "merge"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Amendment:
    """One proposal to amend a grant. `grant` is the grant as it stands at this instant, untouched by the proposal.

    `status` is the proposal's own: waiting, ACTIVE once approved, REJECTED, or EXPIRED when its time or its grant has
    gone by.
    """

    id: str
    grant: Grant
    action: AmendAction
    asked: Terms
    base_version: int
    status: GrantStatus
    status_code: str
    notice: Mapping[str, Any]
    consent_key: str
    return_path: str
    return_origin: str
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None

    @property
    def most(self) -> Terms:
        """Return the most that the person may agree to."""
        return most_of(self.grant, self.action, self.asked)


def is_amendable(grant: Grant) -> bool:
    """Say whether a grant can have a further version: a single read-out has none, and neither has what has ended."""
    is_live = grant.status in {GrantStatus.ACTIVE, GrantStatus.PAUSED, GrantStatus.SUSPENDED}
    return is_live and grant.terms.duration_type is not DurationType.ONE_TIME


def standing_terms(grant: Grant) -> Terms:
    """Return the terms of a grant without the categories that were ended for good."""
    standing = tuple(c.term for c in grant.categories if c.state is not ClusterState.REVOKED)
    return replace(grant.terms, categories=standing)


def most_of(grant: Grant, action: AmendAction, asked: Terms) -> Terms:
    """Return the most that an action may make of a grant.

    Raises:
        ValueError: what is asked for has another purpose, kind of duration or bank than the grant.
    """
    most = merged(standing_terms(grant), asked)
    return most if action is AmendAction.MERGE else asked


def amendment_view(row: GrantAmendmentRow, grant: Grant, now: datetime) -> Amendment:
    """Return a proposal with the grant that it is about; its end by time or by events is decided on read."""
    status, code = _status_now(row, grant, now)
    return Amendment(
        id=row.id,
        grant=grant,
        action=AmendAction(row.action),
        asked=Terms.from_json(row.asked),
        base_version=row.base_version,
        status=status,
        status_code=code,
        notice=row.notice,
        consent_key=row.consent_key,
        return_path=row.return_path,
        return_origin=row.return_origin,
        created_at=row.created_at,
        expires_at=row.expires_at,
        decided_at=row.decided_at,
    )


def own_status(row: GrantAmendmentRow, now: datetime) -> tuple[GrantStatus, str]:
    """Return where a proposal stands by itself with its code, whatever has become of its grant."""
    status = GrantStatus(row.status)
    is_over = status is GrantStatus.AWAITING_AUTHORISATION and row.expires_at <= now
    return (GrantStatus.EXPIRED, "unapproved") if is_over else (status, row.status_code)


def _status_now(row: GrantAmendmentRow, grant: Grant, now: datetime) -> tuple[GrantStatus, str]:
    is_open = GrantStatus(row.status) is GrantStatus.AWAITING_AUTHORISATION
    if is_open and (grant.version != row.base_version or not is_amendable(grant)):
        return GrantStatus.EXPIRED, "amendment-superseded"
    return own_status(row, now)
