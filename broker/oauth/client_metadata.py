"""Client metadata (RFC 7591 §2): reads what a client says of itself, and tells what is registered of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from broker.crypto.jwt import ALGORITHMS
from broker.errors import InvalidRequest
from broker.oauth.details import TYPE
from broker.oauth.errors import OAuthRefused
from broker.platforms.key_sets import NO_KEYS, check_keys
from broker.platforms.options import Options
from broker.platforms.redirects import check_redirect_uri
from broker.platforms.service import Platform, PlatformKind
from broker.policy.vocabulary import MachineScope

_MOST_REDIRECT_URIS = 20
_MOST_WORDS = 40
_LONGEST_TEXT = 2_000
_AUTHENTICATION = "private_key_jwt"
_CODE_GRANTS = ("authorization_code", "refresh_token")
_OWN_GRANT = "client_credentials"
_KEY_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "kid", "use", "alg")
_ALGORITHM_OPTIONS = {
    "token_endpoint_auth_signing_alg": ALGORITHMS,
    "request_object_signing_alg": ALGORITHMS,
    "authorization_signed_response_alg": ("ES256",),
    "introspection_signed_response_alg": ("ES256",),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a client may register for."""

    purposes: frozenset[str]
    scopes: frozenset[str]


def read_metadata(asked: Mapping[str, Any], client_id: str, limits: Limits, *, http_loopback: bool) -> Platform:
    """Return the client that the metadata describe. Null counts as absent, unknown members are passed over.

    Raises:
        OAuthRefused: `invalid_client_metadata`, `invalid_redirect_uri` or `unapproved_software_statement`.
    """
    given = {name: value for name, value in asked.items() if value is not None}
    if "software_statement" in given:
        raise OAuthRefused("unapproved_software_statement", "Software statements are not accepted here.")
    _check_fixed(given)
    scopes = _scopes(given, limits.scopes)
    purposes = _words(given, "purposes", limits.purposes)
    jwks, jwks_uri = _keys(given, http_loopback=http_loopback)
    platform = Platform(
        id=client_id,
        kind=PlatformKind.PLATFORM,
        name=_text(given, "client_name") or _refuse("client_name is missing."),
        jwks=jwks,
        redirect_uris=_redirect_uris(given, http_loopback=http_loopback),
        scopes=tuple(name for name in scopes if name not in set(MachineScope)),
        purposes=purposes,
        default_purpose=_text(given, "default_purpose"),
        jwks_uri=jwks_uri,
        options=_options(given, tuple(name for name in scopes if name in set(MachineScope))),
    )
    _check_grants(given, platform)
    return platform


def told(platform: Platform, created_at: datetime) -> dict[str, Any]:
    """Return everything that is registered of a client (RFC 7591 §3.2.1); what has no value is left out."""
    options, asks_people = platform.options, bool(platform.redirect_uris)
    members = {
        "client_id": platform.id,
        "client_id_issued_at": int(created_at.timestamp()),
        "client_name": platform.name,
        "redirect_uris": list(platform.redirect_uris),
        "jwks": None if platform.jwks_uri else platform.jwks,
        "jwks_uri": platform.jwks_uri,
        "scope": " ".join((*platform.scopes, *options.machine_scopes)),
        "grant_types": _grant_types(platform),
        "response_types": ["code"] if asks_people else [],
        "token_endpoint_auth_method": _AUTHENTICATION,
        "dpop_bound_access_tokens": True,
        "dpop_nonce_required": options.requires_nonce,
        "require_pushed_authorization_requests": True,
        "require_signed_request_object": options.requires_signed_requests,
        "authorization_details_types": [TYPE] if asks_people else [],
        "purposes": list(platform.purposes),
        "default_purpose": platform.default_purpose,
    }
    members |= {name: getattr(options, name) for name in _ALGORITHM_OPTIONS}
    return {name: value for name, value in members.items() if value is not None}


def _check_fixed(given: Mapping[str, Any]) -> None:
    """Refuse another value where there is only one: a client must not believe that it has what it has not."""
    if given.get("token_endpoint_auth_method", _AUTHENTICATION) != _AUTHENTICATION:
        _refuse(f"token_endpoint_auth_method must be {_AUTHENTICATION}.")
    for name in ("dpop_bound_access_tokens", "require_pushed_authorization_requests"):
        if not _flag(given, name, default=True):
            _refuse(f"{name} cannot be false here.")
    _words(given, "authorization_details_types", {TYPE})
    _words(given, "response_types", {"code"})


def _check_grants(given: Mapping[str, Any], platform: Platform) -> None:
    """Hold grant types, redirect URIs and scopes against each other (RFC 7591 §2.1)."""
    asked = set(_words(given, "grant_types", {*_CODE_GRANTS, _OWN_GRANT})) or {_CODE_GRANTS[0]}
    if (_CODE_GRANTS[0] in asked) != bool(platform.redirect_uris):
        _refuse("redirect_uris and the grant type authorization_code go together.")
    if _CODE_GRANTS[1] in asked and _CODE_GRANTS[0] not in asked:
        _refuse("The grant type refresh_token needs authorization_code.")
    if (_OWN_GRANT in asked) != bool(platform.options.machine_scopes):
        _refuse(f"The grant type {_OWN_GRANT} goes together with a scope of the client itself.")


def _grant_types(platform: Platform) -> list[str]:
    with_people = list(_CODE_GRANTS) if platform.redirect_uris else []
    return with_people + ([_OWN_GRANT] if platform.options.machine_scopes else [])


def _keys(given: Mapping[str, Any], *, http_loopback: bool) -> tuple[dict[str, Any], str | None]:
    jwks_uri, jwks = _text(given, "jwks_uri"), given.get("jwks", NO_KEYS)
    if not isinstance(jwks, dict):
        _refuse("jwks must be a JWK Set.")
    try:
        check_keys(jwks, jwks_uri, http_loopback=http_loopback)
    except InvalidRequest as error:
        _refuse(error.detail)
    keys = [{name: key[name] for name in _KEY_MEMBERS if isinstance(key.get(name), str)} for key in jwks["keys"]]
    return {"keys": keys}, jwks_uri


def _redirect_uris(given: Mapping[str, Any], *, http_loopback: bool) -> tuple[str, ...]:
    uris = given.get("redirect_uris", [])
    if not isinstance(uris, list) or len(uris) > _MOST_REDIRECT_URIS:
        raise OAuthRefused("invalid_redirect_uri", "redirect_uris must be a list of at most 20 URIs.")
    for uri in uris:
        try:
            check_redirect_uri(uri if isinstance(uri, str) else "", http_loopback=http_loopback)
        except InvalidRequest as error:
            raise OAuthRefused("invalid_redirect_uri", error.detail) from error
    return tuple(dict.fromkeys(uris))


def _scopes(given: Mapping[str, Any], allowed: Collection[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for name in (_text(given, "scope") or "").split(" ") if name))
    if not set(names) <= set(allowed):
        _refuse("The invitation does not allow all of these scopes.")
    return names


def _options(given: Mapping[str, Any], machine_scopes: tuple[str, ...]) -> Options:
    chosen = {name: _text(given, name) for name in _ALGORITHM_OPTIONS}
    for name, allowed in _ALGORITHM_OPTIONS.items():
        if chosen[name] not in {None, *allowed}:
            _refuse(f"{name} must be one of {', '.join(allowed)}.")
    return Options(
        requires_nonce=_flag(given, "dpop_nonce_required", default=False),
        requires_signed_requests=_flag(given, "require_signed_request_object", default=False),
        machine_scopes=machine_scopes,
        **chosen,
    )


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > _LONGEST_TEXT):
        _refuse(f"{name} must be a text of at most {_LONGEST_TEXT} characters.")
    return value or None


def _flag(given: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = given.get(name, default)
    if not isinstance(value, bool):
        _refuse(f"{name} must be true or false.")
    return value


def _words(given: Mapping[str, Any], name: str, allowed: Collection[str]) -> tuple[str, ...]:
    words = given.get(name, [])
    if not isinstance(words, list) or len(words) > _MOST_WORDS or not all(isinstance(word, str) for word in words):
        _refuse(f"{name} must be a list of words.")
    if not set(words) <= set(allowed):
        _refuse(f"{name} holds a word that is not allowed.")
    return tuple(dict.fromkeys(words))


def _refuse(description: str) -> NoReturn:
    raise OAuthRefused("invalid_client_metadata", description)
