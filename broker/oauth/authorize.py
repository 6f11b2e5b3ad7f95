"""Leads the browser that comes with a request_uri to sign-in and consent. It knows no HTML: web knows no OAuth.

What is wrong with the request itself is told on a page of ours, never by a redirect (RFC 9700 §4.11.2).
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from broker.edge.interaction import interaction_id
from broker.edge.services import services
from broker.edge.visitor import SignInWish, Visitor, browser_id, keep_wish, visitor
from broker.errors import InvalidRequest, NotFound, PolicyRefused
from broker.grants.acts import Actor
from broker.grants.consents import Answer, Asker
from broker.grants.views import Grant
from broker.oauth import requests
from broker.oauth.form import required
from broker.oauth.judging import judge
from broker.oauth.par import record_rejection
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
    judgement = judge(platform, kept.pushed.terms)
    if not judgement.decision.is_allowed:
        record_rejection(platform, kept.pushed.terms, judgement.decision)
        return _turned_away(kept, judgement.decision.reasons[0].text)
    grants = _grants(kept)
    if any(grant.authorised_at is not None or grant.status is GrantStatus.REJECTED for grant in grants):
        return _answer(kept).path
    wish_id, who = kept.key[:_WISH_LENGTH], visitor()
    if who is not None and who.role is None and who.wish == wish_id and who.bank_id in judgement.banks:
        return _to_consent(platform, kept, who, grants)
    path = "/oauth/authorize?" + urlencode({"client_id": client_id, "request_uri": request_uri})
    keep_wish(wish_id, SignInWish(path=path, banks=judgement.banks, asker=platform.name))
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


def _grants(kept: Kept) -> list[Grant]:
    with services().database.read() as session:
        return services().grant_reader.of_consent_key(session, kept.key, services().clock())


def _to_consent(platform: Platform, kept: Kept, who: Visitor, grants: list[Grant]) -> str:
    """Return the page of the proposal that waits for this person at this bank, or of a new one."""
    for grant in grants:
        is_theirs = (grant.user_id, grant.bank_id) == (who.user_id, who.bank_id)
        if is_theirs and grant.status is GrantStatus.AWAITING_AUTHORISATION:
            return f"/consent/{grant.id}"
    actor = Actor(who.user_id, interaction_id())
    asker = Asker(platform.id, frozenset(platform.purposes), frozenset(platform.scopes))
    try:
        grant_id = services().consents.propose(actor, asker, kept.pushed.terms, who.bank_id, _answer(kept))
    except PolicyRefused as refusal:
        return _turned_away(kept, refusal.detail)
    return f"/consent/{grant_id}"


def _answer(kept: Kept) -> Answer:
    path = f"/oauth/authorize/answer?request={kept.key}"
    return Answer(key=kept.key, path=path, origin=origin_of(kept.pushed.redirect_uri))


def _turned_away(kept: Kept, description: str) -> str:
    """Answer the platform without asking the person: the policies have changed since the request was pushed."""
    with services().database.write() as session:
        is_first = requests.answer(session, kept.key, browser_id(), services().clock())
    if not is_first:
        raise InvalidRequest("This request has already been answered. Go back to the app.", code="request-answered")
    return with_error(kept.pushed, "access_denied", description)
