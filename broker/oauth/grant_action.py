"""Reads which live grant a request wants to amend, and how (Grant Management for OAuth 2.0, draft 03, §4.2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from broker.edge.services import services
from broker.grants.proposals import AmendAction, is_amendable, most_of
from broker.grants.views import Grant
from broker.oauth.errors import OAuthRefused
from broker.policy.terms import Terms

_CREATE = "create"
ACTIONS = (_CREATE, *(action.value for action in AmendAction))
GRANT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class GrantAction:
    """How a live grant is to be amended. A request without one makes a new grant."""

    grant_id: str
    action: AmendAction


def grant_action(form: Mapping[str, str]) -> GrantAction | None:
    """Return what the parameters say, None for a new grant. Whose grant it is, is not looked at here.

    Raises:
        OAuthRefused: `invalid_request` for an unknown action, and for a `grant_id` without its action or the reverse.
    """
    word, grant_id = form.get("grant_management_action", _CREATE), form.get("grant_id")
    if word not in ACTIONS:
        raise OAuthRefused("invalid_request", "The grant_management_action is create, merge or replace.")
    if (word == _CREATE) != (grant_id is None):
        raise OAuthRefused("invalid_request", "A grant_id goes with the actions merge and replace, and they with it.")
    return None if grant_id is None else GrantAction(grant_id, AmendAction(word))


def fitted(wish: GrantAction, platform_id: str, asked: Terms) -> Terms:
    """Return what is asked for at the bank of the grant that it is to amend.

    Raises:
        OAuthRefused: `invalid_grant_id`, or `invalid_authorization_details` for terms that cannot be this grant's.
    """
    grant = amendable_grant(wish.grant_id, platform_id)
    here = asked if asked.bank is not None else replace(asked, bank=grant.bank_id)
    try:
        most_of(grant, wish.action, here)
    except ValueError as error:
        text = "A grant keeps its purpose, its bank and its duration_type. Ask for a new grant."
        raise OAuthRefused("invalid_authorization_details", text) from error
    return here


def amendable_grant(grant_id: str, platform_id: str) -> Grant:
    """Return a grant that this platform may ask to amend; a stranger's answers like one that does not exist.

    Raises:
        OAuthRefused: `invalid_grant_id` for a grant that is unknown, another client's, ended, or a single read-out.
    """
    with services().database.read() as session:
        is_id = GRANT_ID.fullmatch(grant_id) is not None
        grant = services().grant_reader.find(session, grant_id, services().clock()) if is_id else None
    if grant is None or grant.platform_id != platform_id or not is_amendable(grant):
        raise OAuthRefused("invalid_grant_id", "There is no such grant of this client, or it cannot be changed.")
    return grant


def announced(_base_url: str) -> dict[str, Any]:
    """Return what the metadata says of making and amending grants (Grant Management draft 03, §7.1)."""
    return {"grant_management_action_required": False}
