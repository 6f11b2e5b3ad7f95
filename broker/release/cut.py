"""Cuts what a bank sends to what one grant lets out: the same way for a platform and for the person's own preview.

Trusted: what a person is shown beforehand and what leaves afterwards cannot differ, because both come from here.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from broker.banks.connector import BankAccess, Connector, Window
from broker.clock import start_of_day
from broker.crypto.pairwise import PairwiseIds
from broker.errors import ReleaseRefused
from broker.grants.views import Grant
from broker.policy import BankFacts, Catalogue
from broker.policy.minimise import Limits, Record, minimise
from broker.policy.vocabulary import ClusterState
from broker.release.asking import Missing, Wanted
from broker.release.records import Naming, fetch


def window_of(grant: Grant, bank: BankFacts | None, wanted: Wanted, now: datetime) -> Window:
    """Return whole days only: asking with ever narrower instants must not reveal a time of day.

    They go no further back than the person agreed to, nor than the bank says now. The pages of one read end where it
    began: what has happened since is another read's.
    """
    most = grant.terms.lookback_days
    if bank is not None:
        most = min(most, bank.maximum_lookback_days)
    oldest = start_of_day(now - timedelta(days=most))
    first = max(oldest, start_of_day(wanted.oldest_at)) if wanted.oldest_at else oldest
    last = min(now, start_of_day(wanted.newest_at) + timedelta(days=1)) if wanted.newest_at else now
    last = min(last, wanted.page.began_at) if wanted.page else last
    return Window(first, max(first, last))


def fetched(
    connector: Connector, pairwise: PairwiseIds, grant: Grant, wanted: Wanted, *, access: BankAccess, window: Window
) -> list[Record]:
    """Fetch what is wanted, for the accounts of the grant.

    Raises:
        BankUnavailable: or one of its kinds, as the connector raises it.
        ReleaseRefused: the category has no source at banks.
    """
    accounts = {account.bank_ref: account.account_id for account in wanted.accounts_of(grant)}
    naming = Naming(pairwise, grant.platform_id, grant.bank_id, accounts)
    return fetch(connector, access, naming, window, wanted.announced)


def missing(grant: Grant, wanted: Wanted, closed: Collection[str]) -> Missing:
    """Return the accounts of which there is nothing to send: the bank has them no longer, or the person paused them.

    What the person has taken out for good is not named: the platform was told when it happened.

    Raises:
        ReleaseRefused: the bank no longer has the one account that is wanted.
    """
    asked = wanted.accounts_of(grant)
    if wanted.account_id is not None and any(account.bank_ref in closed for account in asked):
        raise ReleaseRefused("The bank no longer has this account.", code="account-closed")
    paused = [account for account in grant.accounts if account.state is ClusterState.PAUSED]
    found = {account.account_id: "account-closed" for account in asked if account.bank_ref in closed}
    return found | {one.account_id: "account-not-granted" for one in paused if wanted.account_id is None}


def minimised(
    catalogue: Catalogue, grant: Grant, wanted: Wanted, records: list[Record], window: Window
) -> list[Record]:
    """Return only what the grant lets out of these records.

    Raises:
        ReleaseRefused: the grant does not name the category.
    """
    category = grant.category(wanted.category)
    if category is None:
        raise ReleaseRefused
    limits = Limits(
        category=catalogue.categories[wanted.category],
        term=category.term,
        accounts=frozenset(account.account_id for account in wanted.accounts_of(grant)),
        oldest_at=window.oldest_at,
        question=wanted.question,
    )
    return minimise(limits, records)
