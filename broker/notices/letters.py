"""Writes the mails: plain text, in the person's language, with links to our own pages and nothing of a bank's data."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import quote

from broker.notices.addresses import Apart, ApartMail
from broker.notices.notice import Notice
from broker.notices.words import Parties, Speech, one_line, words
from broker.translations import marked

CHOICES_PATH = "/account/notices"
_LONGEST_UNSUBSCRIBE = 60  # a longer one would be folded into something that no mail program reads; the text has it too
_LOOK = marked("Look at it:")
_CHOOSE = marked("You get this e-mail because you gave this address. Choose what we tell you, or stop all e-mails:")
_NEVER = marked("We never ask for passwords or codes by e-mail.")
_CONFIRM = marked("Confirm your address")
_CONFIRM_TEXT = marked(
    "Somebody gave this address to get e-mails about what they share from their bank. If this was you, open this link, "
    "sign in and confirm. It works once, for 24 hours:"
)
_IGNORE = marked("If this was not you, do nothing. You will get no further e-mails.")
_REPLACED = marked("This address gets no more e-mails")
_REPLACED_TEXT = marked(
    "It was replaced or removed on the page of your account. If this was not you, sign in, sign out everywhere else, "
    "and look at what you share:"
)


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail, ready to be sent to one address."""

    to: str
    message: EmailMessage


@dataclass(frozen=True, slots=True)
class LetterWriter:
    """Writes in the name of one broker. `sender` is the address that mails come from, `host` names their ids."""

    base_url: str
    host: str
    sender: str

    def of_notice(self, notice: Notice, named: Parties, speech: Speech, *, to: str) -> "Draft":
        """Write what a notice says."""
        said = words(notice, named, speech)
        parts: tuple[str, ...] = (
            said.text,
            f"{speech.say(_LOOK)}\n{self.base_url}{said.path}",
            f"{speech.say(_CHOOSE)}\n{self.base_url}{CHOICES_PATH}",
            speech.say(_NEVER),
        )
        return Draft(to, said.title, parts, speech.code)

    def apart(self, mail: ApartMail, speech: Speech) -> "Draft":
        """Write a mail that tells of no notice."""
        if mail.kind is Apart.CONFIRM:
            link = f"{self.base_url}{CHOICES_PATH}/confirm?key={quote(mail.key, safe='')}"
            parts: tuple[str, ...] = (f"{speech.say(_CONFIRM_TEXT)}\n{link}", speech.say(_IGNORE), speech.say(_NEVER))
            return Draft(mail.to, speech.say(_CONFIRM), parts, speech.code)
        parts = (f"{speech.say(_REPLACED_TEXT)}\n{self.base_url}/account", speech.say(_NEVER))
        return Draft(mail.to, speech.say(_REPLACED), parts, speech.code)

    def letter(self, draft: "Draft", mail_id: str, at: datetime) -> Letter:
        """Put a draft into the form of a mail. Its Message-ID is always the same: who gets it twice can see that."""
        message = EmailMessage(policy=SMTP)
        message["From"] = f"Consent Broker <{self.sender}>"
        message["To"] = draft.to
        message["Subject"] = one_line(draft.subject)
        message["Date"] = format_datetime(at)
        message["Message-ID"] = f"<{mail_id}@{self.host}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: nothing answers it by itself
        unsubscribe = f"<{self.base_url}{CHOICES_PATH}>"
        if len(unsubscribe) <= _LONGEST_UNSUBSCRIBE:
            message["List-Unsubscribe"] = unsubscribe  # RFC 2369 §3.2
        message.set_content("\n\n".join((one_line(draft.subject), *draft.parts)) + "\n", cte="quoted-printable")
        message["Content-Language"] = draft.language  # setting the content drops it
        return Letter(draft.to, message)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a mail says, before it has a form. `language` is a code on the list of languages."""

    to: str
    subject: str
    parts: tuple[str, ...]
    language: str
