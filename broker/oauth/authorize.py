"""Leads the browser that comes with a request_uri to sign-in and consent. It knows no HTML: web knows no OAuth.

What is wrong with the request itself is told on a page of ours, never by a redirect (RFC 9700 §4.11.2).
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from broker.edge.interaction import interaction_id
from broker.edge.services import services
from broker.edge.visitor import SignInWish, Visitor, browser_id, keep_wish, visitor
from broker.errors import ConsentRefused, InvalidRequest, NotFound, PolicyRefused
from broker.grants.acts import Actor
from broker.grants.consents import Answer, Asker
from broker.oauth import requests
from broker.oauth.errors import OAuthRefused
from broker.oauth.form import required
from broker.oauth.judging import judge, most_asked
from broker.oauth.par import record_rejection
from broker.oauth.proposed import Proposed, proposals_of
from broker.oauth.redirects import origin_of, with_error
from broker.oauth.requests import Kept
from broker.platforms.service import Platform, find
from broker.policy.vocabulary import GrantStatus

_WISH_LENGTH = 16


def arrive(parameters: Mapping[str, str]) -> str:
    """Return where a browser with this request goes next: sign-in, consent, or back with a refusal.

    Raises:
        NotFound: there is no such request of this client.
        InvalidRequest: expired, another browser's, answered before, or its redirect URI is no longer registered.
    """
    client_id, request_uri = required(parameters, "client_id"), required(parameters, "request_uri")
    platform, kept = _bound(client_id, requests.key_of(request_uri))
    try:
        terms = most_asked(kept.pushed)
    except OAuthRefused as refusal:  # the grant that was to be amended has ended since
        return _turned_away(kept, refusal.description, error="invalid_grant_id")
    judgement = judge(platform, terms)
    if not judgement.decision.is_allowed:
        record_rejection(platform, kept.pushed.terms, judgement.decision)
        return _turned_away(kept, judgement.decision.reasons[0].text)
    proposals = proposals_of(kept)
    if any(proposal.is_decided for proposal in proposals):
        return _answer(kept).path
    wish_id, who = kept.key[:_WISH_LENGTH], visitor()
    if who is not None and who.role is None and who.wish == wish_id and who.bank_id in judgement.banks:
        return _to_consent(platform, kept, who, proposals)
    path = "/oauth/authorize?" + urlencode({"client_id": client_id, "request_uri": request_uri})
    unable = {bank: reason.rule for bank, reason in judgement.unable.items()}
    keep_wish(wish_id, SignInWish(path=path, banks=judgement.banks, asker=platform.name, unable=unable))
    return f"/sign-in?for={wish_id}"


def announced(base_url: str) -> dict[str, Any]:
    """Return what the metadata says of this endpoint (RFC 8414 §2)."""
    return {"authorization_endpoint": f"{base_url}/oauth/authorize", "response_types_supported": ["code"]}


def _bound(client_id: str, key: str) -> tuple[Platform, Kept]:
    """Find the request and bind it to this browser, if it is the first that comes."""
    with services().database.read() as session:
        platform, kept = find(session, client_id), requests.find(session, services().sealer, key)
    if platform is None or kept is None or kept.pushed.platform_id != platform.id:
        raise NotFound("This link leads nowhere: the app's request is unknown. Go back to the app and start again.")
    if kept.answered_at is not None:
        raise InvalidRequest("This request has already been answered. Go back to the app.", code="request-answered")
    if kept.pushed.redirect_uri not in platform.redirect_uris:
        raise InvalidRequest("The app has changed since it sent you here. Go back to the app and start again.")
    with services().database.write() as session:
        is_ours = requests.bind(session, key, browser_id(), services().clock())
    if not is_ours:
        raise InvalidRequest(
            "This request has expired, or was opened in another browser. Go back to the app and start again.",
            code="request-expired",
        )
    return platform, kept


def _to_consent(platform: Platform, kept: Kept, who: Visitor, proposals: Sequence[Proposed]) -> str:
    """Return the page of the proposal that waits for this person at this bank, or of a new one."""
    for proposal in proposals:
        is_theirs = (proposal.grant.user_id, proposal.grant.bank_id) == (who.user_id, who.bank_id)
        if is_theirs and proposal.status is GrantStatus.AWAITING_AUTHORISATION:
            return f"/consent/{proposal.id}"
    asker = Asker(platform.id, frozenset(platform.purposes), frozenset(platform.scopes))
    try:
        return f"/consent/{_propose(kept, who, asker)}"
    except PolicyRefused as refusal:
        return _turned_away(kept, refusal.detail)
    except NotFound:  # somebody else has signed in; the platform is told no more than of a refusal
        return _turned_away(kept, "The person did not allow it, or has ended it.")
    except ConsentRefused as refusal:
        return _turned_away(kept, refusal.detail, error="invalid_grant_id")


def _propose(kept: Kept, who: Visitor, asker: Asker) -> str:
    actor, pushed = Actor(who.user_id, interaction_id()), kept.pushed
    if pushed.amends is None:
        return services().consents.propose(actor, asker, pushed.terms, who.bank_id, _answer(kept))
    grant_id, action = pushed.amends.grant_id, pushed.amends.action
    return services().amendments.propose(actor, asker, grant_id, action, pushed.terms, answer=_answer(kept))


def _answer(kept: Kept) -> Answer:
    path = f"/oauth/authorize/answer?request={kept.key}"
    return Answer(key=kept.key, path=path, origin=origin_of(kept.pushed.redirect_uri))


def _turned_away(kept: Kept, description: str, error: str = "access_denied") -> str:
    """Answer the platform without asking the person: something has changed since the request was pushed."""
    with services().database.write() as session:
        is_first = requests.answer(session, kept.key, browser_id(), services().clock())
    if not is_first:
        raise InvalidRequest("This request has already been answered. Go back to the app.", code="request-answered")
    return with_error(kept.pushed, error, description)
