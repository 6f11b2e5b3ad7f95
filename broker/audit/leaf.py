"""The bytes of one entry: canonical JSON (RFC 8785) that everybody concerned may see, at most 1 KB.

Names of people and accounts never stand in it, only a pseudonym and salted digests.
"""

import json
import secrets
from dataclasses import dataclass

from broker.audit.vocabulary import Entry
from broker.crypto.digests import base64url
from broker.tlog.disclosure import DIGESTS, Disclosure, digest
from broker.tlog.receipt import LARGEST_LEAF

_VERSION = 2
_SALT_BYTES = 16
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class Link:
    """An entry's place among those of one person: its number (from 0) and the hash of the one before."""

    pseudonym: str
    number: int
    previous: bytes | None


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has its place: `digests` is what will stand in it of its details, sorted.

    It is made before the log's lock is taken: under that lock everybody waits.
    """

    entry: Entry
    disclosures: tuple[Disclosure, ...]
    digests: tuple[str, ...]


def draft(entry: Entry) -> Draft:
    """Give every detail a salt of its own, of 128 bits, so that nobody can guess what a digest hides."""
    drawn = secrets.token_bytes(_SALT_BYTES * len(entry.details))  # at once: each drawing is a system call
    salts = (base64url(drawn[at : at + _SALT_BYTES]) for at in range(0, len(drawn), _SALT_BYTES))
    disclosures = tuple(Disclosure(salt, *detail) for salt, detail in zip(salts, entry.details.items(), strict=True))
    return Draft(entry, disclosures, tuple(sorted(map(digest, disclosures))))


def leaf_of(log: str, number: int, time_us: int, drafted: Draft, link: Link | None) -> bytes:
    """Return the entry's bytes as they are hashed into the tree, stored and handed out.

    Raises:
        ValueError: they are more than a receipt can hold.
    """
    entry = drafted.entry
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
        DIGESTS: drafted.digests or None,
    }
    known = {name: value for name, value in fields.items() if value is not None}
    # RFC 8785 for what stands here: ASCII names, texts and whole numbers. On the path of every access, hence not the
    # general `canonical_json`; a test compares the two.
    leaf = _ENCODE(known).encode()
    if len(leaf) > LARGEST_LEAF:
        raise ValueError("An entry is too long.")
    return leaf
