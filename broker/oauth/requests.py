"""Keeps pushed authorization requests: found by their request_uri, bound to one browser, answered once."""

import json
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, or_, update
from sqlalchemy.orm import Session

from broker.crypto.digests import digest
from broker.crypto.sealing import Sealer
from broker.grants.proposals import AmendAction
from broker.oauth.grant_action import GrantAction
from broker.oauth.models import PushedRequestRow
from broker.policy.terms import Terms

URN = "urn:ietf:params:oauth:request_uri:"
LIFE = timedelta(seconds=300)
"""How long a request_uri waits for a browser: FAPI 2.0 §5.3.2.2-12 wants less than 600 s."""

BOUND_LIFE = timedelta(minutes=10)
"""How long a browser that has come may take to sign in at the bank; the proposal then has its own time."""

_MEMORY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was pushed. `jkt` is the DPoP key that the code will be bound to, if one was named.

    `response_mode` is how the answer goes back: `query`, or signed as `jwt` or `query.jwt` (JARM §2.3).
    `amends` names the live grant that is to be amended; without it the request makes a new one.
    """

    platform_id: str
    redirect_uri: str
    state: str | None
    code_challenge: str
    jkt: str | None
    terms: Terms
    response_mode: str = "query"
    amends: GrantAction | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A pushed request as it rests: `key` is the digest of its request_uri in hexadecimal."""

    key: str
    pushed: Pushed
    browser: str | None
    expires_at: datetime
    answered_at: datetime | None


def key_of(request_uri: str) -> str:
    """Return the key under which a request_uri is kept."""
    return digest(request_uri).hex()


def keep(session: Session, sealer: Sealer, pushed: Pushed, now: datetime) -> str:
    """Store a request and return its request_uri of 256 random bits (RFC 9126 §2.2)."""
    request_uri = URN + secrets.token_urlsafe(32)
    key = key_of(request_uri)
    parameters = {
        "redirect_uri": pushed.redirect_uri,
        "state": pushed.state,
        "code_challenge": pushed.code_challenge,
        "jkt": pushed.jkt,
        "terms": pushed.terms.to_json(),
        "unnamed": sorted(pushed.terms.unnamed),
        "response_mode": pushed.response_mode,
        "amends": asdict(pushed.amends) if pushed.amends else None,
    }
    session.add(
        PushedRequestRow(
            digest=bytes.fromhex(key),
            platform_id=pushed.platform_id,
            sealed=sealer.seal(json.dumps(parameters).encode(), _context(key, pushed.platform_id)),
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    return request_uri


def find(session: Session, sealer: Sealer, key: str) -> Kept | None:
    """Return a request by its key, None when there is none."""
    row = session.get(PushedRequestRow, bytes.fromhex(key))
    if row is None:
        return None
    plain: dict[str, Any] = json.loads(sealer.open(row.sealed, _context(key, row.platform_id)))
    amends = plain.get("amends")  # absent in what was pushed to an earlier release
    terms = Terms.from_json(plain["terms"])
    pushed = Pushed(
        platform_id=row.platform_id,
        redirect_uri=plain["redirect_uri"],
        state=plain["state"],
        code_challenge=plain["code_challenge"],
        jkt=plain["jkt"],
        terms=replace(terms, unnamed=frozenset(plain.get("unnamed", ()))),  # absent in what an earlier release kept
        response_mode=plain.get("response_mode", "query"),  # requests of an earlier version have none
        amends=GrantAction(amends["grant_id"], AmendAction(amends["action"])) if amends else None,
    )
    return Kept(key, pushed, row.browser, row.expires_at, row.answered_at)


def bind(session: Session, key: str, browser: str, now: datetime) -> bool:
    """Give the request to the first browser that comes, in one conditional statement; False for any other."""
    one = PushedRequestRow.digest == bytes.fromhex(key)
    first = update(PushedRequestRow).where(one, PushedRequestRow.browser.is_(None), PushedRequestRow.expires_at > now)
    session.execute(first.values(browser=browser, expires_at=now + BOUND_LIFE))
    row = session.get(PushedRequestRow, bytes.fromhex(key), populate_existing=True)
    return row is not None and row.browser == browser and row.expires_at > now


def move(session: Session, key: str, browser: str) -> None:
    """Give a request that waits for its answer to another browser of the person who has decided it."""
    one = PushedRequestRow.digest == bytes.fromhex(key)
    session.execute(update(PushedRequestRow).where(one, PushedRequestRow.answered_at.is_(None)).values(browser=browser))


def answer(session: Session, key: str, browser: str, now: datetime) -> bool:
    """Mark the request as answered in one conditional statement; False when it was, or is another browser's."""
    one = PushedRequestRow.digest == bytes.fromhex(key)
    open_ones = update(PushedRequestRow).where(
        one, PushedRequestRow.browser == browser, PushedRequestRow.answered_at.is_(None)
    )
    return cast("CursorResult[None]", session.execute(open_ones.values(answered_at=now))).rowcount == 1


def forget_old_requests(session: Session, now: datetime) -> None:
    """Delete requests a day after their end; until then a second visit is told what happened."""
    long_ago = now - _MEMORY
    old = or_(PushedRequestRow.expires_at < long_ago, PushedRequestRow.answered_at < long_ago)
    session.execute(delete(PushedRequestRow).where(old))


def _context(key: str, platform_id: str) -> str:
    return f"pushed_requests/{key}/{platform_id}"
