"""A person's address for mails: given by them, confirmed by a link, sealed at rest; and their language.

Trusted: who holds the key of a link and is signed in as the person has the address confirmed. The key rests sealed
until the mail is sent, and as a digest after it.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest

from sqlalchemy import delete
from sqlalchemy.orm import Session

from broker.clock import day_of
from broker.crypto.digests import digest, new_secret
from broker.crypto.sealing import Sealer
from broker.errors import InvalidRequest
from broker.notices.models import MailRow, RecipientRow
from broker.notices.notice import Notice
from broker.notices.outbox import note
from broker.notices.vocabulary import What
from broker.storage.base import new_id
from broker.storage.single_use import Claim, claim
from broker.translations import LANGUAGES, SOURCE

KEY_LIFE = timedelta(hours=24)
LONGEST_ADDRESS = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
_MOST_A_DAY, _MOST_TO_ONE_A_DAY = 5, 3
_LONGEST_LOCAL_PART = 64
_NOBODY = ""
# What the HTML standard calls a valid e-mail address, with a domain of two labels at least.
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+")


class Apart(StrEnum):
    """The mails that tell of no notice: to confirm an address, and the last one to an address that was replaced."""

    CONFIRM = "confirm"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class ApartMail:
    """What rests sealed of such a mail."""

    kind: Apart
    to: str
    language: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Recipient:
    """What is known of a person for mails. `asked` waits to be confirmed; `has_failed`: the last mail came back."""

    language: str = SOURCE
    address: str | None = None
    has_failed: bool = False
    asked: str | None = None


class Addresses:
    """Reads and writes addresses; they rest sealed."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def of(self, session: Session, user_id: str, now: datetime) -> Recipient:
        """Return what is known of a person."""
        row = session.get(RecipientRow, user_id)
        if row is None:
            return Recipient()
        is_asked = row.key_expires_at is not None and now < row.key_expires_at
        return Recipient(
            language=_language(row),
            address=self._open(row.user_id, "address", row.sealed_address),
            has_failed=row.failed_at is not None,
            asked=self._open(row.user_id, "asked", row.sealed_asked) if is_asked else None,
        )

    def ask(self, session: Session, user_id: str, address: str, now: datetime) -> None:
        """Put a mail with a link into the queue; the address counts when its reader has opened the link, signed in.

        Raises:
            InvalidRequest: it is no address, or too many mails were asked for today.
        """
        if not is_address(address):
            raise InvalidRequest("This is not an e-mail address.", code="mail-address-invalid")
        _check_not_too_often(session, user_id, address, now)
        key, row = new_secret("nc"), _row(session, user_id)
        row.sealed_asked = self._seal(user_id, "asked", address)
        row.key_digest, row.key_expires_at = digest(key), now + KEY_LIFE
        self._queue(session, user_id, ApartMail(Apart.CONFIRM, address, _language(row), key), now)

    def confirm(self, session: Session, user_id: str, key: str, now: datetime) -> None:
        """Take the address that was asked about as the person's; the link is used up.

        Raises:
            InvalidRequest: the link was used, is too old, or was sent for somebody else.
        """
        row = session.get(RecipientRow, user_id, with_for_update=True)
        is_right = (
            row is not None
            and row.key_digest is not None
            and row.key_expires_at is not None
            and now < row.key_expires_at
            and compare_digest(row.key_digest, digest(key))
        )
        if row is None or not is_right:
            raise InvalidRequest(
                "This link was used before, is too old, or is for somebody else. Ask for a new one.",
                code="mail-link-invalid",
            )
        asked = self._open(user_id, "asked", row.sealed_asked) or ""
        self._say_goodbye(session, row, now, unless=asked)
        row.sealed_address, row.confirmed_at = self._seal(user_id, "address", asked), now
        row.sealed_asked = row.key_digest = row.key_expires_at = row.failed_at = None
        session.flush()
        note(session, Notice(What.ADDRESS_CONFIRMED, user_id), now)

    def remove(self, session: Session, user_id: str, now: datetime) -> None:
        """Forget the address, the one that waits to be confirmed too, and every mail that waits to be sent to it."""
        row = session.get(RecipientRow, user_id, with_for_update=True)
        if row is None or (row.sealed_address is None and row.sealed_asked is None):
            return
        session.execute(delete(MailRow).where(MailRow.user_id == user_id))
        self._say_goodbye(session, row, now)
        had_one = row.sealed_address is not None
        row.sealed_address = row.confirmed_at = row.failed_at = None
        row.sealed_asked = row.key_digest = row.key_expires_at = None
        session.flush()
        if had_one:
            note(session, Notice(What.ADDRESS_REMOVED, user_id), now)

    def apart(self, row: MailRow) -> ApartMail | None:
        """Return what is sealed in a mail that waits; None for one that tells of a notice."""
        if row.sealed is None:
            return None
        kind, to, language, key = json.loads(self._sealer.open(row.sealed, f"notice_mails/{row.id}"))
        return ApartMail(Apart(kind), to, language, key)

    def _say_goodbye(self, session: Session, row: RecipientRow, now: datetime, unless: str = "") -> None:
        """Tell the former address that no more mails go there: who took an account over cannot do it in silence.

        This mail is nobody's: what the person forgets from now on, their account too, does not take it back.
        """
        former = self._open(row.user_id, "address", row.sealed_address)
        if former is not None and former != unless:
            self._queue(session, _NOBODY, ApartMail(Apart.REPLACED, former, _language(row)), now)

    def _queue(self, session: Session, user_id: str, mail: ApartMail, now: datetime) -> None:
        row = MailRow(id=new_id(now), user_id=user_id, attempts=0, created_at=now, due_at=now)
        plain = json.dumps([mail.kind.value, mail.to, mail.language, mail.key]).encode()
        row.sealed = self._sealer.seal(plain, f"notice_mails/{row.id}")
        session.add(row)

    def _seal(self, user_id: str, column: str, text: str) -> bytes:
        return self._sealer.seal(text.encode(), f"notice_recipients/{user_id}/{column}")

    def _open(self, user_id: str, column: str, sealed: bytes | None) -> str | None:
        return None if sealed is None else self._sealer.open(sealed, f"notice_recipients/{user_id}/{column}").decode()


def is_address(text: str) -> bool:
    """Say whether a text can be an address: one line of ASCII, so that it can begin no header and no command."""
    local, _, _ = text.rpartition("@")
    return len(text) <= LONGEST_ADDRESS and len(local) <= _LONGEST_LOCAL_PART and _ADDRESS.fullmatch(text) is not None


def keep_language(session: Session, user_id: str, code: str) -> None:
    """Remember in which language a person reads."""
    _row(session, user_id).language = code


def language_of(session: Session, user_id: str) -> str | None:
    """Return the language that is remembered of a person, None when none is."""
    row = session.get(RecipientRow, user_id)
    return None if row is None else row.language


def _language(row: RecipientRow) -> str:
    return row.language if row.language and row.language in LANGUAGES else SOURCE


def note_failure(session: Session, user_id: str, now: datetime) -> None:
    """Remember that the person's address does not exist, so that their page says so."""
    _row(session, user_id).failed_at = now


def _row(session: Session, user_id: str) -> RecipientRow:
    row = session.get(RecipientRow, user_id, with_for_update=True)
    if row is None:
        row = RecipientRow(user_id=user_id)
        session.add(row)
    return row


def _check_not_too_often(session: Session, user_id: str, address: str, now: datetime) -> None:
    """Let a person ask a few times a day, and an address be asked a few times a day, whoever asks."""
    day, until = day_of(now).isoformat(), now + timedelta(days=1)
    for who, most in ((user_id, _MOST_A_DAY), (address.lower(), _MOST_TO_ONE_A_DAY)):
        if not any(claim(session, Claim("mail-asked", f"{who} {day} {n}", until)) for n in range(most)):
            raise InvalidRequest(
                "Too many e-mails were asked for today. Try again tomorrow.", code="mail-asked-too-often"
            )
