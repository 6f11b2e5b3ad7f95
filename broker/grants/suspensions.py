"""Tells platforms and banks which grants a switch has suspended or restored, some grants at a time.

What each was told last is kept beside the number of its last event, so that telling twice tells nothing twice: what
counts is what is off now, in the transaction that tells it. A switch that was flipped back before is not mentioned.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from broker.audit.vocabulary import Initiator
from broker.events.announcing import announce, receivers_at
from broker.events.chains import keep_suspended, suspended_of
from broker.events.stream_models import EventStreamRow
from broker.events.vocabulary import Change, EventType
from broker.grants.models import GrantCategoryRow, GrantRow
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.switches.reader import all_switches
from broker.switches.views import Side, Switch

_CHUNK: Final = 50
"""A revocation, which has its log locked, can wait for this many grants to be told of."""
_WHOLE = ""
_INITIATORS = {Side.BANK.value: Initiator.DATA_PROVIDER, Side.OPERATOR.value: Initiator.DATA_ACCESS_PLATFORM}


def tell_suspended(session: Session, flipped: Mapping[str, Any], now: datetime, *, most: int = _CHUNK) -> str | None:
    """Announce what a flipped switch means for the next grants, and return the last one's id, None at the end.

    `flipped` is the payload of the switch's task; `after` in it is the id of the grant to go on behind.
    """
    concerned = _concerned(flipped, now)
    ids = session.scalars(concerned.with_only_columns(GrantRow.id).limit(most)).all()
    rows = _locked(session, concerned, ids)
    switches = all_switches(session)
    for row in rows:
        off = _off(row, [one for one in switches if one.target.concerns(row.bank_id, row.platform_id)])
        for receiver in (row.platform_id, *receivers_at(session, row.bank_id)):
            _tell(session, receiver, row, off, side=flipped["side"], now=now)
    told = {row.id for row in rows}
    # The next part begins at the first that somebody held: behind it some are told twice, which tells nothing twice.
    for last, held in pairwise(ids):
        if held not in told:
            return last
    return ids[-1] if len(ids) == most else None


def _locked(session: Session, concerned: Select[GrantRow], ids: Sequence[str]) -> list[GrantRow]:
    """Lock grants: the first is waited for while nothing else is locked, of the others those that nobody holds."""
    first = session.scalars(concerned.where(GrantRow.id.in_(ids[:1])).with_for_update()).all()
    others = session.scalars(concerned.where(GrantRow.id.in_(ids[1:])).with_for_update(skip_locked=True)).all()
    return [*first, *others]


def _concerned(flipped: Mapping[str, Any], now: datetime) -> Select[GrantRow]:
    live = [GrantStatus.ACTIVE.value, GrantStatus.PAUSED.value]
    told = or_(
        GrantRow.platform_id.in_(select(EventStreamRow.receiver)),
        GrantRow.bank_id.in_(select(EventStreamRow.bank_id).where(EventStreamRow.bank_id.is_not(None))),
    )
    query = select(GrantRow).where(GrantRow.status.in_(live), GrantRow.expires_at > now, told)
    query = query.where(GrantRow.id > flipped.get("after", ""))
    if flipped["bank_id"]:
        query = query.where(GrantRow.bank_id == flipped["bank_id"])
    if flipped["platform_id"]:
        query = query.where(GrantRow.platform_id == flipped["platform_id"])
    if flipped["category"]:
        query = query.where(GrantRow.categories.any(GrantCategoryRow.name == flipped["category"]))
    return query.order_by(GrantRow.id).execution_options(populate_existing=True)


def _standing(row: GrantRow) -> set[str]:
    return {category.name for category in row.categories if category.state != ClusterState.REVOKED.value}


def _off(row: GrantRow, switches: Collection[Switch]) -> set[str]:
    """Return what is off of a grant: names of its categories, and an empty one for all of it."""
    named = {one.target.category for one in switches if not one.is_whole}
    return (named & _standing(row)) | ({_WHOLE} if any(one.is_whole for one in switches) else set())


def _tell(session: Session, receiver: str, row: GrantRow, off: set[str], *, side: str, now: datetime) -> None:
    told = suspended_of(session, receiver, row.id)
    over = (told - off) & {_WHOLE, *_standing(row)}  # of what has ended meanwhile nothing is restored
    changes = [(name, Change.RESTORED) for name in sorted(over)]
    changes += [(name, Change.SUSPENDED) for name in sorted(off - told)]
    for name, change in changes:
        announce(
            session,
            receiver=receiver,
            grant_id=row.id,
            event_type=EventType.GRANT_CHANGED,
            claims=_claims(row, name, change, side),
            now=now,
        )
    if off != told:
        keep_suspended(session, receiver, row.id, off)


def _claims(row: GrantRow, category: str, change: Change, side: str) -> dict[str, Any]:
    reason = f"suspended-by-{side}" if change is Change.SUSPENDED else "switched-on"
    told = {
        "change": change.value,
        "grant_version": row.version,
        "initiator": _INITIATORS[side].value,
        "reason": reason,
    }
    return told | ({"category": category} if category else {})
