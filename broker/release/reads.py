"""What a read costs: how often it may be done today, how often it was, and the claim that counts it.

Trusted: that somebody is present is the platform's word, so reads have a ceiling either way.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from broker.clock import day_of
from broker.grants.reads import Read, ReadOn, reads_on
from broker.grants.views import Grant
from broker.policy import Catalogue, Reads
from broker.release.asking import Call, Wanted
from broker.storage.single_use import Condition


def reads_before(
    session: Session, catalogue: Catalogue, grant: Grant, *, call: Call, wanted: Wanted, now: datetime
) -> Reads:
    """Return how often the category was read today before this read, with the ceilings.

    A page goes with a read that is counted already: that one does not stand against itself.
    """
    attended_ceiling, unattended_ceiling = _ceilings(catalogue, grant)
    counted = reads_on(session, grant.id, wanted.category, day_of(now))
    own = int(wanted.page is not None and wanted.page.goes_on(now))
    return Reads(
        is_attended=call.is_attended,
        attended_today=max(0, counted.attended - own),
        attended_ceiling=attended_ceiling,
        unattended_today=max(0, counted.unattended - own),
        unattended_ceiling=unattended_ceiling,
    )


def claim_of(reads: Reads, grant: Grant, wanted: Wanted, now: datetime) -> Condition:
    """Return what counts the read, or lets the page go with its read, in the transaction that announces it."""
    ceiling = reads.attended_ceiling if reads.is_attended else reads.unattended_ceiling
    read = Read(grant.id, wanted.category, day_of(now), reads.is_attended, ceiling)
    page = wanted.page
    return ReadOn(read, page.claim) if page is not None and page.goes_on(now) else read


def _ceilings(catalogue: Catalogue, grant: Grant) -> tuple[int, int]:
    """Return the ceilings for reads with and without the person; what no policy knows is never read."""
    purpose, bank = catalogue.purposes.get(grant.terms.purpose), catalogue.banks.get(grant.bank_id)
    if purpose is None or bank is None:
        return 0, 0
    bounds = (purpose.maximum.frequency_per_day, bank.maximum_frequency_per_day)
    return purpose.maximum_attended_per_day, min(grant.terms.frequency_per_day, *bounds)
