"""Every access gate of the broker on one page. `app` mounts each blueprint behind exactly one of these.

A gate runs before the handler. It returns nothing to let the request through, a redirect, or raises.
"""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote, urlencode

from flask import g, request
from werkzeug.wrappers import Response as AnyResponse

from broker.audit.credentials import find as find_credential
from broker.banks.service import find as find_bank
from broker.edge.answers import see_other
from broker.edge.csrf import check_origin
from broker.edge.dpop import Proof, check_proof
from broker.edge.interaction import interaction_id
from broker.edge.nonces import demand
from broker.edge.presence import is_attended
from broker.edge.problems import account_closed, wants_json
from broker.edge.services import services
from broker.edge.visitor import Visitor, has_closed, visitor
from broker.edge.ways_back import leads_back
from broker.errors import (
    CredentialRefused,
    NotFound,
    NotPermitted,
    ProofRefused,
    ScopeMissing,
    SignInRequired,
    TokenRefused,
)
from broker.grants.acts import Actor
from broker.platforms.initial_tokens import find as find_invitation
from broker.platforms.people import find as find_person
from broker.platforms.registration_tokens import entrusted
from broker.platforms.service import find as find_platform
from broker.policy.vocabulary import MachineScope
from broker.release import Call
from broker.telemetry import add_facts
from broker.tokens.machine import MachineToken, find_machine
from broker.tokens.service import Token, TokenKind, find_token

Gate = Callable[[], AnyResponse | None]
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"


def public() -> None:
    """Anybody; forms are protected against other sites."""
    check_origin()


def own_page() -> None:
    """Anybody whose browser says that the form stood on a page of ours: it needs no token, so no session is begun."""
    check_origin(must_say=True)


def client() -> None:
    """OAuth clients: each endpoint authenticates the client itself, because the errors have OAuth's shape."""


def person() -> AnyResponse | None:
    """A signed-in person, not staff."""
    check_origin()
    found = visitor()
    if found is not None and found.role is None:
        return None
    if found is not None:
        raise NotPermitted("This page is for customers of a bank, and you are not signed in as one.")
    if request.method == "GET" and leads_back(request.path) and not wants_json():
        query = urlencode({"next": request.full_path.rstrip("?")})
        return see_other(f"/sign-in?{query}")
    if has_closed():
        raise account_closed()
    raise SignInRequired(
        "You are not signed in, or your session has ended. Go back to where you started and try again."
    )


def somebody() -> AnyResponse | None:
    """Anybody who is signed in, a person or a member of staff; who is not is asked to sign in as a person."""
    check_origin()
    return person() if visitor() is None else None


def staff() -> AnyResponse | None:
    """A member of staff of the bank in the address; nobody sees another bank's console."""
    check_origin()
    bank_id = (request.view_args or {}).get("bank_id", "")
    found = visitor()
    if found is not None and found.role is not None and found.bank_id and found.bank_id == bank_id:
        return None
    if found is not None and found.person_id:
        raise NotPermitted("You are signed in for a platform. This page is for the bank's staff.")
    if found is not None and found.role is not None:
        raise NotPermitted("You are signed in as staff of another bank.")
    if request.method != "GET" or wants_json():
        raise SignInRequired
    with services().database.read() as session:
        bank = find_bank(session, bank_id)
    if bank is None:
        raise NotFound("There is no such bank here.")
    return see_other(f"/sign-in/staff/{bank.id}")


def developer() -> None:
    """Somebody of the very platform in the address, whom the operator has not shut out.

    Read anew for each request: whoever is removed has no page any more, whatever their session says. Another platform's
    pages are as if there were none.
    """
    check_origin()
    found = visitor()
    if found is None or not found.person_id:
        raise SignInRequired(
            "You are not signed in for a platform, or your session has ended. Open a link of the operator."
        )
    with services().database.read() as session:
        known = find_person(session, found.person_id)
    if known is None or known.platform_id != found.platform_id:
        raise SignInRequired("Your access to these pages has ended. Ask the operator of the broker for a new link.")
    if known.platform_id != (request.view_args or {}).get("platform_id"):
        raise NotFound("There is no such platform here.")


def token() -> None:
    """A platform with a DPoP-bound access token; the grant itself is judged by `release`."""
    g.category = ""
    secret = _dpop_token(request.headers.get("Authorization"))
    proof = _proof(secret)
    with services().database.look() as session:
        found = find_token(session, secret)
    if found is None or found.kind is not TokenKind.ACCESS:
        raise TokenRefused
    add_facts(platform=found.platform_id, grant=found.grant_id)
    demand(proof, "rs", required=found.requires_nonce, now=services().wall())
    call = Call(
        grant_id=found.grant_id,
        platform_id=found.platform_id,
        token_categories=frozenset(found.categories),
        interaction_id=interaction_id(),
        endpoint=f"{request.method} {request.url_rule}",
        is_attended=is_attended(),
        claims=(proof.claim,),
    )
    refusal = _refusal(found, proof.jkt)
    if refusal is not None:
        # Somebody holds a token that is stolen or at its end: the person and the bank see the attempt.
        services().release.record_refusal(call, refusal.code)
        raise refusal
    g.call = call


def machine() -> None:
    """A client with a DPoP-bound token for itself; each handler behind it `needs` one scope."""
    secret = _dpop_token(request.headers.get("Authorization"))
    proof = _proof(secret)
    with services().database.read() as session:
        found = find_machine(session, secret)
        platform = find_platform(session, found.platform_id) if found else None
    if found is None or platform is None:
        raise TokenRefused
    add_facts(platform=platform.id)
    demand(proof, "rs", required=found.requires_nonce, now=services().wall())
    if found.jkt != proof.jkt:
        raise _another_key()
    if not found.is_live(services().clock()):
        raise _expired()
    with services().database.write() as session:
        is_first = proof.claim.take(session)
    if not is_first:
        raise ProofRefused("This DPoP proof was used before.", code="dpop-proof-replayed")
    # What the client is registered for counts as it is now, not as it was when the token was issued.
    g.machine = replace(found, scopes=tuple(name for name in found.scopes if name in platform.options.machine_scopes))


def needs(scope: MachineScope, *wider: MachineScope) -> MachineToken:
    """Return the token that passed the gate `machine`; each handler behind it begins with this, and with its scope.

    `wider` are scopes that allow this too.

    Raises:
        ScopeMissing: the token has none of them.
    """
    found: MachineToken = g.machine
    if not {scope.value, *(one.value for one in wider)} & set(found.scopes):
        raise ScopeMissing(scope.value)
    return found


def auditor() -> None:
    """Whoever holds an audit credential of the very owner in the address; another's logs are as if there were none."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise CredentialRefused
    with services().database.read() as session:
        found = find_credential(session, secret, services().clock())
    if found is None:
        raise CredentialRefused
    add_facts(bank=found.owner)
    if found.owner != (request.view_args or {}).get("owner"):
        raise NotFound("There is no such log.")


def registrant() -> None:
    """Whoever holds an invitation (initial access token), or the registration token of the very client in the address.

    What is done then asks again, in its own transaction.
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise not_registered()
    client_id = (request.view_args or {}).get("client_id")
    with services().database.read() as session:
        if client_id is None:
            is_known = find_invitation(session, secret, services().clock()) is not None
        else:
            is_known = entrusted(session, client_id, secret) is not None
    if not is_known:
        raise not_registered()
    g.bearer = secret


def not_registered() -> CredentialRefused:
    """Return the one answer to every token with which nothing can be registered, and to every unknown client."""
    return CredentialRefused("This token registers nothing here.", code="registration-refused")


def _refusal(found: Token, jkt: str) -> TokenRefused | None:
    """Judge the token itself; a living token of an ended grant is refused, and logged, by `release`.

    The grant's end is told first, because a new token would not help.
    """
    if found.jkt != jkt:
        return _another_key()
    now = services().clock()
    if found.is_live(now):
        return None
    with services().database.read() as session:
        grant = services().grant_reader.find(session, found.grant_id, now)
    if grant is not None and grant.status.is_final:
        return TokenRefused("The grant behind this token has ended.", code=f"grant-{grant.status.value.lower()}")
    return _expired()


def _another_key() -> TokenRefused:
    return TokenRefused("This access token is bound to another key.", code="token-key-mismatch")


def _expired() -> TokenRefused:
    return TokenRefused("This access token has expired or was revoked.", code="token-expired")


def _proof(secret: str) -> Proof:
    url = services().settings.base_url + quote(request.path, safe=_PATH_CHARACTERS)
    headers, now = request.headers.getlist("DPoP"), services().wall()
    return check_proof(headers, method=request.method, url=url, access_token=secret, now=now)


def _dpop_token(header: str | None) -> str:
    """Take the token out of the Authorization header (RFC 9449 §7.1); never from query or body.

    Two such headers reach us joined by a comma, and are no token.
    """
    if header is None:
        raise TokenRefused("There is no access token in the Authorization header.", code="token-missing")
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "dpop" or not secret or " " in secret:
        raise TokenRefused("The access token must be presented with the DPoP scheme.")
    return secret


def signed_in() -> Visitor:
    """Return who passed the gate `person` or `staff`.

    Raises:
        SignInRequired: nobody is signed in (the handler stands behind another gate).
    """
    if (found := visitor()) is None:
        raise SignInRequired
    return found


def actor() -> Actor:
    """Return the person who acts, for the services."""
    return Actor(signed_in().user_id, interaction_id())
