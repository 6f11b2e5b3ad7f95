"""Looks whether the mail server can be reached, safely, and takes our password. No mail is sent."""

from collections.abc import Iterator

from broker.cli.doctor.finding import Finding, looking, well, wrong
from broker.notices.smtp import mail_server
from broker.settings import Settings

_MEND = (
    "Check BROKER_SMTP_URL: the host and its port, a certificate that is trusted, the user and the password. "
    "Mails that cannot be sent wait for about three days."
)


def findings(settings: Settings) -> Iterator[Finding]:
    """Greet the mail server, as before each mail."""

    def look() -> Iterator[Finding]:
        server = mail_server(settings.smtp_url, settings.base_host)
        if server is None:
            yield well("mail", "No mail server is set: people are told in their inbox alone.")
            return
        fault = server.fault()
        if fault is None:
            yield well("mail", f"The mail server at {server.host}:{server.port} lets us in.")
        else:
            yield wrong("mail", f"The mail server at {server.host}:{server.port} does not let us in: {fault}.", _MEND)

    yield from looking("mail", look, "Correct BROKER_SMTP_URL; docs/reference/settings.md explains it.")
