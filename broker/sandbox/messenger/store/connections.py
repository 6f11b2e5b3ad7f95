"""Connections: what each person connected, with tokens sealed at rest."""

import json
import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from broker.sandbox.messenger import clock
from broker.sandbox.messenger.grant import Granted
from broker.sandbox.messenger.keys import Seal, SealBrokenError
from broker.sandbox.messenger.oauth import Tokens
from broker.sandbox.messenger.standing import Standing

from .database import Sessions
from .models import ConnectionRow

log = logging.getLogger("messenger.store")


class Status(StrEnum):
    """Whether the broker still honours it, as far as Messenger has been told."""

    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of one person to one bank."""

    id: str
    person_id: str
    bank_id: str | None
    status: Status
    granted: Granted
    access_token: str = field(repr=False)
    access_expires_at: datetime
    refresh_token: str | None = field(repr=False)
    account_names: Mapping[str, str] = field(repr=False)
    connected_at: datetime
    grant_id: str | None = None
    standing: Standing = field(default_factory=Standing)


class Connections:
    """Open, renew, end and forget connections."""

    def __init__(self, sessions: Sessions, seal: Seal) -> None:
        self._sessions = sessions
        self._seal = seal

    def open(self, person_id: str, bank_id: str | None, tokens: Tokens, granted: Granted) -> Connection:
        """Store a new connection."""
        row = ConnectionRow(
            id=secrets.token_hex(16),
            person_id=person_id,
            bank_id=granted.bank_id or bank_id,
            status=Status.ACTIVE,
            granted=granted.to_json(),
            connected_at=clock.now(),
            grant_id=tokens.grant_id,
        )
        self._fill(row, tokens)
        with self._sessions.begin() as session:
            session.add(row)
        return self._read(row)

    def of(self, person_id: str) -> list[Connection]:
        """List a person's connections, newest first."""
        statement = (
            select(ConnectionRow)
            .where(ConnectionRow.person_id == person_id)
            .order_by(ConnectionRow.connected_at.desc(), ConnectionRow.id)
        )
        return self._all(statement)

    def of_grant(self, grant_id: str) -> list[Connection]:
        """List the connections under one grant, of whichever person; one at most unless a code was redeemed twice."""
        return self._all(select(ConnectionRow).where(ConnectionRow.grant_id == grant_id).order_by(ConnectionRow.id))

    def live(self) -> list[Connection]:
        """List the connections of everybody that have not ended; count in the log those that cannot be opened."""
        found = list[Connection]()
        query = select(ConnectionRow).where(ConnectionRow.status == Status.ACTIVE).order_by(ConnectionRow.id)
        with self._sessions() as session:
            rows = session.scalars(query).all()
        for row in rows:
            with suppress(SealBrokenError):
                found.append(self._read(row))
        if len(found) < len(rows):
            log.error("connections cannot be opened: %d", len(rows) - len(found))
        return found

    def find(self, person_id: str, connection_id: str) -> Connection | None:
        """Find a connection of this very person."""
        return next((found for found in self.of(person_id) if found.id == connection_id), None)

    def renew(self, connection: Connection, tokens: Tokens) -> Connection | None:
        """Store refreshed tokens; what was granted may have become less meanwhile."""
        with self._sessions.begin() as session:
            row = self._active(session, connection)
            if row is None:
                return None
            self._fill(row, tokens)
            row.grant_id = tokens.grant_id or row.grant_id
            if tokens.granted is not None:
                row.granted = (_keep_end(tokens.granted, connection.granted)).to_json()
                if not tokens.granted.has("accounts"):
                    row.account_names = None
            return self._read(row)

    def remember_names(self, connection: Connection, names: Mapping[str, str]) -> None:
        """Store what accounts are called."""
        with self._sessions.begin() as session:
            row = self._active(session, connection)
            if row is not None:
                row.account_names = self._seal.close(json.dumps(dict(names)), f"names:{row.id}")

    def amend(self, connection: Connection, granted: Granted) -> None:
        """Store what is granted now, and forget names that are not any more."""
        with self._sessions.begin() as session:
            row = self._active(session, connection)
            if row is not None:
                row.granted, row.account_names = granted.to_json(), None

    def rest(self, connection: Connection, standing: Standing) -> None:
        """Store what is to be left alone for now."""
        with self._sessions.begin() as session:
            row = self._active(session, connection)
            if row is not None:
                row.standing = standing.to_json()

    def forget_names(self, connection: Connection) -> None:
        """Delete what accounts are called."""
        with self._sessions.begin() as session:
            row = session.get(ConnectionRow, connection.id)
            if row is not None:
                row.account_names = None

    def end(self, connection: Connection) -> None:
        """Note that the grant has ended, and forget the tokens."""
        with self._sessions.begin() as session:
            row = self._active(session, connection)
            if row is not None:
                row.status = Status.ENDED
                row.access_token = row.refresh_token = row.account_names = row.standing = None
                row.granted = Granted((), (), connection.bank_id, None).to_json()

    def forget(self, connection: Connection) -> None:
        """Delete a connection with its tokens."""
        with self._sessions.begin() as session:
            session.execute(delete(ConnectionRow).where(ConnectionRow.id == connection.id))

    def _all(self, statement: Select[ConnectionRow]) -> list[Connection]:
        with self._sessions() as session:
            return [self._read(row) for row in session.scalars(statement)]

    @staticmethod
    def _active(session: Session, connection: Connection) -> ConnectionRow | None:
        # It may have been disconnected while an answer was on its way: then nothing is brought back to life.
        row = session.get(ConnectionRow, connection.id)
        return row if row is not None and row.status == Status.ACTIVE else None

    def _fill(self, row: ConnectionRow, tokens: Tokens) -> None:
        row.access_token = self._seal.close(tokens.access, f"access:{row.id}")
        row.access_expires_at = tokens.expires_at
        if tokens.refresh is not None:
            row.refresh_token = self._seal.close(tokens.refresh, f"refresh:{row.id}")

    def _read(self, row: ConnectionRow) -> Connection:
        return Connection(
            id=row.id,
            person_id=row.person_id,
            bank_id=row.bank_id,
            status=Status(row.status),
            granted=Granted.from_json(row.granted),
            access_token=self._opened(row.access_token, f"access:{row.id}") or "",
            access_expires_at=row.access_expires_at,
            refresh_token=self._opened(row.refresh_token, f"refresh:{row.id}"),
            account_names=json.loads(self._opened(row.account_names, f"names:{row.id}") or "{}"),
            connected_at=row.connected_at,
            grant_id=row.grant_id,
            standing=Standing.from_json(row.standing),
        )

    def _opened(self, sealed: bytes | None, place: str) -> str | None:
        return None if sealed is None else self._seal.open(sealed, place)


def _keep_end(renewed: Granted, former: Granted) -> Granted:
    # A refresh never lengthens a grant: the end counts from the day of consent, not from the refresh.
    return Granted(renewed.categories, renewed.accounts, renewed.bank_id, former.ends_at)
