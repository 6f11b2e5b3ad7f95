"""Reads what is off: by the call's own query, on the primary database. Nothing is cached (invariant 4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from broker.crypto.sealing import Sealer
from broker.storage.base import table_of
from broker.storage.prepared import Prepared, Transaction
from broker.switches.models import SwitchRow
from broker.switches.views import Side, Switch, Target

# Built once, and run without the ORM: each call of a platform asks four times.
_SWITCHES = table_of(SwitchRow)
_ALL = select(_SWITCHES).order_by(*_SWITCHES.primary_key)
CONCERNING = _ALL.where(
    _SWITCHES.c.bank_id.in_(["", bindparam("at_bank")]), _SWITCHES.c.platform_id.in_(["", bindparam("of_platform")])
)
"""What stands between a bank (`at_bank`) and a platform (`of_platform`), for a statement that asks for more."""
_CONCERNING = Prepared(CONCERNING)


@dataclass(frozen=True, slots=True)
class Listed:
    """A switch with who turned it off, for those who may know: staff of the bank, and the operator."""

    switch: Switch
    by: str


def concerning(session: Transaction, bank_id: str | None, platform_id: str) -> tuple[Switch, ...]:
    """Return every switch between a bank and a platform; without a bank those that belong to none."""
    return switches_of(_CONCERNING.all(session, at_bank=bank_id or "", of_platform=platform_id))


def switches_of(rows: Iterable[Row[Any]]) -> tuple[Switch, ...]:
    """Return the switches that these rows are, in the order of their key."""
    return tuple(_switch(row) for row in sorted(rows, key=_key))


def all_switches(session: Session) -> tuple[Switch, ...]:
    """Return everything that is off."""
    session.flush()
    return tuple(_switch(row) for row in session.connection().execute(_ALL))


def listed(session: Session, sealer: Sealer, bank_id: str | None = None) -> list[Listed]:
    """Return what is off at a bank (None: anywhere), with who did it; what concerns every bank is among it."""
    session.flush()
    rows: Iterable[Row[Any]] = session.connection().execute(_ALL)
    return [
        Listed(_switch(row), sealer.open(row.sealed_by, context_of(row.side, _target(row))).decode())
        for row in rows
        if bank_id is None or row.bank_id in {"", bank_id}
    ]


def context_of(side: str, target: Target) -> str:
    """Return what the name of who turned it off is sealed to: its row."""
    return f"switches/{side}/{target.bank_id}/{target.platform_id}/{target.category}"


def _switch(row: Row[Any]) -> Switch:
    return Switch(Side(row.side), _target(row), row.reason, row.since_at)


def _key(row: Row[Any]) -> tuple[str, ...]:
    return row.side, row.bank_id, row.platform_id, row.category


def _target(row: Row[Any]) -> Target:
    return Target(row.bank_id, row.platform_id, row.category)
