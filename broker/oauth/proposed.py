"""Shows what became of a request: the proposals that it led to, for a new grant or for a change of a live one."""

from dataclasses import dataclass

from broker.edge.services import services
from broker.grants.views import Grant
from broker.oauth.requests import Kept
from broker.policy.vocabulary import GrantStatus


@dataclass(frozen=True, slots=True)
class Proposed:
    """One proposal: `id` leads to its page, `status` is its own; `grant` is what it is about, as it stands now."""

    id: str
    status: GrantStatus
    grant: Grant
    is_approved: bool

    @property
    def is_decided(self) -> bool:
        """Say whether a person, or the policies, have answered it."""
        return self.is_approved or self.status is GrantStatus.REJECTED


def proposals_of(kept: Kept) -> list[Proposed]:
    """Return the proposals of one request, newest first."""
    reader, now = services().grant_reader, services().clock()
    with services().database.read() as session:
        if kept.pushed.amends is None:
            grants = reader.of_consent_key(session, kept.key, now)
            return [Proposed(grant.id, grant.status, grant, grant.authorised_at is not None) for grant in grants]
        amendments = reader.amendments_of_key(session, kept.key, now)
        return [Proposed(one.id, one.status, one.grant, one.status is GrantStatus.ACTIVE) for one in amendments]
