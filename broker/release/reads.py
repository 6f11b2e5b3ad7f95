"""What a read costs: how often it may be done today, how often it was, and the claim that counts it.

Trusted: that somebody is present is the platform's word, so reads have a ceiling either way.
"""

from dataclasses import replace
from datetime import datetime

from broker.clock import day_of
from broker.grants.reads import Read, ReadOn
from broker.policy import Catalogue, Reads
from broker.policy.questions import reads_a_day
from broker.release.announced import AnnouncedRead
from broker.release.asking import Announcement, Call, Wanted
from broker.release.standing import Standing
from broker.storage.single_use import Condition


def with_reads(catalogue: Catalogue, found: Standing, *, call: Call, wanted: Wanted, own: int) -> Standing:
    """Add how often the category was read today before this call, and how often it may be.

    `own` is 1 when the read of this call is among those counted: it does not stand against itself.
    """
    if wanted.announced is not None:
        # The bank spoke first: what counts is how often this one thing is read, and the log's transaction decides.
        return replace(found, reads=_of_one_thing(call, wanted.announced))
    counted, terms = found.counted, found.grant.terms
    attended_ceiling, unattended_ceiling = reads_a_day(catalogue, terms.purpose, found.bank, terms.frequency_per_day)
    reads = Reads(
        is_attended=call.is_attended,
        attended_today=max(0, counted.attended - own),
        attended_ceiling=attended_ceiling,
        unattended_today=max(0, counted.unattended - own),
        unattended_ceiling=unattended_ceiling,
    )
    return replace(found, reads=reads)


def _of_one_thing(call: Call, announced: Announcement) -> Reads:
    most = announced.most_reads
    return Reads(
        is_attended=call.is_attended,
        attended_today=0,
        attended_ceiling=most,
        unattended_today=0,
        unattended_ceiling=most,
    )


def claim_of(found: Standing, wanted: Wanted, now: datetime) -> Condition:
    """Return what counts the read, or lets the page go with its read, in the transaction that announces it."""
    if wanted.announced is not None:
        return AnnouncedRead(found.grant.id, wanted.announced)
    reads, page = found.reads, wanted.page
    ceiling = reads.attended_ceiling if reads.is_attended else reads.unattended_ceiling
    read = Read(found.grant.id, wanted.category, day_of(now), reads.is_attended, ceiling)
    return ReadOn(read, page.claim) if page is not None and page.goes_on(now) else read
