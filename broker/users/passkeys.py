"""Keeps passkeys: whose each is, what it is called, and how often its authenticator says that it has signed.

What a browser says is judged elsewhere (`web.passkeys.ceremony`): here only what has been proved is written.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from broker.crypto.sealing import Sealer
from broker.errors import NotFound, PasskeyRefused
from broker.storage.base import new_id
from broker.users.passkey_models import PasskeyRow

MOST = 10
"""Passkeys that one owner may have."""


class OwnerKind(StrEnum):
    """The kinds of people who may have passkeys; `STAFF` have sessions, and sign in with their bank alone."""

    USER = "user"
    STAFF = "staff"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose passkey or session it is: a kind, and the id of one person of that kind."""

    kind: OwnerKind
    id: str

    @property
    def handle(self) -> bytes:
        """Return what an authenticator keeps as the account: 32 bytes that name nobody (WebAuthn 3 §14.6.1)."""
        return hashlib.sha256(f"{self.kind}/{self.id}".encode()).digest()


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an authenticator has made. `may_be_backed_up` never changes for one passkey (WebAuthn 3 §6.1.3)."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    may_be_backed_up: bool
    is_backed_up: bool


@dataclass(frozen=True, slots=True)
class Passkey(NewPasskey):
    """A passkey that is kept. `used_at` is None when nobody has signed in with it yet.

    `handle` is what its authenticator keeps as the account; `bank_id` the bank that confirmed the person who made it.
    """

    id: str
    owner: Owner
    handle: bytes = field(repr=False)
    bank_id: str | None
    name: str
    created_at: datetime
    used_at: datetime | None


class Passkeys:
    """Reads and writes passkeys; names rest sealed."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def of(self, session: Session, owner: Owner) -> list[Passkey]:
        """Return the passkeys of one owner, oldest first."""
        return [self._passkey(row) for row in session.scalars(_of(owner)).all()]

    def has_any(self, session: Session, owner: Owner) -> bool:
        """Say whether the owner has a passkey."""
        return session.scalars(_of(owner).limit(1)).first() is not None

    def by_credential(self, session: Session, credential_id: bytes) -> Passkey | None:
        """Return the passkey that an authenticator names, None when it is not known."""
        row = session.scalars(select(PasskeyRow).where(PasskeyRow.credential_digest == _digest(credential_id))).first()
        return None if row is None else self._passkey(row)

    def add(
        self, session: Session, owner: Owner, new: NewPasskey, name: str, now: datetime, *, bank_id: str | None = None
    ) -> None:
        """Keep a passkey that has been proved; `bank_id` is the bank that has just confirmed who they are.

        Raises:
            PasskeyRefused: the owner has as many as one may have, or the credential is known already: whose, is not
                told.
        """
        if len(self.of(session, owner)) >= MOST:
            raise PasskeyRefused("You have ten passkeys. Remove one first.", code="passkey-too-many")
        row = PasskeyRow(
            id=new_id(now),
            owner_kind=owner.kind.value,
            owner_id=owner.id,
            made_for=owner.id,
            bank_id=bank_id,
            credential_digest=_digest(new.credential_id),
            credential_id=new.credential_id,
            public_key=new.public_key,
            sign_count=new.sign_count,
            may_be_backed_up=new.may_be_backed_up,
            is_backed_up=new.is_backed_up,
            created_at=now,
            used_at=None,
        )
        row.sealed_name = self._sealer.seal(name.encode(), _context(row.id))
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError as error:
            raise PasskeyRefused from error

    def rename(self, session: Session, owner: Owner, passkey_id: str, name: str) -> None:
        """Call one of the owner's passkeys otherwise.

        Raises:
            NotFound: there is none of that id, or it is somebody else's.
        """
        row = session.scalars(_of(owner).where(PasskeyRow.id == passkey_id).with_for_update()).first()
        if row is None:
            raise NotFound
        row.sealed_name = self._sealer.seal(name.encode(), _context(row.id))

    def remove(self, session: Session, owner: Owner, passkey_id: str) -> None:
        """Forget one of the owner's passkeys.

        Raises:
            NotFound: there is none of that id, or it is somebody else's.
        """
        mine = _is_of(owner) & (PasskeyRow.id == passkey_id)
        if session.execute(delete(PasskeyRow).where(mine).returning(PasskeyRow.id)).first() is None:
            raise NotFound

    def remove_all(self, session: Session, owner: Owner) -> None:
        """Forget every passkey of an owner."""
        session.execute(delete(PasskeyRow).where(_is_of(owner)))

    def count_use(
        self, session: Session, passkey_id: str, sign_count: int, *, is_backed_up: bool, at: datetime
    ) -> bool:
        """Remember one signature; False when the counter has not gone up: a copy of the passkey may be about.

        One conditional statement decides, so that of two copies only one gets in (WebAuthn 3 §6.1.1). Authenticators
        without a counter always say 0.
        """
        goes_up = PasskeyRow.sign_count < sign_count
        if sign_count == 0:
            goes_up = PasskeyRow.sign_count == 0
        values = {"sign_count": sign_count, "is_backed_up": is_backed_up, "used_at": at}
        counted = update(PasskeyRow).where(PasskeyRow.id == passkey_id, goes_up).values(values)
        return session.execute(counted.returning(PasskeyRow.id)).first() is not None

    def _passkey(self, row: PasskeyRow) -> Passkey:
        return Passkey(
            credential_id=row.credential_id,
            public_key=row.public_key,
            sign_count=row.sign_count,
            may_be_backed_up=row.may_be_backed_up,
            is_backed_up=row.is_backed_up,
            id=row.id,
            owner=Owner(OwnerKind(row.owner_kind), row.owner_id),
            handle=Owner(OwnerKind(row.owner_kind), row.made_for).handle,
            bank_id=row.bank_id,
            name=self._sealer.open(row.sealed_name, _context(row.id)).decode(),
            created_at=row.created_at,
            used_at=row.used_at,
        )


def follow(session: Session, bank_id: str, from_user: str, to_user: str) -> None:
    """Let passkeys go with the bank's customer who becomes another user: those made after a sign-in at that bank.

    So a passkey opens what its maker's own bank opens, linked or not, and nothing of whoever they were linked with.
    One whose bank is not known is removed: it could stay with the wrong person.
    """
    session.flush()
    mine = _is_of(Owner(OwnerKind.USER, from_user))
    session.execute(delete(PasskeyRow).where(mine, PasskeyRow.bank_id.is_(None)))
    session.execute(update(PasskeyRow).where(mine, PasskeyRow.bank_id == bank_id).values(owner_id=to_user))


def _is_of(owner: Owner) -> ColumnElement[bool]:
    return (PasskeyRow.owner_kind == owner.kind.value) & (PasskeyRow.owner_id == owner.id)


def _of(owner: Owner) -> Select[PasskeyRow]:
    return select(PasskeyRow).where(_is_of(owner)).order_by(PasskeyRow.id)


def _digest(credential_id: bytes) -> bytes:
    return hashlib.sha256(credential_id).digest()


def _context(passkey_id: str) -> str:
    return f"passkeys/{passkey_id}/name"
