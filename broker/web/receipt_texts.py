"""The texts of the scripts that check a receipt in the browser: the page brings them along in its own language.

The scripts hold the English; what stands here in curly brackets is put in by them.
"""

from flask_babel import gettext


def _(text: str) -> str:
    """Mark a text for the translators."""
    return text


_TEXTS = (
    _("This browser could not finish the check."),
    _("The entry speaks of another log or number than the one where it stands."),
    _("Not verified"),
    _("Do not rely on this receipt."),
    _("The answer that you gave is, byte for byte, the one that was released."),
    _("Verified"),
    _("Details that belong to it"),
    _("Who vouches for it"),
    _("“{what}” stands in the log of {owner}, with all of what is said below."),
    _("What"),
    _("When"),
    _("Who acted"),
    _("How it ended"),
    _("App"),
    _("Kind of data"),
    _("What for"),
    _("Why"),
    _("Records"),
    _("Person (pseudonym)"),
    _("Permission"),
    _("Reference"),
    _("Log"),
    _("Number in the log"),
    _("{number} (when this was signed, the log had {size} entries)"),
    _("Show it as it was written"),
    _("{first} to {last}"),
    _("The log itself, by the key that you pasted:"),
    _("The log itself, by a key that this page brought along: compare it with your bank's:"),
    _("The witness {name}, who saw this state of the log on {moment}:"),
    _("{name} has signed too, but no key of it is known here."),
    _("This is not a verifier key (name+id+key)."),
    _("This verifier key is of a kind that is not known here."),
    _("This verifier key does not fit its own id: a character is wrong."),
    _("The signed checkpoint in the receipt is not well formed."),
    _("The checkpoint does not say origin, size and root as it should."),
    _("The signature of {name} does not fit: something was changed."),
    _("It is not signed by a key that is known here for the log {origin}."),
    _("This file is not a receipt, or it was cut off or changed."),
    _("The receipt speaks of number {index} of a log of {size} entries."),
    _("The entry does not stand in the log at this number: it was changed."),
    _("This file is a proof, but it does not bring its entry along."),
    _("The entry is not one JSON object."),
    _("The entry is not written in the one form that entries have."),
    _("The detail “{name}” is given twice."),
    _("The detail “{name}” is not what the entry was made with."),
    _("The details do not hold the digest of an answer."),
    _("This is not the answer that the entry speaks of: its bytes differ."),
    _("The file with the details is not what it should be."),
)


def in_this_language() -> dict[str, str]:
    """Return what each English text of the scripts is in the language of the page."""
    return {text: gettext(text) for text in _TEXTS}
