"""Messenger as a caller of the broker's API: one proof of possession a call, pages followed, tokens refreshed once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import requests

from . import clock
from .config import Config, origin_of
from .oauth import GrantEndedError, OAuth, OAuthFailedError
from .receipts import Receipt, ReceiptWrongError, receipt_of
from .store.connections import Connection, Connections

UNAUTHORIZED = 401
TOO_MANY = 429
CODE = re.compile(r"[a-z][a-z0-9-]{0,59}")
ENDED = frozenset({"grant-revoked", "grant-expired", "grant-rejected"})
MOST_PAGES = 20
ALMOST_EXPIRED = timedelta(seconds=5)


class RefusedError(Exception):
    """The broker refused, or could not answer; the code says why, the rule (empty when none is named) by whom."""

    def __init__(self, code: str, retry_after: int | None = None, rule: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.rule = rule
        self.retry_after = retry_after


class EndedError(RefusedError):
    """The grant itself has ended; the connection is marked so."""


@dataclass(frozen=True, slots=True)
class Presence:
    """The person on whose behalf a call is made: where they are, since when they are signed in."""

    address: str = field(repr=False)
    since: datetime

    def headers(self) -> dict[str, str]:
        """Write the headers that say that the person is present (FAPI)."""
        return {
            "x-fapi-customer-ip-address": self.address,
            "x-fapi-auth-date": format_datetime(self.since.astimezone(UTC), usegmt=True),
        }


@dataclass(frozen=True, slots=True)
class One:
    """The one record of an answer with its receipt, and the connection with its tokens now."""

    record: Mapping[str, Any]
    connection: Connection
    receipts: list[Receipt]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request: a question goes in the body, everything else in the address."""

    url: str
    parameters: Mapping[str, str] | None = None
    question: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Pages:
    """Entries of all pages read with their receipts, whether there are more, and the connection with its tokens now.

    `missing` maps the accounts of which the answer has nothing to the code that says why.
    """

    entries: list[object]
    more: bool
    connection: Connection
    receipts: list[Receipt]
    missing: Mapping[str, str]


class BrokerApi:
    """The broker's resource server, seen from Messenger."""

    def __init__(self, config: Config, oauth: OAuth, connections: Connections, http: requests.Session) -> None:
        self._base = config.api_base
        self._oauth = oauth
        self._connections = connections
        self._http = http

    def read(
        self,
        connection: Connection,
        presence: Presence,
        path: str,
        member: str,
        *,
        parameters: Mapping[str, str] | None = None,
        most_pages: int = MOST_PAGES,
    ) -> Pages:
        """Read the array `data.<member>`, page after page.

        Raises:
            RefusedError: with the broker's code, or `broker-unreachable`, `invalid-answer`.
            EndedError: the grant has ended.

        """
        entries: list[object] = []
        receipts: list[Receipt] = []
        missing: dict[str, str] = {}
        url: str | None = f"{self._base}{path}"
        for _ in range(most_pages):
            connection, envelope, receipt = self._call(connection, presence, _Asked(str(url), parameters))
            receipts += [receipt] if receipt else []
            entries += _array(envelope, member)
            missing |= _missing(envelope)
            url, parameters = self._next(envelope), None
            if url is None:
                break
        return Pages(entries, more=url is not None, connection=connection, receipts=receipts, missing=missing)

    def one(
        self,
        connection: Connection,
        presence: Presence | None,
        path: str,
        question: Mapping[str, Any] | None = None,
    ) -> One:
        """Read one record, or have a question answered; without a presence Messenger asks on its own.

        Raises:
            RefusedError: with the broker's code, or `broker-unreachable`, `invalid-answer`.
            EndedError: the grant has ended.

        """
        asked = _Asked(f"{self._base}{path}", question=question)
        connection, envelope, receipt = self._call(connection, presence, asked)
        record = envelope.get("data")
        if not isinstance(record, dict):
            raise RefusedError("invalid-answer")
        return One(record, connection, [receipt] if receipt else [])

    def _call(
        self, connection: Connection, presence: Presence | None, asked: _Asked
    ) -> tuple[Connection, dict[str, Any], Receipt | None]:
        fresh = connection.access_expires_at > clock.now() + ALMOST_EXPIRED
        if not fresh:
            connection = self._refresh(connection)
        response = self._send(connection, presence, asked)
        if fresh and response.status_code == UNAUTHORIZED and _code(response) not in ENDED:
            connection = self._refresh(connection)
            response = self._send(connection, presence, asked)
        if response.ok:
            return connection, _json(response), _receipt(response)
        code = _code(response)
        if code in ENDED:
            self._connections.end(connection)
            raise EndedError(code)
        raise RefusedError(code, _retry_after(response), _rule(response))

    def _send(self, connection: Connection, presence: Presence | None, asked: _Asked) -> requests.Response:
        headers = {"Accept": "application/json", "x-fapi-interaction-id": str(uuid4())}
        headers |= presence.headers() if presence else {}
        method = "GET" if asked.question is None else "POST"
        try:
            proof = self._oauth.proof_of(connection.access_token)
            return self._http.request(
                method, asked.url, params=asked.parameters, json=asked.question, headers=headers, auth=proof
            )
        except requests.RequestException as error:
            raise RefusedError("broker-unreachable") from error
        except ValueError as error:
            raise RefusedError("invalid-answer") from error

    def _refresh(self, connection: Connection) -> Connection:
        if connection.refresh_token is None:
            self._connections.end(connection)
            raise EndedError("token-expired")
        try:
            tokens = self._oauth.refresh(connection.refresh_token)
        except GrantEndedError as error:
            self._connections.end(connection)
            raise EndedError(error.code) from error
        except OAuthFailedError as error:
            raise RefusedError(error.code) from error
        renewed = self._connections.renew(connection, tokens)
        if renewed is None:
            raise EndedError("disconnected")
        return renewed

    def _next(self, envelope: Mapping[str, Any]) -> str | None:
        links = envelope.get("links")
        url = links.get("next") if isinstance(links, dict) else None
        if url is None:
            return None
        # A token goes nowhere but to the API it is for, whatever a link says.
        if not isinstance(url, str) or origin_of(url) != origin_of(self._base) or not url.startswith(f"{self._base}/"):
            raise RefusedError("invalid-answer")
        return url


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError as error:
        raise RefusedError("invalid-answer") from error
    if not isinstance(body, dict):
        raise RefusedError("invalid-answer")
    return body


def _receipt(response: requests.Response) -> Receipt | None:
    try:
        return receipt_of(response)
    except ReceiptWrongError as error:
        raise RefusedError("receipt-wrong") from error


def _array(envelope: Mapping[str, Any], member: str) -> list[object]:
    data = envelope.get("data")
    entries = data.get(member) if isinstance(data, dict) else None
    if not isinstance(entries, list):
        raise RefusedError("invalid-answer")
    return entries


def _missing(envelope: Mapping[str, Any]) -> dict[str, str]:
    meta = envelope.get("meta")
    told = meta.get("missingAccounts", []) if isinstance(meta, dict) else []
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise RefusedError("invalid-answer")
    return {str(one.get("accountId")): str(one.get("code")) for one in told}


def _code(response: requests.Response) -> str:
    """Read the stable code of a problem (RFC 9457), or make one of the status."""
    try:
        code = response.json().get("code")
    except (ValueError, AttributeError):
        code = None
    return code if isinstance(code, str) and CODE.fullmatch(code) else f"status-{response.status_code}"


def _rule(response: requests.Response) -> str:
    """Read which rule refused, empty when the problem names none."""
    try:
        rule = response.json().get("rule")
    except (ValueError, AttributeError):
        return ""
    return rule if isinstance(rule, str) else ""


def _retry_after(response: requests.Response) -> int | None:
    value = response.headers.get("Retry-After", "")
    return int(value) if response.status_code == TOO_MANY and value.isdecimal() and len(value) < 8 else None  # noqa: PLR2004 - up to a third of a year
