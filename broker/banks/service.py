"""Adds and finds banks."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from broker.banks.models import BankRow
from broker.errors import InvalidRequest
from broker.storage.base import table_of
from broker.storage.prepared import Prepared, Transaction

_RESERVED = {"operator", "staff"}  # the operator's log, and a path of the sign-in pages
_ID = re.compile(r"[a-z][a-z0-9-]{1,39}")
# Built once, and run without the ORM: each call of a platform asks.
_BANKS = table_of(BankRow)
_FOUND = Prepared(select(_BANKS).where(_BANKS.c.id == bindparam("of_id")))


@dataclass(frozen=True, slots=True)
class Bank:
    """One bank. `sign_in_scope` is what the broker asks for at the bank when a customer signs in (OIDC scope)."""

    id: str
    name: str
    standard: str
    issuer: str
    api_base: str
    client_id: str
    sign_in_scope: str


def add(session: Session, bank: Bank, now: datetime) -> None:
    """Store a bank, or replace what is known of it.

    Raises:
        InvalidRequest: the id, the name or a URL cannot be used.
    """
    if not _ID.fullmatch(bank.id) or bank.id in _RESERVED:
        raise InvalidRequest("A bank's id is 2 to 40 lower-case letters, digits or hyphens, not 'operator' or 'staff'.")
    if not bank.name.strip() or not bank.client_id:
        raise InvalidRequest("A bank needs a name and the client id that it gave to the broker.")
    for url in (bank.issuer, bank.api_base):
        parts = urlsplit(url)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
            raise InvalidRequest("A bank's issuer and API base are absolute URLs without query and fragment.")
    row = session.get(BankRow, bank.id) or BankRow(id=bank.id, created_at=now)
    for name in ("name", "standard", "issuer", "api_base", "client_id", "sign_in_scope"):
        setattr(row, name, getattr(bank, name))
    session.add(row)


def all_banks(session: Session) -> list[Bank]:
    """Return all banks, ordered by name."""
    return [_bank(row) for row in session.scalars(select(BankRow).order_by(BankRow.name))]


def find(session: Transaction, bank_id: str) -> Bank | None:
    """Return one bank, None when there is none with this id."""
    row = _FOUND.first(session, of_id=bank_id)
    return None if row is None else _bank(row)


def _bank(row: BankRow | Row[Any]) -> Bank:
    return Bank(row.id, row.name, row.standard, row.issuer, row.api_base, row.client_id, row.sign_in_scope)
