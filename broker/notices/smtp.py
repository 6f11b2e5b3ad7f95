"""Hands mails to the operator's mail server, by SMTP.

Outside of this machine nothing is said without TLS, the password least of all: `smtp://` demands STARTTLS there.
"""

import smtplib
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit

import structlog

from broker.errors import ConfigurationInvalid
from broker.notices.letters import Letter

_TIMEOUT_S = 10.0
_PORTS = {"smtp": 587, "smtps": 465}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_FOR_GOOD = 500
_log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """How it went: the server has taken it, it never will, or not now."""

    SENT = "sent"
    REFUSED = "refused"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class MailServer:
    """One mail server. `host_name` is what we call ourselves there."""

    host: str
    port: int
    is_tls: bool
    host_name: str
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def needs_tls(self) -> bool:
        """Say whether nothing may be said before the connection is encrypted."""
        return not self.is_tls and self.host not in _LOOPBACK

    def send(self, letter: Letter) -> Outcome:
        """Hand over one mail. Never call it inside a transaction."""
        try:
            server = self._connection()
            try:
                server.send_message(letter.message, to_addrs=[letter.to])
            finally:
                _leave(server)
        except smtplib.SMTPRecipientsRefused as error:
            code = max(code for code, _ in error.recipients.values())
            return self._failed(Outcome.REFUSED if code >= _FOR_GOOD else Outcome.LATER, code)
        except smtplib.SMTPDataError as error:
            return self._failed(Outcome.REFUSED if error.smtp_code >= _FOR_GOOD else Outcome.LATER, error.smtp_code)
        except smtplib.SMTPResponseException as error:  # of the sender or the password: the operator's to mend
            return self._failed(Outcome.LATER, error.smtp_code)
        except (smtplib.SMTPException, OSError) as error:  # no answer, no TLS, a certificate that is not trusted
            return self._failed(Outcome.LATER, 0, type(error).__name__)
        return Outcome.SENT

    def fault(self) -> str | None:
        """Greet the server as before a mail, and leave; return why that fails, without what it says, None if not."""
        try:
            server = self._connection()
            try:
                server.ehlo_or_helo_if_needed()
            finally:
                _leave(server)
        except smtplib.SMTPResponseException as error:
            return f"it answers {error.smtp_code}"
        except (smtplib.SMTPException, OSError) as error:
            return type(error).__name__
        return None

    def _connection(self) -> smtplib.SMTP:
        tls = ssl.create_default_context()
        if self.is_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, local_hostname=self.host_name, timeout=_TIMEOUT_S, context=tls
            )
        else:
            server = smtplib.SMTP(self.host, self.port, local_hostname=self.host_name, timeout=_TIMEOUT_S)
        try:
            if self.needs_tls:
                server.starttls(context=tls)
            if self.user:
                server.login(self.user, self.password)
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
        return server

    @staticmethod
    def _failed(outcome: Outcome, code: int, kind: str = "answer") -> Outcome:
        # What the server says may hold the address, so the number is all that is told.
        _log.warning("notices.mail_not_taken", outcome=outcome.value, answer=code, kind=kind)
        return outcome


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye. What the server has taken it has taken, whatever it answers to this."""
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()


def mail_server(url: str | None, host_name: str) -> MailServer | None:
    """Read BROKER_SMTP_URL: `smtp://` or `smtps://`, with `user:password@` if the server asks for them.

    None without one: then people are told in their inbox alone.

    Raises:
        ConfigurationInvalid: it cannot be used; the message does not repeat it, because of the password in it.
    """
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    is_plain = parts.path in {"", "/"} and not parts.query and not parts.fragment
    if parts.scheme not in _PORTS or not parts.hostname or not is_plain or bool(parts.username) != bool(parts.password):
        raise ConfigurationInvalid(
            "BROKER_SMTP_URL must be smtp://host:port or smtps://host:port, with user:password@ before the host or "
            "without, and nothing more; other characters in a password are written as %XX"
        )
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        is_tls=parts.scheme == "smtps",
        host_name=host_name,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
