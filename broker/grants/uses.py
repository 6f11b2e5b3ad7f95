"""Counts a release, on the condition that the grant still is as it was judged."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult, exists, update
from sqlalchemy.orm import Session

from broker.grants.models import GrantCategoryRow, GrantRow
from broker.policy.vocabulary import ClusterState, GrantStatus


@dataclass(frozen=True, slots=True)
class Use:
    """One release of a category: "last used" on the person's page.

    Decided in the transaction that writes `access.released`, under the lock under which revocations are written: even
    if a fence were lost, no release stands after a revocation in the log (invariant 3). `seen_at` is the grant's
    `updated_at` when it was judged, `at` is now.
    """

    grant_id: str
    category: str
    seen_at: datetime
    at: datetime

    @property
    def key(self) -> str:
        """Return grant and category."""
        return f"use {self.grant_id} {self.category}"

    @property
    def lost_reason(self) -> str:
        """Return the code of a grant that changed on the way."""
        return "grant-changed"

    def take(self, session: Session) -> bool:
        """Count the use in one conditional statement; False when the grant has changed since it was judged."""
        grant, category = GrantRow, GrantCategoryRow
        unchanged = exists().where(
            grant.id == self.grant_id,
            grant.status == GrantStatus.ACTIVE.value,
            grant.expires_at > self.at,
            grant.updated_at == self.seen_at,
        )
        counted = (
            update(category)
            .where(category.grant_id == self.grant_id, category.name == self.category)
            .where(category.state == ClusterState.ACTIVE.value, unchanged)
            .values(use_count=category.use_count + 1, last_use_at=self.at)
        )
        whole = (
            update(grant).where(grant.id == self.grant_id).values(use_count=grant.use_count + 1, last_use_at=self.at)
        )
        quiet = {"synchronize_session": False}
        if cast("CursorResult[None]", session.execute(counted, execution_options=quiet)).rowcount != 1:
            return False
        session.execute(whole, execution_options=quiet)
        return True
