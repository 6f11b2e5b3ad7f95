"""Every access gate of the broker on one page. `app` mounts each blueprint behind exactly one of these.

A gate runs before the handler. It returns nothing to let the request through, a redirect, or raises.
"""

from collections.abc import Callable
from urllib.parse import quote, urlencode

from flask import g, request
from werkzeug.wrappers import Response as AnyResponse

from broker.edge.answers import see_other
from broker.edge.csrf import check_origin
from broker.edge.dpop import check_proof
from broker.edge.interaction import interaction_id
from broker.edge.problems import wants_json
from broker.edge.services import services
from broker.edge.visitor import Visitor, visitor
from broker.errors import InvalidRequest, NotPermitted, SignInRequired, TokenRefused
from broker.grants.acts import Actor
from broker.release import Call
from broker.tokens.service import Token, TokenKind, find_token

Gate = Callable[[], AnyResponse | None]
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"
_RETURN_TO = ("/my-sharing", "/history")


def public() -> None:
    """Anybody; forms are protected against other sites."""
    check_origin()


def client() -> None:
    """OAuth clients: each endpoint authenticates the client itself, because the errors have OAuth's shape."""


def person() -> AnyResponse | None:
    """A signed-in person, not staff."""
    check_origin()
    found = visitor()
    if found is not None and found.role is None:
        return None
    if request.method == "GET" and request.path in _RETURN_TO and not wants_json():
        query = urlencode({"next": request.full_path.rstrip("?")})
        return see_other(f"/sign-in?{query}")
    if found is not None:
        raise NotPermitted("You are signed in as a member of a bank's staff. This page is for the bank's customers.")
    raise SignInRequired(
        "You are not signed in, or your session has ended. Go back to where you started and try again."
    )


def staff() -> AnyResponse | None:
    """A member of staff of the bank in the address; nobody sees another bank's console."""
    check_origin()
    bank_id = (request.view_args or {}).get("bank_id", "")
    found = visitor()
    if found is not None and found.role is not None and found.bank_id == bank_id:
        return None
    if found is not None and found.role is not None:
        raise NotPermitted("You are signed in as staff of another bank.")
    if request.method == "GET" and not wants_json():
        return see_other(f"/sign-in/staff/{bank_id}")
    raise SignInRequired


def token() -> None:
    """A platform with a DPoP-bound access token; the grant itself is judged by `release`."""
    g.category = ""
    secret = _dpop_token(request.headers.getlist("Authorization"))
    now = services().clock()
    url = services().settings.base_url + quote(request.path, safe=_PATH_CHARACTERS)
    proof = check_proof(request.headers.getlist("DPoP"), method=request.method, url=url, access_token=secret, now=now)
    with services().database.read() as session:
        found = find_token(session, secret)
    if found is None or found.kind is not TokenKind.ACCESS or found.jkt != proof.jkt:
        raise TokenRefused
    g.call = Call(
        grant_id=found.grant_id,
        platform_id=found.platform_id,
        token_categories=frozenset(found.categories),
        interaction_id=interaction_id(),
        endpoint=f"{request.method} {request.url_rule}",
        claims=(proof.claim,),
    )
    _refuse_ended(found)


def _refuse_ended(found: Token) -> None:
    """Refuse a token that has expired or was ended; a living token of an ended grant is refused, and logged, later.

    The grant's end is told first, because a new token would not help.
    """
    now = services().clock()
    if found.is_live(now):
        return
    with services().database.read() as session:
        grant = services().grant_reader.find(session, found.grant_id, now)
    if grant is not None and grant.status.is_final:
        code = f"grant-{grant.status.value.lower()}"
        raise TokenRefused("The grant behind this access token has ended.", code=code)
    raise TokenRefused("This access token has expired or was revoked.", code="token-expired")


def _dpop_token(headers: list[str]) -> str:
    """Take the token out of the one Authorization header (RFC 9449 §7.1); never from query or body."""
    if not headers:
        raise TokenRefused("There is no access token in the Authorization header.", code="token-missing")
    if len(headers) > 1:
        raise InvalidRequest("There is more than one Authorization header.")
    scheme, _, secret = headers[0].partition(" ")
    if scheme.lower() != "dpop" or not secret or " " in secret:
        raise TokenRefused("The access token must be presented with the DPoP scheme.")
    return secret


def signed_in() -> Visitor:
    """Return who passed the gate `person` or `staff`.

    Raises:
        SignInRequired: nobody is signed in (the handler stands behind another gate).
    """
    found = visitor()
    if found is None:
        raise SignInRequired
    return found


def actor() -> Actor:
    """Return the person who acts, for the services."""
    return Actor(signed_in().user_id, interaction_id())
