"""Which keys vouch for a log now: what is told to those who verify it. A retired key vouches for no log in use."""

from broker.audit.log_keys import LogKeys
from broker.audit.tree import Head, Listed
from broker.tlog.errors import Unverifiable
from broker.tlog.note import open_note


def vkeys_of(keys: LogKeys, head: Head | Listed) -> tuple[str, ...]:
    """Return a log's verifier keys (C2SP signed-note): those that sign, or when it has ended, that signed its end.

    So a key that was retired, and may be stolen since, makes no checkpoint of a log in use that anybody believes; and
    for a closed log it makes none that the next log's first entry commits to.
    """
    if head.is_current:
        return keys.vkeys(head.origin)
    try:
        verified = open_note(head.note, keys.verifiers(head.origin)).verified
    except Unverifiable:
        return keys.vkeys(head.origin)  # nobody's: let it fail by the keys of today
    signed = {one.verifier for one in verified}
    return tuple(one.vkey for one in keys.verifiers(head.origin) if one in signed)
