"""Reads out of a person's accesses which accounts a bank has no longer: it was said when the data was asked for."""

from collections.abc import Iterator, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.audit.models import EntryRow, SubjectRow
from broker.audit.reader import LoggedEntry, logged, with_details
from broker.audit.vocabulary import Event
from broker.crypto.sealing import Sealer

_CLOSED = "account-closed"
_LOOKED_AT = 200


def gone_accounts(session: Session, master: Sealer, user_id: str) -> Mapping[str, frozenset[str]]:
    """Return by grant the bank's ids of the accounts that its bank had no longer when an app asked last.

    Of a person's newest 200 accesses that have come to an end; nothing is told of grants that none of these is about.
    """
    subjects = list(session.scalars(select(SubjectRow).where(SubjectRow.user_id == user_id)))
    ended = [Event.ACCESS_RELEASED.value, Event.ACCESS_REFUSED.value]
    query = select(EntryRow).where(EntryRow.subject.in_([row.pseudonym for row in subjects]), EntryRow.event.in_(ended))
    newest = query.order_by(EntryRow.time_us.desc(), EntryRow.log.desc(), EntryRow.number.desc()).limit(_LOOKED_AT)
    found: dict[str, frozenset[str]] = {}
    for entry in with_details(session, master, list(_telling(list(session.scalars(newest)))), subjects):
        named = entry.details.get("closed") or entry.details.get("accounts", ())
        found[entry.grant_id or ""] = found.get(entry.grant_id or "", frozenset()) | frozenset(named)
    return found


def _telling(rows: list[EntryRow]) -> Iterator[EntryRow]:
    """Yield what tells of closed accounts, unless a later release was about as many accounts or more."""
    since: dict[tuple[str | None, str | None], int] = {}
    for row in rows:
        entry = logged(row, {})
        place = entry.grant_id, entry.category
        if _tells(entry):
            if since.get(place, 0) < (entry.accounts or 0) + (entry.closed or 0):
                yield row
        elif entry.event is Event.ACCESS_RELEASED:
            since[place] = max(since.get(place, 0), entry.accounts or 0)


def _tells(entry: LoggedEntry) -> bool:
    return bool(entry.closed) or _CLOSED in entry.reasons
