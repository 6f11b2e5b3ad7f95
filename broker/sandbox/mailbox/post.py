"""The mails that have arrived, in memory: the newest few hundred."""

import email
import email.policy
from collections import Counter, deque
from dataclasses import dataclass
from threading import Lock

_MOST = 500


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address, as it is read."""

    to: str
    sender: str
    subject: str
    date: str
    message_id: str
    language: str
    text: str


class Post:
    """Keeps mails, for whoever asks; several threads may."""

    def __init__(self) -> None:
        self._mails: deque[Mail] = deque(maxlen=_MOST)
        self._lock = Lock()

    def put(self, recipients: list[str], raw: bytes) -> None:
        """Keep a mail for each of its recipients."""
        message = email.message_from_bytes(raw, policy=email.policy.default)
        body = message.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        named = {name: str(message.get(name, "")) for name in ("From", "Subject", "Date", "Message-ID")}
        language = str(message.get("Content-Language", ""))
        with self._lock:
            for to in recipients:
                self._mails.append(
                    Mail(to, named["From"], named["Subject"], named["Date"], named["Message-ID"], language, text)
                )

    def addresses(self) -> Counter[str]:
        """Count the mails of each address."""
        with self._lock:
            return Counter(mail.to for mail in self._mails)

    def of(self, to: str) -> list[Mail]:
        """Return the mails to an address, newest first; everybody's when it is empty."""
        with self._lock:
            return [mail for mail in reversed(self._mails) if to in {"", mail.to}]
