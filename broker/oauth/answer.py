"""Brings a person's decision back to the platform: a code or a refusal, once, in the browser that asked."""

import re
from collections.abc import Mapping, Sequence

from broker.edge.services import services
from broker.edge.visitor import browser_id, visitor
from broker.errors import InvalidRequest, NotFound
from broker.grants.views import Grant
from broker.oauth import requests
from broker.oauth.form import required
from broker.oauth.proposed import Proposed, proposals_of
from broker.oauth.redirects import with_code, with_error
from broker.oauth.requests import Kept
from broker.policy.vocabulary import GrantStatus
from broker.tokens.codes import Code, issue_code

_KEY = re.compile(r"[0-9a-f]{64}")


def bring(parameters: Mapping[str, str]) -> str:
    """Return where the browser goes with the decision; back to the consent page while there is none.

    Raises:
        NotFound: no such request, or another browser's.
        InvalidRequest: answered before, or the time to decide is over.
    """
    key = required(parameters, "request")
    with services().database.read() as session:
        kept = requests.find(session, services().sealer, key) if _KEY.fullmatch(key) else None
    proposals = proposals_of(kept) if kept is not None else []
    if kept is None or (kept.browser != browser_id() and not _is_decided_by_visitor(proposals)):
        raise NotFound("There is no request of yours to answer. Go back to the app and start again.")
    if kept.browser != browser_id():
        with services().database.write() as session:
            requests.move(session, kept.key, browser_id())
    approved = next((proposal.grant for proposal in proposals if proposal.is_approved), None)
    if approved is not None and approved.status in {GrantStatus.ACTIVE, GrantStatus.SUSPENDED}:
        return _code(kept, approved)
    if any(proposal.is_decided for proposal in proposals):
        return _refusal(kept, "The person did not allow it, or has ended it.")
    for proposal in proposals:
        if proposal.status is GrantStatus.AWAITING_AUTHORISATION:
            return f"/consent/{proposal.id}"
    raise InvalidRequest("The time to decide is over. Go back to the app and start again.", code="consent-expired")


def _is_decided_by_visitor(proposals: Sequence[Proposed]) -> bool:
    """Say whether whoever is signed in, and nobody else, has answered the request.

    Their session may have ended after that: the new one is another browser's to us, and the same person's.
    """
    who, decided = visitor(), {one.grant.user_id for one in proposals if one.is_decided}
    return who is not None and decided == {who.user_id}


def _code(kept: Kept, grant: Grant) -> str:
    """Spend the request and issue the code in one transaction: there is never a second code for one decision."""
    pushed = kept.pushed
    code = Code(
        grant.id,
        pushed.platform_id,
        pushed.redirect_uri,
        pushed.code_challenge,
        pushed.jkt,
        amends=pushed.amends is not None,
    )
    now = services().clock()
    with services().database.write() as session:
        is_first = requests.answer(session, kept.key, browser_id(), now)
        secret = issue_code(session, code, now) if is_first else ""
    _refuse_second(is_first=is_first)
    return with_code(pushed, secret)


def _refusal(kept: Kept, description: str) -> str:
    with services().database.write() as session:
        is_first = requests.answer(session, kept.key, browser_id(), services().clock())
    _refuse_second(is_first=is_first)
    return with_error(kept.pushed, "access_denied", description)


def _refuse_second(*, is_first: bool) -> None:
    if not is_first:
        raise InvalidRequest("This request has already been answered. Go back to the app.", code="request-answered")
