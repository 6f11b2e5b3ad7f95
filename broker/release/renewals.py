"""Renews the broker's credential at a bank, one at a time: a bank that rotates refresh tokens takes each once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from broker.banks.connector import Credential
from broker.errors import BankSignInNeeded, BankUnavailable, StorageUnavailable
from broker.grants.fence import Fences
from broker.storage.engine import Database
from broker.users.service import Identity, Users


@dataclass(frozen=True, slots=True)
class Renewals:
    """Keeps renewals of one credential apart, over all processes.

    `connections` is how many may be under way at a bank, `wait_s` how long one waits for another.
    A renewal holds its fence while the bank answers. Nothing else, a revocation least of all, waits for these fences,
    and each bank has its own, so that a slow one holds up nobody but itself.
    """

    database: Database
    users: Users
    connections: int = 8
    wait_s: float = 3.0
    _fences: dict[str, Fences] = field(default_factory=dict)
    _opening: Lock = field(default_factory=Lock)

    def renew(self, identity: Identity, exchange: Callable[[Credential], Credential]) -> Credential:
        """Return a new credential, stored; `exchange` gets it from the bank, unless somebody else just has.

        Raises:
            BankSignInNeeded: the credential has been forgotten meanwhile, or the bank no longer takes it.
            BankUnavailable: or one of its kinds; also when another renewal takes too long.
            StorageUnavailable: it could not be stored; the bank may have ended the old one.
        """
        try:
            held = self._fences_of(identity.bank_id).exclusive([identity.user_id])
        except StorageUnavailable as error:
            raise BankUnavailable from error
        with held:
            with self.database.read() as session:
                present = self.users.at_bank(session, identity.user_id, identity.bank_id)
            if present is None or present.credential is None:
                raise BankSignInNeeded
            if present.credential != identity.credential:
                return Credential.load(present.credential)
            renewed = exchange(Credential.load(present.credential))
            old, new = present.credential, renewed.dump()
            # Again when it loses to another change: the bank may have ended the old one.
            self.database.change(
                lambda session: self.users.replace_credential(
                    session, identity.user_id, identity.bank_id, old=old, new=new
                )
            )
            return renewed

    def close(self) -> None:
        """Close all pooled connections; the next use opens new ones (needed before a fork)."""
        for fences in self._fences.values():
            fences.close()

    def _fences_of(self, bank_id: str) -> Fences:
        with self._opening:
            if bank_id not in self._fences:
                self._fences[bank_id] = Fences(self.database, f"renewals-{bank_id}", self.connections, self.wait_s)
            return self._fences[bank_id]
