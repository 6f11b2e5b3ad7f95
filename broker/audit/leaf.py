"""The bytes of one entry: canonical JSON (RFC 8785) that everybody concerned may see, at most 1 KB.

Names of people and accounts never stand in it, only a pseudonym and salted digests.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from broker.audit.vocabulary import Entry
from broker.crypto.digests import base64url
from broker.tlog.disclosure import Disclosure, digest

_VERSION = 2
_SALT_BYTES = 16
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class Link:
    """An entry's place among those of one person: its number (from 0) and the hash of the one before."""

    pseudonym: str
    number: int
    previous: bytes | None


def commitments(entry: Entry) -> tuple[Disclosure, ...]:
    """Give every detail a salt of its own, of 128 bits, so that nobody can guess what a digest hides."""
    return tuple(
        Disclosure(base64url(secrets.token_bytes(_SALT_BYTES)), name, value) for name, value in entry.details.items()
    )


def leaf_of(
    log: str, number: int, time_us: int, entry: Entry, *, link: Link | None, disclosures: Sequence[Disclosure]
) -> bytes:
    """Return the entry's bytes as they are hashed into the tree, stored and handed out."""
    fields = {
        **entry.stated,
        "v": _VERSION,
        "log": log,
        "number": number,
        "time": time_us,
        "event": entry.event.value,
        "initiator": entry.initiator.value,
        "decision": entry.decision,
        "subject": link.pseudonym if link else None,
        "subjectSeq": link.number if link else None,
        "subjectPrev": base64url(link.previous) if link and link.previous else None,
        "access": entry.access_id,
        "platform": entry.platform_id,
        "grant": entry.grant_id,
        "grantVersion": entry.grant_version,
        "category": entry.category,
        "purpose": entry.purpose,
        "part": entry.part,
        "interactionId": entry.interaction_id,
        "policy": entry.policy_digest,
        "reasons": list(entry.reasons) or None,
        "records": entry.records,
        "accounts": entry.accounts,
        "_sd": sorted(digest(disclosure) for disclosure in disclosures) or None,
    }
    known = {name: value for name, value in fields.items() if value is not None}
    # RFC 8785 for what stands here: ASCII names, texts and whole numbers. On the path of every access, hence not the
    # general `canonical_json`; a test compares the two.
    return _ENCODE(known).encode()
