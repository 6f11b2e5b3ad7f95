"""Tells a recorded story again: of another person, towards another platform, at another time."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Table

from broker.audit.vocabulary import Entry
from broker.crypto.digests import base64url
from broker.crypto.sealing import Sealer
from broker.grants.models import GrantAccountRow, GrantRow
from broker.grants.reads import ReadsRow
from broker.harvest.models import HarvestReadRow
from broker.notices.models import NoticeRow
from broker.storage.base import new_id, table_of
from broker.tokens.models import TokenRow
from broker.users.models import IdentityRow, UserRow
from tests.bench.growth.stories import Story

_USERS, _IDENTITIES, _NOTICES = table_of(UserRow), table_of(IdentityRow), table_of(NoticeRow)
_GRANTS, _ACCOUNTS, _TOKENS = table_of(GrantRow), table_of(GrantAccountRow), table_of(TokenRow)
_READS, _HARVESTED = table_of(ReadsRow), table_of(HarvestReadRow)
_PEOPLE = {_USERS, _IDENTITIES}
_READS_KEPT, _HARVESTED_KEPT = timedelta(days=2), timedelta(days=86)


@dataclass(slots=True)
class Person:
    """Somebody who has grants at one bank. `is_new`: no row tells of them yet."""

    user_id: str
    subject: str
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Retold:
    """A story with other names. `shift` is how much later than the recorded one it begins."""

    story: Story
    person: Person
    platform_id: str
    grant_id: str
    shift: timedelta

    def entry(self, step: int) -> Entry:
        """Return one entry of the story under its new names. Both entries of an access keep one id."""
        told = self.story.steps[step].entry
        access = told.access_id and base64url(bytes.fromhex(self.grant_id[-12:]) + told.access_id[:10].encode())[:22]
        interaction = told.interaction_id
        if access is not None:
            own = self.grant_id
            interaction = f"{own[-8:]}-{own[14:18]}-4{step // 2:03x}-8{own[20:23]}-{own[-12:]}"
        return replace(
            told,
            user_id=self.person.user_id,
            platform_id=self.platform_id,
            grant_id=self.grant_id,
            access_id=access,
            interaction_id=interaction,
            details=self._details(told.details),
        )

    def _details(self, details: Mapping[str, Any]) -> Mapping[str, Any]:
        """Name the customer and the platform anew; no other name stands in details."""
        found = dict(details)
        if "customer" in found:
            found["customer"] = self.person.subject
        if "context" in found:
            context = found["context"]
            found["context"] = {**context, "platform": {**context["platform"], "id": self.platform_id}}
        return found


def rows_of(
    retold: Retold, sealer: Sealer, digest: Callable[[str, str], bytes], now: datetime
) -> Iterator[tuple[Table, dict[str, Any]]]:
    """Return the rows that the story leaves at the instant `now`: what is kept for a time only is gone when it is over.

    `digest` is by what a person is found, from the bank and its word for them.
    """
    for table, rows in retold.story.rows.items():
        if table in _PEOPLE and not retold.person.is_new:
            continue
        for row in rows:
            found = _renamed(retold, table, row)
            if _is_kept(table, found, now):
                _sealed_anew(retold, table, found, sealer, digest)
                yield table, found
    retold.person.is_new = False


def _renamed(retold: Retold, table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, datetime):
            found[name] = value + retold.shift
        elif isinstance(value, date):
            found[name] = (datetime(value.year, value.month, value.day, 12, tzinfo=UTC) + retold.shift).date()
        else:
            found[name] = value
    names = {"user_id": retold.person.user_id, "platform_id": retold.platform_id, "grant_id": retold.grant_id}
    found |= {name: value for name, value in names.items() if found.get(name) is not None}
    if table is _USERS:
        found["id"] = retold.person.user_id
    elif table is _GRANTS:
        found |= {"id": retold.grant_id, "subject_id": base64url(secrets.token_bytes(16))}
        found["consent_key"] = secrets.token_urlsafe(32)
    elif table is _TOKENS:
        found["digest"] = secrets.token_bytes(32)
    elif table is _HARVESTED:
        found["read_s"] += int(retold.shift.total_seconds())
    elif "id" in found:
        found["id"] = new_id(found.get("created_at") or found["signed_in_at"])
    return found


def _is_kept(table: Table, row: Mapping[str, Any], now: datetime) -> bool:
    if table is _READS:
        return bool(row["day"] > (now - _READS_KEPT).date())
    if table is _HARVESTED:
        return bool(row["read_s"] > (now - _HARVESTED_KEPT).timestamp())
    return bool(row["expires_at"] > now) if table is _TOKENS else True


def _sealed_anew(
    retold: Retold, table: Table, row: dict[str, Any], sealer: Sealer, digest: Callable[[str, str], bytes]
) -> None:
    """Seal what is bound to its row: under the old context it would not open."""
    if table is _ACCOUNTS:
        place = f"grant_accounts/{{}}/{row['account_id']}"
        row["sealed_account"] = _moved(sealer, row["sealed_account"], place, retold.story.grant_id, retold.grant_id)
    elif table is _IDENTITIES:
        old = retold.story.rows[_IDENTITIES][0]["id"]
        row["subject_digest"] = digest(retold.story.bank, retold.person.subject)
        row["sealed_subject"] = sealer.seal(retold.person.subject.encode(), f"user_identities/{row['id']}/subject")
        for name in ("name", "credential"):
            place = f"user_identities/{{}}/{name}"
            row[f"sealed_{name}"] = _moved(sealer, row[f"sealed_{name}"], place, old, row["id"])


def _moved(sealer: Sealer, sealed: bytes, place: str, old: str, new: str) -> bytes:
    return sealer.seal(sealer.open(sealed, place.format(old)), place.format(new))
