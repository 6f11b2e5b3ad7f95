"""Sends the mails that wait, one at a time, outside of every transaction; what is not taken waits longer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broker.clock import Clock
from broker.notices.addresses import Addresses, note_failure
from broker.notices.inbox import told
from broker.notices.letters import Draft, Letter, LetterWriter
from broker.notices.models import MailRow, NoticeRow
from broker.notices.smtp import MailServer, Outcome
from broker.notices.words import Speech, parties
from broker.storage.engine import Database

_LEASE = timedelta(minutes=5)  # longer than a server may take over one mail
_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=30), timedelta(hours=2)
_MOST_ATTEMPTS = 45  # about three days
_MOST_A_ROUND = 200
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mailing:
    """Everything that sending takes."""

    database: Database
    addresses: Addresses
    writer: LetterWriter
    server: MailServer
    clock: Clock

    def send_due(self, is_stopping: Callable[[], bool] = lambda: False) -> int:
        """Send what is due, until nothing is, the server takes no more, or it is time to stop; return how many went.

        A mail can go twice when this process dies after the server has taken it, or the server's last word is lost; it
        has the same Message-ID then.

        Raises:
            StorageUnavailable: the queue cannot be read or written.
        """
        sent = 0
        for _ in range(_MOST_A_ROUND):
            leased = None if is_stopping() else self._lease()
            if leased is None:
                break
            mail_id, letter = leased
            outcome = Outcome.REFUSED if letter is None else self.server.send(letter)
            self._settle(mail_id, outcome, is_known=letter is not None)
            sent += outcome is Outcome.SENT
            if outcome is Outcome.LATER:
                break
        return sent

    def _lease(self) -> tuple[str, Letter | None] | None:
        """Take the mail that has been due longest; without a letter when there is nobody any more to send it to."""
        with self.database.write() as session:
            now = self.clock()
            query = select(MailRow).where(MailRow.due_at <= now).order_by(MailRow.due_at, MailRow.id).limit(1)
            row = session.scalars(query.with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            row.attempts += 1
            row.due_at = now + _LEASE
            draft = self._draft(session, row, now)
            return row.id, None if draft is None else self.writer.letter(draft, row.id, row.created_at)

    def _draft(self, session: Session, row: MailRow, now: datetime) -> Draft | None:
        apart = self.addresses.apart(row)
        if apart is not None:
            return self.writer.apart(apart, Speech(apart.language))
        recipient = self.addresses.of(session, row.user_id, now)
        notice = session.get(NoticeRow, row.notice_id) if row.notice_id else None
        if notice is None or recipient.address is None:
            return None
        return self.writer.of_notice(
            told(notice).notice, parties(session), Speech(recipient.language), to=recipient.address
        )

    def _settle(self, mail_id: str, outcome: Outcome, *, is_known: bool) -> None:
        with self.database.write() as session:
            row = session.get(MailRow, mail_id, with_for_update=True)
            if row is None:  # the person has forgotten the address meanwhile
                return
            if outcome is Outcome.LATER and row.attempts < _MOST_ATTEMPTS:
                row.due_at = self.clock() + min(_LONGEST_RETRY, _FIRST_RETRY * 2 ** min(row.attempts - 1, 10))
                return
            session.execute(delete(MailRow).where(MailRow.id == mail_id))
            if outcome is not Outcome.SENT and is_known:
                _log.warning("notices.mail_given_up", attempts=row.attempts, outcome=outcome.value)
                if row.notice_id is not None:
                    note_failure(session, row.user_id, self.clock())
