"""Shows a platform the receipts of entries about its own grant, under a witness's cosignature when there is one."""

import json
from dataclasses import dataclass

from sqlalchemy.orm import Session

from broker.audit.tree import entries_of
from broker.audit.witnessed import cosigned_receipt
from broker.clock import Clock
from broker.errors import NotFound, ProofRefused, TokenRefused
from broker.grants.reader import GrantReader
from broker.release.asking import Call
from broker.storage.engine import Database


@dataclass(frozen=True, slots=True)
class OwnReceipts:
    """Reads receipts for a call. No data is released and nothing logged; the call's proof is used up all the same."""

    database: Database
    reader: GrantReader
    clock: Clock

    def of(self, call: Call, log: str, number: int) -> bytes:
        """Return the receipt of one entry (a C2SP tlog-proof), if the entry is about the grant of the call's token.

        Raises:
            ProofRefused: the DPoP proof was used before.
            TokenRefused: the grant has ended.
            NotFound: there is no such entry, or it is about something else: the same answer for both.
        """
        with self.database.write() as session:
            is_first = all(claim.take(session) for claim in call.claims)
        if not is_first:
            raise ProofRefused("This DPoP proof was used before.", code="dpop-proof-replayed")
        with self.database.read() as session:
            self._check_grant(session, call)
            leaf = next(iter(entries_of(session, log, number, 1)), None)
            if leaf is None or json.loads(leaf).get("grant") != call.grant_id:
                raise NotFound
            return cosigned_receipt(session, log, number)

    def _check_grant(self, session: Session, call: Call) -> None:
        grant = self.reader.find(session, call.grant_id, self.clock())
        if grant is None or grant.platform_id != call.platform_id:
            raise TokenRefused
        if grant.status.is_final:
            raise TokenRefused("The grant behind this token has ended.", code=f"grant-{grant.status.value.lower()}")
