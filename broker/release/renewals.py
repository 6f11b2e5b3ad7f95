"""Renews the broker's credential at a bank, one at a time: a bank that rotates refresh tokens takes each once."""

from collections.abc import Callable
from dataclasses import dataclass

from broker.banks.connector import Credential
from broker.errors import BankSignInNeeded, BankUnavailable, StorageUnavailable
from broker.grants.fence import Fences
from broker.storage.engine import Database
from broker.users.service import Identity, Users


@dataclass(frozen=True, slots=True)
class Renewals:
    """Keeps renewals of one credential apart, over all processes. `fences` are of a kind of their own.

    A renewal holds its fence while the bank answers; nothing else, a revocation least of all, waits for these fences.
    """

    database: Database
    users: Users
    fences: Fences

    def renew(self, identity: Identity, exchange: Callable[[Credential], Credential]) -> Credential:
        """Return a new credential, stored; `exchange` gets it from the bank, unless somebody else just has.

        Raises:
            BankSignInNeeded: the credential has been forgotten meanwhile, or the bank no longer takes it.
            BankUnavailable: or one of its kinds; also when another renewal takes too long.
            StorageUnavailable: it could not be stored; the bank may have ended the old one.
        """
        try:
            held = self.fences.exclusive([f"{identity.user_id} {identity.bank_id}"])
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
            with self.database.write() as session:
                self.users.replace_credential(
                    session, identity.user_id, identity.bank_id, old=present.credential, new=renewed.dump()
                )
            return renewed
