"""Counts a release, on the condition that the grant still is as it was judged."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, update

from broker.grants.models import GrantCategoryRow, GrantRow
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.storage.base import table_of
from broker.storage.prepared import Prepared, Transaction
from broker.storage.single_use import Loss

_GRANTS, _CATEGORIES = table_of(GrantRow), table_of(GrantCategoryRow)
_UNCHANGED = exists().where(
    _GRANTS.c.id == bindparam("of_grant"),
    _GRANTS.c.status == GrantStatus.ACTIVE.value,
    _GRANTS.c.expires_at > bindparam("at"),
    _GRANTS.c.updated_at == bindparam("seen_at"),
)
_COUNTED = Prepared(
    update(_CATEGORIES)
    .where(_CATEGORIES.c.grant_id == bindparam("of_grant"), _CATEGORIES.c.name == bindparam("of_category"))
    .where(_CATEGORIES.c.state == ClusterState.ACTIVE.value, _UNCHANGED)
    .values(use_count=_CATEGORIES.c.use_count + 1, last_use_at=bindparam("at"))
)
_COUNTED_WHOLE = Prepared(
    update(_GRANTS)
    .where(_GRANTS.c.id == bindparam("of_grant"))
    .values(use_count=_GRANTS.c.use_count + 1, last_use_at=bindparam("at"))
)


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
    def loss(self) -> Loss:
        """Return what is told of a grant that changed on the way."""
        return Loss("grant-changed", "release.grant", "The permission changed while the data was on the way.")

    def take(self, session: Transaction) -> bool:
        """Count the use in one conditional statement; False when the grant has changed since it was judged."""
        use = {"of_grant": self.grant_id, "of_category": self.category, "seen_at": self.seen_at, "at": self.at}
        if _COUNTED.change(session, **use) != 1:
            return False
        _COUNTED_WHOLE.change(session, of_grant=self.grant_id, at=self.at)
        return True
