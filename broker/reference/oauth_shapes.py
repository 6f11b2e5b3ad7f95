"""The shapes of the OAuth endpoints: their forms, and what they answer."""

from typing import Any

from broker.crypto.jwt import ASSERTION_TYPE
from broker.oauth.details import TYPE
from broker.oauth.grant_action import ACTIONS
from broker.oauth.schema import bank_data_schema
from broker.policy import Catalogue
from broker.policy.vocabulary import GrantStatus

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer"}
_FLAG: Json = {"type": "boolean"}
_URL: Json = {"type": "string", "format": "uri"}
_INSTANT: Json = {"type": "string", "format": "date-time"}
_TEXTS: Json = {"type": "array", "items": _TEXT}
_DETAILS: Json = {"$ref": "#/components/schemas/GrantedDetails"}
_THUMBPRINT: Json = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}
_AUTHENTICATION: Json = {
    "client_id": _TEXT,
    "client_assertion_type": {"const": ASSERTION_TYPE},
    "client_assertion": {
        "type": "string",
        "description": "A JWT signed by the client's key (private_key_jwt); its only audience is the issuer.",
    },
}
_TOLD_OF_TOKEN: Json = {
    "scope": _TEXT,
    "grant_id": _TEXT,
    "authorization_details": _DETAILS,
    "token_type": {"const": "DPoP"},
}


def components(catalogue: Catalogue) -> Json:
    """Return the named schemas of the OAuth endpoints."""
    return {
        "BankData": {
            name: part for name, part in bank_data_schema(catalogue).items() if name not in {"$schema", "$id"}
        },
        "GrantedDetails": _granted_details(),
        "PushedRequest": _pushed(),
        "Pushed": _object({"request_uri": _TEXT, "expires_in": _NUMBER}, closed=True),
        "TokenRequest": _token_request(),
        "Token": _token(),
        "TokenToEnd": _form({"token": _TEXT, "token_type_hint": _TEXT}, "token"),
        "TokenToExamine": _form({"token": _TEXT, "token_type_hint": _TEXT}, "token"),
        "Introspection": _introspection(),
        "Grant": _grant(),
        "Registration": _registration(),
        "Registered": _registered(),
    }


def _object(properties: Json, *required: str, closed: bool = False) -> Json:
    told: Json = {
        "type": "object",
        "required": list(required or (properties if closed else ())),
        "properties": properties,
    }
    return {**told, "additionalProperties": False} if closed else told


def _form(properties: Json, *required: str) -> Json:
    return _object({**_AUTHENTICATION, **properties}, "client_assertion_type", "client_assertion", *required)


def _in_form(schema: str) -> Json:
    return {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": {"$ref": f"#/components/schemas/{schema}"},
    }


def _pushed() -> Json:
    parameters: Json = {
        "response_type": {"const": "code"},
        "redirect_uri": {**_URL, "description": "One of the client's own, character by character."},
        "state": {"type": "string", "maxLength": 2000},
        "code_challenge": {"type": "string", "minLength": 43, "maxLength": 128},
        "code_challenge_method": {"const": "S256"},
        "authorization_details": _in_form("BankData"),
        "scope": {"type": "string", "description": "In place of authorization_details, for the default purpose."},
        "dpop_jkt": _THUMBPRINT,
        "resource": _URL,
        "response_mode": _TEXT,
        "grant_management_action": {"enum": list(ACTIONS)},
        "grant_id": _TEXT,
        "request": {"type": "string", "description": "A signed request (RFC 9101): then nothing beside it counts."},
    }
    return _form(parameters)


def _token_request() -> Json:
    parameters: Json = {
        "grant_type": {"enum": ["authorization_code", "refresh_token", "client_credentials"]},
        "code": _TEXT,
        "redirect_uri": _URL,
        "code_verifier": {"type": "string", "minLength": 43, "maxLength": 128},
        "refresh_token": _TEXT,
        "scope": _TEXT,
        "authorization_details": _in_form("BankData"),
        "resource": _URL,
    }
    return _form(parameters, "grant_type")


def _granted_details() -> Json:
    category = _object({"name": _TEXT, "detail": _TEXT, "precision": _TEXT}, "name")
    figures = ("duration_days", "lookback_days", "frequency_per_day", "data_life_days")
    element = _object(
        {
            "type": {"const": TYPE},
            "purpose": _TEXT,
            "categories": {"type": "array", "items": {**category, "additionalProperties": False}},
            "accounts": _TEXTS,
            "bank": _TEXT,
            "duration_type": {"enum": ["TIME_BOUND", "ONE_TIME"]},
            **dict.fromkeys(figures, _NUMBER),
        },
        "type",
        "purpose",
        "categories",
        "accounts",
        "bank",
    )
    return {"type": "array", "maxItems": 1, "items": {**element, "additionalProperties": False}}


def _token() -> Json:
    told = {"access_token": _TEXT, "refresh_token": _TEXT, "expires_in": _NUMBER, **_TOLD_OF_TOKEN}
    return _object(told, "access_token", "token_type", "expires_in", "scope", closed=True)


def _introspection() -> Json:
    told: Json = {
        "active": _FLAG,
        **_TOLD_OF_TOKEN,
        **dict.fromkeys(("client_id", "sub", "iss", "aud"), _TEXT),
        **dict.fromkeys(("exp", "iat"), _NUMBER),
        "cnf": _object({"jkt": _THUMBPRINT}, closed=True),
    }
    return _object(told, "active", closed=True)


def _grant() -> Json:
    scope = _object({"scope": _TEXT, "resources": {"type": "array", "items": _URL}}, closed=True)
    told: Json = {
        "grant_id": _TEXT,
        "version": _NUMBER,
        "status": {"enum": [status.value for status in GrantStatus]},
        "status_reason": _TEXT,
        "scopes": {"type": "array", "items": scope},
        "claims": {"type": "array", "maxItems": 0},
        "authorization_details": _DETAILS,
        "created_at": _INSTANT,
        "last_updated_at": _INSTANT,
        "expires_at": _INSTANT,
        "updated_by": {"enum": ["client", "authorization_server"]},
    }
    return _object(told, closed=True)


def _registration_members() -> Json:
    texts = (
        "client_name",
        "scope",
        "default_purpose",
        "token_endpoint_auth_signing_alg",
        "request_object_signing_alg",
        "authorization_signed_response_alg",
        "introspection_signed_response_alg",
    )
    flags = (
        "dpop_bound_access_tokens",
        "dpop_nonce_required",
        "require_pushed_authorization_requests",
        "require_signed_request_object",
    )
    return {
        **dict.fromkeys(texts, _TEXT),
        **dict.fromkeys(flags, _FLAG),
        **dict.fromkeys(("grant_types", "response_types", "authorization_details_types", "purposes"), _TEXTS),
        "token_endpoint_auth_method": {"const": "private_key_jwt"},
        "redirect_uris": {"type": "array", "maxItems": 20, "items": _URL},
        "jwks": {"type": "object", "description": "A JWK Set with public keys; this or jwks_uri."},
        "jwks_uri": _URL,
    }


def _registration() -> Json:
    return _object({"client_id": _TEXT, **_registration_members()}, "client_name")


def _registered() -> Json:
    told = {
        "client_id": _TEXT,
        "client_id_issued_at": _NUMBER,
        "registration_access_token": _TEXT,
        "registration_client_uri": _URL,
        **_registration_members(),
    }
    always = ("client_id", "client_id_issued_at", "client_name", "registration_access_token", "registration_client_uri")
    return _object(told, *always, closed=True)
