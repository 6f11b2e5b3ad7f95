"""Browser sessions in the database: hashed id, rotated at sign-in, ended when idle or too old.

Trusted: who holds the cookie is the person. The id is random, only its digest is stored, the content is sealed.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import structlog
from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SessionInterface
from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from broker.crypto.digests import digest, new_secret
from broker.edge.services import services
from broker.edge.session_models import WebSessionRow
from broker.errors import StorageUnavailable
from broker.storage.base import table_of
from broker.storage.prepared import Prepared

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
_SEEN_STEP = timedelta(minutes=1)
OWNER = "owner"
"""Under this name the content says whose the session is: a kind and an id."""
_NOTICES = "_flashes"  # Flask's name for what is to be shown once
# Built once, and run without the ORM: each request of a browser asks.
_SESSIONS = table_of(WebSessionRow)
_FOUND = Prepared(select(_SESSIONS).where(_SESSIONS.c.digest == bindparam("of_digest")))
_log = structlog.get_logger(__name__)


class WebSession(SecureCookieSession):
    """Flask's session mapping, with the secret id that it came under (None: not stored yet)."""

    secret: str | None = None
    created_at: datetime | None = None
    is_rotated = False
    keeps_age = False
    stored: Mapping[str, Any] = MappingProxyType({})

    def rotate(self, *, keeps_age: bool = False) -> None:
        """Ask for a new id: whoever knew the old one (fixation) has nothing.

        With `keeps_age` it stays the same session: it ends when it would have ended, and not at all if it has ended.
        """
        self.is_rotated, self.keeps_age = True, keeps_age
        self.modified = True

    @property
    def is_losable(self) -> bool:
        """Say whether nothing would be lost but a notice, or the minute of the last visit."""
        is_same = all(self.get(name) == self.stored.get(name) for name in {*self, *self.stored} - {_NOTICES})
        return self.secret is not None and not self.is_rotated and is_same


class DatabaseSessions(SessionInterface):
    """Loads and stores sessions; the cookie carries nothing but the random id."""

    def cookie_name_of(self) -> str:
        """Return the cookie's name; with TLS the `__Host-` prefix pins it to this host and path."""
        return "__Host-broker_session" if services().settings.is_secure else "broker_session"

    def open_session(self, app: Flask, request: Request) -> WebSession:
        """Return the stored session, or an empty one."""
        del app  # the signature is Flask's
        secret = request.cookies.get(self.cookie_name_of())
        if not secret:
            return WebSession()
        now = services().clock()
        with services().database.read() as session:
            row = _FOUND.first(session, of_digest=digest(secret))
        if row is None or row.seen_at + IDLE <= now or row.created_at + ABSOLUTE <= now:
            return WebSession()
        content = json.loads(services().sealer.open(row.sealed, context_of(row.digest)))
        found = WebSession(content)
        found.secret, found.created_at, found.stored = secret, row.created_at, json.loads(json.dumps(content))
        found.modified = row.seen_at + _SEEN_STEP <= now
        return found

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Store the session if it changed, under a new id if it was rotated; forget it if it is empty."""
        del app
        if not isinstance(session, WebSession) or not session.modified:
            return
        try:
            self._save(session, response)
        except StorageUnavailable:
            if not session.is_losable:
                raise
            # What the request did is done and durable: an error would say that it is not.
            _log.warning("session.not_stored")

    def _save(self, session: WebSession, response: Response) -> None:
        now = services().clock()
        # Who is known already may use the reserve of a full disk: nobody could take sharing back without a session.
        is_known = session.secret is not None and not session.is_rotated
        before = session.secret

        def store(database: Session) -> str | None:
            session.secret = before  # whatever a try has put there that was undone
            if session.secret and (session.is_rotated or not session):
                has_ended = not self._ended(database, session.secret)
                session.secret = None
                if session.keeps_age and has_ended:  # signed out from elsewhere meanwhile
                    session.clear()
            return self._stored(database, session, now) if session else None

        secret = services().database.change(store, from_reserve=is_known)
        if secret is None:
            response.delete_cookie(self.cookie_name_of(), **self._attributes())
        else:
            response.set_cookie(self.cookie_name_of(), secret, **self._attributes())

    def _ended(self, database: Session, secret: str) -> bool:
        """Delete the session of this id; False when somebody was quicker."""
        mine = delete(WebSessionRow).where(WebSessionRow.digest == digest(secret))
        return database.execute(mine.returning(WebSessionRow.digest)).first() is not None

    def _stored(self, database: Session, session: WebSession, now: datetime) -> str | None:
        """Write the session and return its secret; None when it was ended while this request was under way.

        A row that is gone is never written again: signing out must not be undone by a slower request.
        """
        secret = session.secret or new_secret("ws")
        key = digest(secret)
        if session.secret is None:
            begun_at = session.created_at if session.keeps_age and session.created_at else now
            row: WebSessionRow | None = WebSessionRow(digest=key, created_at=begun_at)
            database.add(row)
        else:
            row = database.get(WebSessionRow, key, with_for_update=True)
        if row is None:
            return None
        row.sealed = services().sealer.seal(json.dumps(dict(session)).encode(), context_of(key))
        row.seen_at = now
        row.owner_kind, row.owner_id = session.get(OWNER, (None, None))
        return secret

    def _attributes(self) -> dict[str, Any]:
        # Strict would lose the session on the way back from the bank.
        return {"httponly": True, "secure": services().settings.is_secure, "samesite": "Lax", "path": "/"}


def forget_old_sessions(session: Session, now: datetime) -> None:
    """Delete sessions that are idle or too old."""
    old = (WebSessionRow.seen_at < now - IDLE) | (WebSessionRow.created_at < now - ABSOLUTE)
    session.execute(delete(WebSessionRow).where(old))


def context_of(key: bytes) -> str:
    """Return what binds the sealed content of a session to its row."""
    return f"web_sessions/{key.hex()}"
