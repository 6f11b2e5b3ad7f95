"""Who caused an entry of the log, in plain words to the person whom it concerns."""

from flask_babel import gettext

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event, Initiator
from broker.web.parties import Names

_ASKED_BY_APP = {Event.GRANT_PROPOSED, Event.GRANT_REJECTED}  # the person brought it, on behalf of the app


def who_acted(entry: LoggedEntry, names: Names) -> str:
    """Name the person as "You", the bank and the app by their names, and us by ours."""
    if entry.initiator is Initiator.DATA_RECIPIENT or entry.event in _ASKED_BY_APP:
        return (
            gettext("The app %(app)s", app=names.platform(entry.platform_id))
            if entry.platform_id
            else gettext("An app")
        )
    if entry.initiator is Initiator.DATA_PROVIDER:
        return gettext("Your bank, %(bank)s", bank=names.bank(entry.bank_id))
    return gettext("You") if entry.initiator is Initiator.INDIVIDUAL else "Consent Broker"
