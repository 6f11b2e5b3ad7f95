"""Judges whether something could be released now, before anybody asks for it: by the decision of every release."""

from dataclasses import replace

from sqlalchemy.orm import Session

from broker.grants.views import Grant
from broker.policy import Decision
from broker.release.asking import Call, Wanted
from broker.release.counting import count
from broker.release.judgement import judge
from broker.release.reads import with_reads
from broker.release.service import Release
from broker.release.standing import standing


def judged_beforehand(release: Release, session: Session, call: Call, wanted: Wanted) -> tuple[Grant, Decision]:
    """Decide what the policies would say to the call now; nothing is counted, and the read itself is judged again.

    Budgets have no say in it, a hold has.

    Raises:
        TokenRefused: the grant is gone, or is another platform's.
    """
    now = release.clock()
    found = standing(session, release.reader, release.catalogue, call=call, category=wanted.category, now=now)
    found = with_reads(release.catalogue, found, call=call, wanted=wanted, own=0)
    counts = count(session, release.catalogue.harvest, found.grant, wanted, oldest_at=now, now=now)
    found = replace(found, harvest=counts.by_hold_alone().facts())
    return found.grant, judge(found, call, wanted, now)
