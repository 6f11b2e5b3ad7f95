"""The plain words of the bank's console: why something was refused or ended, as a bank is told it."""

from flask_babel import lazy_gettext as _

from broker.audit.reader import LoggedEntry

REASONS = {
    "account-closed": _("the bank no longer has this account"),
    "account-not-granted": _("the customer does not share this account"),
    "alert-gone": _("the bank had taken the alert back"),
    "alert-not-granted": _("no permission is about it"),
    "alert-not-heard": _("the app takes no such messages at the moment"),
    "alert-read-out": _("the app had read the alert as often as it may"),
    "alert-unknown": _("the app named an alert that is not there for it"),
    "amended": _("the customer changed it"),
    "approved": _("the customer allowed it"),
    "bank-facts": _("the bank changed what it offers"),
    "bank-refused-receipt": _("the bank did not accept the proof that this request was logged"),
    "bank-sign-in-needed": _("the customer has to sign in at the bank again"),
    "bank-unavailable": _("the bank could not be reached"),
    "bank-unknown": _("the bank is not known here"),
    "category-not-granted": _("the customer did not allow this kind of data"),
    "category-off": _("this kind of data is not offered, or turned off"),
    "category-paused": _("the customer paused this kind of data"),
    "category-revoked": _("the customer stopped sharing this kind of data"),
    "ceiling-exceeded": _("it was more than the rules allow"),
    "details-erased": _("everything about the customer was erased"),
    "user-left": _("the customer closed their account here"),
    "dpop-replayed": _("the app's proof had been used before"),
    "ended": _("its time was over"),
    "field-not-granted": _("it looked at a detail that the customer did not allow"),
    "fraud-prevention": _("the app keeps it to prevent fraud"),
    "legal-claims": _("the app needs it for a legal dispute"),
    "legal-obligation": _("the law makes the app keep it"),
    "person-agreed": _("the customer agreed with the app that it keeps it"),
    "frequency-exceeded": _("the app had asked as often as it may on one day"),
    "grant-changed": _("the permission was changed while the data was on its way"),
    "grant-expired": _("the permission had ended"),
    "grant-paused": _("the customer had paused the app"),
    "grant-rejected": _("the permission was refused"),
    "grant-revoked": _("the permission had been ended"),
    "grant-suspended": _("sharing was turned off, by the bank or by the operator"),
    "grant-unknown": _("there was no permission"),
    "harvest-hold": _("the app is held back: it read more than its budget allows"),
    "log-recovered": _("a part of the log was lost; the customer has to look through it first"),
    "narrowed": _("the customer narrowed it"),
    "nothing-left": _("nothing was left to share"),
    "platform-action": _("the app gave it back"),
    "platform-removed": _("the app is no longer connected"),
    "policy-changed": _("the rules changed while the data was on its way"),
    "policy-files": _("the rules of the operator changed"),
    "policy-refused": _("no rule allows it"),
    "preview-limit": _("the customer had looked at previews as often as one may"),
    "proposed": _("it waits for the customer"),
    "purpose-forbidden": _("this purpose is not allowed"),
    "renewed": _("the customer renewed it"),
    "suspended-by-bank": _("the bank turned it off"),
    "suspended-by-operator": _("the operator turned it off"),
    "token-expired": _("the app's access had run out or was taken back"),
    "token-key-mismatch": _("the app's access belongs to another key"),
    "unapproved": _("the customer did not answer in time"),
    "unclaimed": _("the app did not pick it up in time"),
    "user-action": _("the customer decided it"),
    "user-refused": _("the customer said no"),
}

INITIATORS = {
    "INDIVIDUAL": _("the customer"),
    "DATA_PROVIDER": _("the bank"),
    "DATA_RECIPIENT": _("the app"),
    "DATA_ACCESS_PLATFORM": _("Consent Broker"),
}

STATUSES = {
    "AWAITING_AUTHORISATION": _("Waiting for a decision"),
    "ACTIVE": _("Live"),
    "PAUSED": _("Paused"),
    "SUSPENDED": _("Turned off"),
    "REJECTED": _("Refused"),
    "REVOKED": _("Stopped"),
    "EXPIRED": _("Permission ended"),
}
"""How a permission stands."""

DETAILS = {
    "accounts": _("Accounts"),
    "alert": _("The bank's word for its alert"),
    "asked": _("Terms that the app asked for"),
    "before": _("Terms that were agreed before"),
    "by": _("Who did it"),
    "closed": _("Accounts that the bank no longer has"),
    "context": _("What the rules were asked"),
    "customer": _("The bank's word for its customer"),
    "deletion": _("Number of the request"),
    "difference": _("What has changed"),
    "endpoint": _("Question"),
    "fields": _("Fields"),
    "notice": _("Text of the consent page"),
    "reason": _("Reason given"),
    "responseDigest": _("SHA-256 of the answer"),
    "terms": _("Terms that were agreed"),
    "window": _("Period"),
}
"""The details of an entry that are shown as they are; `rules` have words of their own."""


def reasons(entry: LoggedEntry) -> list[tuple[str, str]]:
    """Return code and words of each reason why an entry ended as it did; a code without words says itself."""
    return [(code, str(REASONS.get(code, code))) for code in entry.reasons]
