"""Closes a log at the end of its year, opens the next, and drops the years that are kept no longer."""

import re
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import delete, update

from broker.audit.models import DetailRow, EntryRow, LogState, NodeRow
from broker.audit.sequencer import Sequencer
from broker.audit.tree import Head, head_of, listed
from broker.audit.vocabulary import OPERATOR_LOG
from broker.errors import BrokerError, ConfigurationInvalid
from broker.storage.engine import Database

_log = structlog.get_logger(__name__)
_NAME = re.compile(r"(?P<stem>.+/audit/(?P<owner>[^/]+))/(?P<year>[0-9]{4})(-[0-9]+)?")
YEARS_KEPT = 6
"""For how many whole years after its own a log and its details are kept, unless the operator says otherwise."""
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class LogName:
    """A log's name taken apart: `<host>/audit/<owner>/<year>`, with `-2`, `-3` … for a year that was recovered."""

    stem: str
    owner: str
    year: int

    @property
    def bank_id(self) -> str | None:
        """Return the bank whose log it is, None for the operator's."""
        return None if self.owner == OPERATOR_LOG else self.owner


def name_of(log: str) -> LogName:
    """Take a log's name apart.

    Raises:
        ConfigurationInvalid: that is no name of a log.
    """
    found = _NAME.fullmatch(log)
    if found is None:
        raise ConfigurationInvalid("That is not the name of a log.", code="log-unknown")
    return LogName(found["stem"], found["owner"], int(found["year"]))


def close_finished_years(sequencer: Sequencer, now: datetime) -> list[str]:
    """Close every current log whose year is over and open this year's; return the names of those closed.

    Whoever is second finds it done: what counts is the state row, read again under the log's lock. A log that cannot
    be closed now (it is damaged, or contradicted) keeps no other from it; it is due still.

    Raises:
        StorageUnavailable: the logs cannot be read.
    """
    closed = []
    for log in sequencer.look_up(listed):
        name = name_of(log.origin)
        if not log.is_current or log.size == 0 or name.year >= now.year:
            continue
        try:
            if _close(sequencer, name, log.origin, now.year):
                closed.append(log.origin)
        except BrokerError as error:
            _log.error("audit.log_not_closed", log=log.origin, code=error.code)
    return closed


def _close(sequencer: Sequencer, name: LogName, log: str, year: int) -> bool:
    following = f"{name.stem}/{year}"
    sequencer.permits.inquire(following)
    with sequencer.transaction([name.bank_id]) as transaction:
        if transaction.log_of(name.bank_id) != log:
            return False
        transaction.succeed(name.bank_id, following)
    return True


def drop(database: Database, log: str, now: datetime, years_kept: int = YEARS_KEPT) -> Head:
    """Delete the entries and details of a closed log that is old enough; its last checkpoint stays.

    The next log's first entry commits to that checkpoint, so nobody can put another history in its place.

    Raises:
        NotFound: there is no such log.
        ConfigurationInvalid: it is current, or not old enough.
        StorageUnavailable: the rest was not deleted, call it again; or the database role may not delete entries.
    """
    with database.write() as session:
        head = head_of(session, log)
        if head.is_current:
            raise ConfigurationInvalid("That log is in use. Only a closed year can be dropped.", code="log-current")
        if now.year - name_of(log).year <= years_kept:
            raise ConfigurationInvalid(f"That log is kept until {name_of(log).year + years_kept + 1}.", code="log-kept")
        # The mark comes first: the triggers let go of a dropped log's rows alone.
        session.execute(update(LogState).where(LogState.name == log).values(is_dropped=True))
    for first in range(0, head.size, _AT_ONCE):
        # In parts, so that nobody who writes meanwhile waits for millions of rows.
        with database.write() as session:
            for row in (EntryRow, NodeRow, DetailRow):
                part = (row.log == log, row.number >= first, row.number < first + _AT_ONCE)
                session.execute(delete(row).where(*part))
    return head
