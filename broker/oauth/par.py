"""Takes pushed authorization requests (RFC 9126): everything is judged here, before any person is bothered."""

import hmac
import re
from collections.abc import Mapping
from typing import Any

from flask import request

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks.service import find as find_bank
from broker.edge.dpop import Proof
from broker.edge.interaction import interaction_id
from broker.edge.services import services
from broker.oauth.clients import Client, authenticate_platform
from broker.oauth.details import asked_by
from broker.oauth.errors import OAuthRefused
from broker.oauth.form import required
from broker.oauth.grant_action import fitted, grant_action
from broker.oauth.judging import judge, most_asked
from broker.oauth.proofs import proof_of_request, spend
from broker.oauth.redirects import asked_mode
from broker.oauth.requests import LIFE, Pushed, keep
from broker.oauth.resource import check_resource
from broker.oauth.signed_request import Opened, opened
from broker.platforms.service import Platform
from broker.policy import Decision
from broker.policy.terms import Terms

CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST_STATE = 2000


def push(form: Mapping[str, str]) -> dict[str, Any]:
    """Check and keep an authorization request; return its request_uri and how many seconds it waits.

    Raises:
        OAuthRefused: the client, a parameter, a request object or what is asked for is refused; if by policy, it is
            logged.
        ProofRefused: the DPoP proof is not good, or is for another key than `dpop_jkt`.
    """
    client = authenticate_platform(form)
    proof = proof_of_request(client) if "DPoP" in request.headers else None
    request_object = opened(form, client, services().wall())
    form = request_object.parameters  # what a client signs is its request: nothing beside it counts
    check_resource(form)
    pushed = _pushed(form, client.platform, proof)
    judgement = judge(client.platform, most_asked(pushed))
    request_uri = _kept(client, proof, request_object, pushed if judgement.decision.is_allowed else None)
    if request_uri is None:
        record_rejection(client.platform, pushed.terms, judgement.decision)
        reason = judgement.decision.reasons[0]
        error = "invalid_scope" if "scope" in form else "invalid_authorization_details"
        raise OAuthRefused(error, reason.text, code=reason.code)
    return {"request_uri": request_uri, "expires_in": int(LIFE.total_seconds())}


def announced(base_url: str) -> dict[str, Any]:
    """Return what the metadata says of pushed requests (RFC 9126 §5, RFC 8414 §2)."""
    return {
        "pushed_authorization_request_endpoint": f"{base_url}/oauth/par",
        "require_pushed_authorization_requests": True,
        "code_challenge_methods_supported": ["S256"],
    }


def _pushed(form: Mapping[str, str], platform: Platform, proof: Proof | None) -> Pushed:
    if "request_uri" in form:
        raise OAuthRefused("invalid_request", "A request_uri cannot be pushed.")
    if required(form, "response_type") != "code":
        raise OAuthRefused("unsupported_response_type", "The only response_type is code.")
    if required(form, "redirect_uri") not in platform.redirect_uris:
        raise OAuthRefused("invalid_request", "The redirect_uri is not registered for this client.")
    if len(form.get("state", "")) > _LONGEST_STATE:
        raise OAuthRefused("invalid_request", f"The state is longer than {_LONGEST_STATE} characters.")
    amends, terms = grant_action(form), asked_by(form, platform, services().catalogue)
    return Pushed(
        platform_id=platform.id,
        redirect_uri=form["redirect_uri"],
        state=form.get("state"),
        code_challenge=_challenge(form),
        jkt=_thumbprint(form, proof),
        terms=terms if amends is None else fitted(amends, platform.id, terms),
        response_mode=asked_mode(form, platform),
        amends=amends,
    )


def _challenge(form: Mapping[str, str]) -> str:
    """Demand PKCE with S256 (RFC 7636 §4.3); `plain`, also as the silent default, is refused."""
    if form.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(form.get("code_challenge", "")):
        raise OAuthRefused("invalid_request", "PKCE is needed: code_challenge and code_challenge_method S256.")
    return form["code_challenge"]


def _thumbprint(form: Mapping[str, str], proof: Proof | None) -> str | None:
    """Return the key that the code is to be bound to: named by header, parameter or both (RFC 9449 §10.1)."""
    named = form.get("dpop_jkt")
    if named is not None and not _THUMBPRINT.fullmatch(named):
        raise OAuthRefused("invalid_request", "dpop_jkt is not a SHA-256 thumbprint.")
    if named is not None and proof is not None and not hmac.compare_digest(named, proof.jkt):
        raise OAuthRefused("invalid_dpop_proof", "dpop_jkt names another key than the DPoP proof.")
    return proof.jkt if proof is not None else named


def _kept(client: Client, proof: Proof | None, request_object: Opened, pushed: Pushed | None) -> str | None:
    """Spend the proofs and store the request, if it may be stored, in one transaction."""
    with services().database.write() as session:
        replayed = spend(session, client, proof) or request_object.spend(session)
        is_good = replayed is None and pushed is not None
        request_uri = keep(session, services().sealer, pushed, services().clock()) if is_good and pushed else None
    if replayed is not None:
        raise replayed
    return request_uri


def record_rejection(platform: Platform, terms: Terms, decision: Decision) -> None:
    """Log that the policies turned a platform away before any person was bothered."""
    with services().database.read() as session:
        bank = find_bank(session, terms.bank) if terms.bank else None
    services().sequencer.append(
        Entry(
            event=Event.GRANT_REJECTED,
            initiator=Initiator.DATA_RECIPIENT,
            bank_id=bank.id if bank else None,
            platform_id=platform.id,
            purpose=terms.purpose,
            interaction_id=interaction_id(),
            policy_digest=decision.policy_digest,
            reasons=decision.leading_codes,
            details={"asked": terms.to_json(), **decision.details()},
        )
    )
