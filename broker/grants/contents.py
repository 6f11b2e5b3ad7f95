"""Writes what a person agreed to into the rows of a grant: terms, categories, accounts, and when it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.crypto.sealing import Sealer
from broker.grants.models import GrantAccountRow, GrantCategoryRow, GrantRow
from broker.grants.views import seal_account
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import ClusterState, DurationType

ONE_TIME_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class OfferedAccount:
    """One account on the consent page: the platform's pairwise id, the bank's id, the label shown, whose it is."""

    account_id: str
    bank_ref: str
    label: str
    is_joint: bool


def write_contents(
    row: GrantRow, terms: Terms, accounts: Sequence[OfferedAccount], sealer: Sealer, now: datetime
) -> None:
    """Make the grant hold exactly these terms and accounts from now on.

    What stays keeps its use counts, and its pause if the person has paused it; what had been ended and is agreed to
    anew is active again.
    """
    row.terms = terms.to_json()
    is_one_time = terms.duration_type is DurationType.ONE_TIME
    row.expires_at = now + (ONE_TIME_LIFE if is_one_time else timedelta(days=terms.duration_days or 0))
    # The right sides read what the grant holds still: what is not named again is deleted.
    row.categories = [_category(row, term, position) for position, term in enumerate(terms.categories)]
    row.accounts = [_account(row, account, position, sealer) for position, account in enumerate(accounts)]


def _category(row: GrantRow, term: CategoryTerm, position: int) -> GrantCategoryRow:
    known = next((category for category in row.categories if category.name == term.name), None)
    category = known or GrantCategoryRow(grant_id=row.id, name=term.name, use_count=0)
    category.position, category.state = position, _state(category.state)
    category.detail, category.precision = term.detail, term.precision
    return category


def _account(row: GrantRow, picked: OfferedAccount, position: int, sealer: Sealer) -> GrantAccountRow:
    known = next((account for account in row.accounts if account.account_id == picked.account_id), None)
    account = known or GrantAccountRow(grant_id=row.id, account_id=picked.account_id)
    account.position, account.state = position, _state(account.state)
    account.sealed_account = seal_account(sealer, row.id, picked.account_id, picked.bank_ref, picked.label)
    return account


def _state(present: str | None) -> str:
    paused = ClusterState.PAUSED.value
    return paused if present == paused else ClusterState.ACTIVE.value
