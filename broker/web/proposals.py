"""What lies before a person on the consent page: a request for a new grant, or one to change a live grant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from broker.audit.vocabulary import Event
from broker.edge.gates import actor
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.errors import NotFound
from broker.grants.consents import Asker, left_now
from broker.grants.contents import OfferedAccount
from broker.grants.proposals import Amendment
from broker.grants.views import Grant
from broker.platforms import service as platforms
from broker.policy.terms import Choice
from broker.policy.vocabulary import GrantStatus


@dataclass(frozen=True, slots=True)
class Proposal:
    """One request. `asked` is the grant that would come of it at most, with the status and the time of the request.

    While it waits, that is what its bank allows of it at this instant.

    `amendment` is None for a new grant; otherwise it has the live grant as it stands now.
    """

    id: str
    asked: Grant
    amendment: Amendment | None = None

    @property
    def decisions(self) -> tuple[Event, Event]:
        """Return the events that a yes and a no are logged as."""
        return (Event.GRANT_AMENDED if self.amendment else Event.GRANT_APPROVED), Event.GRANT_REFUSED

    @property
    def decided_from(self) -> datetime | None:
        """Return an instant after which the first of these events is this request's; None while it has no answer."""
        return self.amendment.decided_at if self.amendment else self.asked.created_at


def own_proposal(proposal_id: str) -> Proposal:
    """Return the person's proposal; somebody else's answers like one that does not exist.

    Raises:
        NotFound: unknown, or not theirs.
    """
    reader, now = services().grant_reader, services().clock()
    with services().database.read() as session:
        asked = reader.find(session, proposal_id, now)
        amendment = reader.find_amendment(session, proposal_id, now) if asked is None else None
        asked = _as_asked(amendment) if amendment is not None else asked
        if asked is None or asked.user_id != actor().user_id:
            raise NotFound("There is no such request for you. Go back to the app and start again.")
        if asked.status is GrantStatus.AWAITING_AUTHORISATION:  # the bank may have lowered a ceiling since
            left = left_now(session, spoken(), asked.terms, asked.bank_id)
            asked = replace(asked, terms=left)
    return Proposal(proposal_id, asked, amendment)


def approve(
    proposal: Proposal, asker: Asker, choice: Choice, offered: Sequence[OfferedAccount], seen_at: datetime | None
) -> None:
    """Say yes for the person to what they chose; `seen_at` names the state of a live grant that the page showed.

    Raises:
        ConsentRefused: decided before, expired, empty, too wide, or changed since the page.
        PolicyRefused: the policies changed since.
    """
    if proposal.amendment is None:
        services().consents.approve(actor(), proposal.id, asker, choice, offered)
    else:
        seen = seen_at or proposal.asked.created_at  # a form without it has seen nothing
        services().amendments.approve(actor(), proposal.id, asker, choice, offered, seen_at=seen)


def refuse(proposal: Proposal) -> None:
    """Say no for the person.

    Raises:
        ConsentRefused: decided before or expired.
    """
    if proposal.amendment is None:
        services().consents.refuse(actor(), proposal.id)
    else:
        services().amendments.refuse(actor(), proposal.id)


def asker_of(proposal: Proposal) -> Asker:
    """Return what the platform is registered for now, not what it was when it asked.

    Raises:
        NotFound: the platform is no longer registered.
    """
    with services().database.read() as session:
        platform = platforms.find(session, proposal.asked.platform_id)
    if platform is None:
        raise NotFound("The app that asked is no longer known here.")
    return Asker(platform.id, frozenset(platform.purposes), frozenset(platform.scopes))


def _as_asked(amendment: Amendment) -> Grant:
    """Return the grant as the page is to offer it; it has ended terms only when there is nothing left to decide."""
    is_open = amendment.status is GrantStatus.AWAITING_AUTHORISATION
    return replace(
        amendment.grant,
        terms=amendment.most if is_open else amendment.grant.terms,
        status=amendment.status,
        status_code=amendment.status_code,
        authorised_at=amendment.decided_at if amendment.status is GrantStatus.ACTIVE else None,
        created_at=amendment.created_at,
        expires_at=amendment.expires_at,
        return_path=amendment.return_path,
        return_origin=amendment.return_origin,
    )
