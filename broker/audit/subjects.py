"""Pseudonyms of people in the logs, and the keys under which their details are sealed."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session

from broker.audit.models import SubjectRow
from broker.crypto.digests import base64url
from broker.crypto.sealing import Sealer
from broker.storage.base import table_of

_PSEUDONYM_BYTES = 16
_KEY_BYTES = 32
_SUBJECTS = table_of(SubjectRow)
_FOUND = select(_SUBJECTS.c.pseudonym, _SUBJECTS.c.sealed_key).where(
    _SUBJECTS.c.user_id == bindparam("of_user"), _SUBJECTS.c.bank_id == bindparam("of_bank")
)


@dataclass(frozen=True, slots=True)
class Subject:
    """One person at one bank, as the log knows them. `sealer` opens and seals that person's details."""

    pseudonym: str
    sealer: Sealer


def subject_of(session: Session, master: Sealer, *, user_id: str, bank_id: str, now: datetime) -> Subject:
    """Return the person's pseudonym and key; makes both at the first entry. Call it under the log's lock."""
    row = session.connection().execute(_FOUND, {"of_user": user_id, "of_bank": bank_id}).first()
    if row is None:
        pseudonym = base64url(secrets.token_bytes(_PSEUDONYM_BYTES))
        key = secrets.token_bytes(_KEY_BYTES)
        new = {
            "pseudonym": pseudonym,
            "user_id": user_id,
            "bank_id": bank_id,
            "sealed_key": master.seal(key, f"audit_subjects/{pseudonym}"),
            "created_at": now,
        }
        session.connection().execute(insert(_SUBJECTS), new)
        return Subject(pseudonym, Sealer(key))
    return opened(master, row.pseudonym, row.sealed_key)


def opened(master: Sealer, pseudonym: str, sealed_key: bytes) -> Subject:
    """Open the key of a stored subject."""
    return Subject(pseudonym, Sealer(master.open(sealed_key, f"audit_subjects/{pseudonym}")))
