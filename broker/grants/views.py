"""What others see of a grant: immutable values, with the status as it is at this instant."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from broker.crypto.sealing import Sealer
from broker.grants.models import GrantAccountRow, GrantCategoryRow, GrantRow
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import ClusterState, Detail, GrantStatus, Precision
from broker.switches.views import Side, Switch

UNCLAIMED_LIFE = timedelta(minutes=10)
"""A grant whose authorization code is never redeemed ends after this (02, one consent)."""

_SUSPENDED_BY = {Side.BANK: "suspended-by-bank", Side.OPERATOR: "suspended-by-operator"}


@dataclass(frozen=True, slots=True)
class GrantedCategory:
    """One category of a grant, its state and its use."""

    term: CategoryTerm
    state: ClusterState
    use_count: int
    last_use_at: datetime | None


@dataclass(frozen=True, slots=True)
class GrantedAccount:
    """One account of a grant: the platform's pairwise id, the bank's id and the label the person saw."""

    account_id: str
    bank_ref: str
    label: str
    state: ClusterState


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant as it stands at this instant. `terms` is what was approved, or asked while nothing is approved.

    `switches` are those that are off between its bank and its platform, for any category.
    """

    id: str
    version: int
    status: GrantStatus
    status_code: str
    status_at: datetime
    user_id: str
    bank_id: str
    platform_id: str
    subject_id: str
    terms: Terms
    notice: Mapping[str, Any]
    consent_key: str
    return_path: str
    return_origin: str
    created_at: datetime
    authorised_at: datetime | None
    updated_at: datetime
    expires_at: datetime
    use_count: int
    last_use_at: datetime | None
    categories: tuple[GrantedCategory, ...]
    accounts: tuple[GrantedAccount, ...]
    switches: tuple[Switch, ...] = ()

    def category(self, name: str) -> GrantedCategory | None:
        """Return one category of the grant, None when the grant does not name it."""
        return next((category for category in self.categories if category.term.name == name), None)

    @property
    def live_categories(self) -> tuple[str, ...]:
        """Return the names of the categories that may be released now."""
        if self.status is not GrantStatus.ACTIVE or not self.live_accounts:
            return ()
        return tuple(c.term.name for c in self.categories if c.state is ClusterState.ACTIVE)

    @property
    def live_accounts(self) -> tuple[GrantedAccount, ...]:
        """Return the accounts that are neither paused nor removed."""
        return tuple(account for account in self.accounts if account.state is ClusterState.ACTIVE)


def status_now(row: GrantRow | Row[Any], now: datetime) -> tuple[GrantStatus, str]:
    """Decide the status on read: expiry never waits for the worker to record it."""
    status = GrantStatus(row.status)
    if status.is_final:
        return status, row.status_code
    if row.expires_at <= now:
        return GrantStatus.EXPIRED, "unapproved" if status is GrantStatus.AWAITING_AUTHORISATION else "ended"
    if row.authorised_at is not None and row.claimed_at is None and row.authorised_at + UNCLAIMED_LIFE <= now:
        return GrantStatus.EXPIRED, "unclaimed"
    return status, row.status_code


def status_under(
    row: GrantRow | Row[Any], now: datetime, switches: Sequence[Switch]
) -> tuple[GrantStatus, str, datetime]:
    """Decide the status on read, with its code and since when: an active grant that a switch stops is suspended.

    A pause stays one, since it is the person's own and they can end it. The switches are those of bank and platform.
    """
    status, code = status_now(row, now)
    whole = [one for one in switches if one.is_whole]
    if status is not GrantStatus.ACTIVE or not whole:
        return status, code, row.status_at
    first = min(whole, key=lambda one: one.since_at)
    return GrantStatus.SUSPENDED, _SUSPENDED_BY[first.side], max(row.status_at, first.since_at)


def view(
    row: GrantRow | Row[Any],
    categories: Sequence[GrantCategoryRow | Row[Any]],
    accounts: Sequence[GrantAccountRow | Row[Any]],
    sealer: Sealer,
    now: datetime,
    *,
    switches: Sequence[Switch],
) -> Grant:
    """Return the grant as an immutable value, whether its rows were read with or without the ORM.

    `switches` are those that are off; those of other banks and platforms are left out.
    """
    own = tuple(one for one in switches if one.target.concerns(row.bank_id, row.platform_id))
    status, code, status_at = status_under(row, now, own)
    off = {one.target.category for one in own}
    return Grant(
        id=row.id,
        version=row.version,
        status=status,
        status_code=code,
        status_at=status_at,
        user_id=row.user_id,
        bank_id=row.bank_id,
        platform_id=row.platform_id,
        subject_id=row.subject_id,
        terms=Terms.from_json(row.terms or row.asked),
        notice=row.notice,
        consent_key=row.consent_key,
        return_path=row.return_path,
        return_origin=row.return_origin,
        created_at=row.created_at,
        authorised_at=row.authorised_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
        use_count=row.use_count,
        last_use_at=row.last_use_at,
        categories=tuple(
            GrantedCategory(
                CategoryTerm(
                    c.name, Detail(c.detail) if c.detail else None, Precision(c.precision) if c.precision else None
                ),
                _state_under(c, off),
                c.use_count,
                c.last_use_at,
            )
            for c in categories
        ),
        accounts=tuple(_account(account, sealer) for account in accounts),
        switches=own,
    )


def seal_account(sealer: Sealer, grant_id: str, account_id: str, bank_ref: str, label: str) -> bytes:
    """Seal what must not be readable in the database: the bank's account id and the label."""
    plain = json.dumps([bank_ref, label], ensure_ascii=False).encode()
    return sealer.seal(plain, f"grant_accounts/{grant_id}/{account_id}")


def _state_under(row: GrantCategoryRow | Row[Any], off: Collection[str]) -> ClusterState:
    state = ClusterState(row.state)
    return ClusterState.SUSPENDED if state is ClusterState.ACTIVE and row.name in off else state


def _account(row: GrantAccountRow | Row[Any], sealer: Sealer) -> GrantedAccount:
    plain = sealer.open(row.sealed_account, f"grant_accounts/{row.grant_id}/{row.account_id}")
    bank_ref, label = json.loads(plain)
    return GrantedAccount(row.account_id, bank_ref, label, ClusterState(row.state))
