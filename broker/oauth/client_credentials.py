"""Gives clients tokens for themselves (RFC 6749 §4.4): scopes of machines, never data, never a refresh token."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from broker.edge.dpop import Proof
from broker.edge.services import services
from broker.oauth.clients import Client
from broker.oauth.errors import OAuthRefused
from broker.tokens.machine import MachineToken, issue_machine


def by_client_credentials(
    session: Session, form: Mapping[str, str], client: Client, proof: Proof, now: datetime
) -> dict[str, Any] | OAuthRefused:
    """Return the token response, or the refusal: each scope must be named, and registered for this very client."""
    if "authorization_details" in form:
        return OAuthRefused("invalid_authorization_details", "A client gets no data for itself.")
    wanted = {name for name in form.get("scope", "").split(" ") if name}
    options = client.platform.options
    if not wanted or not wanted <= set(options.machine_scopes):
        return OAuthRefused("invalid_scope", "Name scopes that are registered for this client itself.")
    scopes = tuple(sorted(wanted))
    secret, seconds = issue_machine(
        session,
        platform_id=client.platform.id,
        jkt=proof.jkt,
        scopes=scopes,
        requires_nonce=options.requires_nonce,
        now=now,
    )
    return {"access_token": secret, "token_type": "DPoP", "expires_in": seconds, "scope": " ".join(scopes)}


def introspected(token: MachineToken, asker: Client, now: datetime) -> dict[str, Any]:
    """Return what introspection tells of a client's token for itself: it is for us, so nobody else is told of it."""
    # What the client is registered for counts as it is now, as at the gate.
    scopes = [name for name in token.scopes if name in asker.platform.options.machine_scopes]
    if token.platform_id != asker.platform.id or not token.is_live(now) or not scopes:
        return {"active": False}
    issuer = services().settings.base_url
    return {
        "active": True,
        "scope": " ".join(scopes),
        "client_id": token.platform_id,
        "token_type": "DPoP",
        "cnf": {"jkt": token.jkt},
        "exp": int(token.expires_at.timestamp()),
        "iat": int(token.issued_at.timestamp()),
        "iss": issuer,
        "aud": issuer,
    }
