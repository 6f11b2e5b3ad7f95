"""Checks a security event token (RFC 8417): who signed it, for whom it is, and that it is one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from .issuer_keys import IssuerKeys
from .vocabulary import Event, EventType

TYP = "secevent+jwt"
ALGORITHMS = ("ES256", "PS256", "EdDSA")
LARGEST = 8 * 1024
LONGEST_ID = 200
MOST_EVENTS = 2**53
OURS = frozenset(EventType)


class NotTakenError(Exception):
    """A token that Messenger will not have. `err` is of the list of RFC 8935 §2.4."""

    def __init__(self, err: str, description: str) -> None:
        super().__init__(description)
        self.err = err
        self.description = description


@dataclass(frozen=True, slots=True)
class TokenCheck:
    """Checks tokens of one issuer that are for one audience."""

    issuer: str
    audience: str
    keys: IssuerKeys

    def read(self, token: bytes) -> Event:
        """Return the event of a token.

        Raises:
            NotTakenError: it is no token, forged, or for somebody else.
            KeysUnavailableError: the issuer's keys cannot be read now.

        """
        claims = self._signed(token)
        if claims.get("iss") != self.issuer:
            raise NotTakenError("invalid_issuer", "iss is not the transmitter that I listen to.")
        if claims.get("aud") not in (self.audience, [self.audience]):
            raise NotTakenError("invalid_audience", "aud is not me.")
        if {"sub", "exp"} & set(claims) or type(claims.get("iat")) is not int or not _is_id(claims.get("jti")):
            raise NotTakenError("invalid_request", "iat and jti must be there, sub and exp must not.")
        return _event(claims)

    def _signed(self, token: bytes) -> dict[str, Any]:
        """Return the claims once the signature is right; until then nothing of the token is believed."""
        try:
            header = jws.extract_compact(token).headers()
        except (JoseError, ValueError, TypeError) as error:
            raise NotTakenError("invalid_request", "That is no token.") from error
        kid, alg = header.get("kid"), header.get("alg")
        # The kinds that we take are written down here: what the header says of itself decides nothing.
        if header.get("typ") != TYP or alg not in ALGORITHMS or not _is_id(kid) or "crit" in header:
            raise NotTakenError("invalid_request", f"typ must be {TYP}, alg one of {' '.join(ALGORITHMS)}, with a kid.")
        key = self.keys.find(str(kid))
        if key is None or key.as_dict(private=False).get("alg", alg) != alg:
            raise NotTakenError("invalid_key", "The issuer publishes no such key.")
        try:
            payload = jws.deserialize_compact(token, key, algorithms=[str(alg)]).payload
            claims = json.loads(payload)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise NotTakenError("authentication_failed", "The signature is wrong.") from error
        if not isinstance(claims, dict):
            raise NotTakenError("invalid_request", "The claims must be an object.")
        return claims


def _event(claims: Mapping[str, Any]) -> Event:
    subject, events = claims.get("sub_id"), claims.get("events")
    if not isinstance(subject, dict) or subject.get("format") != "opaque" or not _is_id(subject.get("id")):
        raise NotTakenError("invalid_request", "sub_id must be an opaque id.")
    if not isinstance(events, dict) or len(events) != 1:
        raise NotTakenError("invalid_request", "events must hold one event.")
    ((kind, told),) = events.items()
    if not isinstance(told, dict):
        raise NotTakenError("invalid_request", "An event must be an object.")
    if kind not in OURS:
        # Of the stream itself (SSF 1.0 §8.1.4), or newer than this program: taken, and nothing follows from it.
        return Event(str(claims["jti"]), str(kind), "", 0, told)
    sequence = told.get("sequence")
    if told.get("grant_id") != subject["id"] or type(sequence) is not int or not 0 < sequence < MOST_EVENTS:
        raise NotTakenError("invalid_request", "grant_id must be that of sub_id, and sequence a number from 1.")
    return Event(str(claims["jti"]), str(kind), str(subject["id"]), sequence, told)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isprintable()
