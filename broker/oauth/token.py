"""Redeems grants, by code or refresh token, for DPoP-bound access tokens: one write transaction decides each."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy.orm import Session

from broker.edge.dpop import Proof
from broker.edge.services import services
from broker.grants.views import Grant
from broker.oauth.client_credentials import by_client_credentials
from broker.oauth.clients import Client, announced_endpoint, authenticate_holder
from broker.oauth.errors import OAuthRefused
from broker.oauth.form import required
from broker.oauth.granted import details_of, narrowed, standing_accounts, standing_categories
from broker.oauth.par import CHALLENGE
from broker.oauth.proofs import proof_of_request, spend
from broker.oauth.resource import check_resource
from broker.policy.vocabulary import DurationType, GrantStatus
from broker.tokens.codes import Code, consume_code, find_code
from broker.tokens.service import TokenKind, end_all_of_grant, find_for_use, issue_access, issue_refresh

Outcome: TypeAlias = dict[str, Any] | Exception
"""What is told, or raised after the transaction has committed what must be remembered of a refusal."""

_NO_CODE = "The code is unknown, expired or used, or was issued for another request."
_NO_REFRESH = "The refresh token is unknown, or what it stands for has ended."
_SECRETS = {"authorization_code": "code", "refresh_token": "refresh_token"}


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who is to hold a token: the client, and the key that proves it."""

    client: Client
    proof: Proof


def redeem(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the token response (RFC 6749 §5.1) for a code, a refresh token, or the client itself.

    Raises:
        OAuthRefused: by OAuth's list; a replayed code has ended its tokens before this is raised.
        InvalidRequest: a parameter is missing.
        ProofRefused: the DPoP proof is missing, not good, was used before, or needs a nonce.
    """
    client = authenticate_holder(form)
    grant_type = required(form, "grant_type")
    rule = _RULES.get(grant_type)
    if rule is None:
        raise OAuthRefused("unsupported_grant_type", f"The grant types are {', '.join(_RULES)}.")
    if grant_type in _SECRETS:
        required(form, _SECRETS[grant_type])
    check_resource(form)
    proof = proof_of_request(client)
    now = services().clock()
    with services().database.write() as session:
        outcome: Outcome = spend(session, client, proof) or rule(session, form, client, proof, now)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def announced(base_url: str) -> dict[str, Any]:
    """Return what the metadata says of this endpoint (RFC 8414 §2)."""
    return announced_endpoint("token_endpoint", f"{base_url}/oauth/token") | {"grant_types_supported": list(_RULES)}


def _by_code(session: Session, form: Mapping[str, str], client: Client, proof: Proof, now: datetime) -> Outcome:
    secret = form["code"]
    code = find_code(session, secret, client.platform.id)
    if code is None or not _was_asked_by(code, form):
        return OAuthRefused("invalid_grant", _NO_CODE)
    if code.jkt is not None and not hmac.compare_digest(code.jkt, proof.jkt):
        return OAuthRefused("invalid_grant", "The code is bound to another DPoP key.")
    # Consumed even when the grant has ended: a code is used once, whatever comes of it.
    if not consume_code(session, secret, now):
        return OAuthRefused("invalid_grant", _NO_CODE)
    grant = services().grant_reader.find(session, code.grant_id, now)
    # A suspended grant lives too: nobody has taken it back, and what may leave is judged at each call.
    if grant is None or grant.status not in {GrantStatus.ACTIVE, GrantStatus.SUSPENDED}:
        return _ended(grant)
    wanted = _wanted(form, grant, standing_categories(grant))
    if isinstance(wanted, Exception):
        return wanted
    if code.amends:  # not before others take their place: a live grant is never left without any
        end_all_of_grant(session, grant.id, now)
    return _first_tokens(session, wanted, grant, _Holder(client, proof), now)


def _was_asked_by(code: Code, form: Mapping[str, str]) -> bool:
    """Compare redirect URI and PKCE verifier (RFC 6749 §4.1.3, RFC 7636 §4.6)."""
    verifier = form.get("code_verifier", "")
    return (
        form.get("redirect_uri") == code.redirect_uri
        and CHALLENGE.fullmatch(verifier) is not None
        and hmac.compare_digest(create_s256_code_challenge(verifier), code.code_challenge)
    )


def _first_tokens(
    session: Session, wanted: tuple[str, ...], grant: Grant, holder: _Holder, now: datetime
) -> dict[str, Any]:
    told = _access(session, grant, holder, wanted, now)
    if grant.terms.duration_type is not DurationType.ONE_TIME:
        told["refresh_token"] = issue_refresh(
            session,
            grant_id=grant.id,
            platform_id=grant.platform_id,
            categories=standing_categories(grant),
            grant_expires_at=grant.expires_at,
            now=now,
        )
    return told


def _by_refresh(session: Session, form: Mapping[str, str], client: Client, proof: Proof, now: datetime) -> Outcome:
    """Refresh without rotation (FAPI 2.0 §5.3.2.1-9); the DPoP key may be a new one (RFC 9449 §5)."""
    token = find_for_use(session, form["refresh_token"])
    is_theirs = token is not None and token.platform_id == client.platform.id
    if token is None or not is_theirs or token.kind is not TokenKind.REFRESH:
        return OAuthRefused("invalid_grant", _NO_REFRESH)
    grant = services().grant_reader.find(session, token.grant_id, now)
    # A grant that is paused or suspended lives: the API says so, and the platform keeps its refresh token for later.
    if grant is None or grant.status not in {GrantStatus.ACTIVE, GrantStatus.PAUSED, GrantStatus.SUSPENDED}:
        return _ended(grant)
    if not token.is_live(now):
        return OAuthRefused("invalid_grant", _NO_REFRESH)
    wanted = _wanted(form, grant, token.categories)
    return wanted if isinstance(wanted, Exception) else _access(session, grant, _Holder(client, proof), wanted, now)


def _wanted(form: Mapping[str, str], grant: Grant, most: tuple[str, ...]) -> tuple[str, ...] | OAuthRefused:
    """Return what a token is to be for; when an amendment has left nothing of `most`, there is no token for nothing."""
    try:
        return narrowed(form, grant, most) or OAuthRefused("invalid_grant", _NO_REFRESH, code="category-not-granted")
    except OAuthRefused as refusal:
        return refusal


def _access(session: Session, grant: Grant, holder: _Holder, names: tuple[str, ...], now: datetime) -> dict[str, Any]:
    secret, seconds = issue_access(
        session,
        grant_id=grant.id,
        platform_id=grant.platform_id,
        jkt=holder.proof.jkt,
        categories=names,
        grant_expires_at=grant.expires_at,
        now=now,
        requires_nonce=holder.client.platform.options.requires_nonce,
    )
    return {
        "access_token": secret,
        "token_type": "DPoP",
        "expires_in": seconds,
        "scope": " ".join(names),
        "grant_id": grant.id,
        "authorization_details": details_of(grant, names, standing_accounts(grant)),
    }


def _ended(grant: Grant | None) -> OAuthRefused:
    code = f"grant-{grant.status.value.lower()}" if grant else "grant-unknown"
    return OAuthRefused("invalid_grant", "The grant has ended or is paused.", code=code)


_RULES: Mapping[str, Callable[[Session, Mapping[str, str], Client, Proof, datetime], Outcome]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh,
    "client_credentials": by_client_credentials,
}
