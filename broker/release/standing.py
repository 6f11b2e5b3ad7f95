"""What a call finds as things stand now: grant, platform, bank. Read afresh for each look, never kept (invariant 4)."""

from dataclasses import dataclass
from datetime import datetime

from broker.banks.facts import InForce, in_force
from broker.errors import TokenRefused
from broker.grants.reader import GrantReader
from broker.grants.views import Grant
from broker.platforms.service import facts_of
from broker.policy import BankFacts, Catalogue, Harvest, PlatformFacts, Reads
from broker.release.asking import Call
from broker.storage.prepared import Transaction

# What stands until it has been counted: the policies refuse it, whatever else a caller forgets.
_UNCOUNTED_READS = Reads(
    is_attended=False, attended_today=0, attended_ceiling=0, unattended_today=0, unattended_ceiling=0
)
_UNCOUNTED_HARVEST = Harvest(is_held=True, people=0, people_ceiling=0, records=0, records_ceiling=0)


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a decision on a call looks at, besides the call. `rules` are the policies with the bank's facts."""

    grant: Grant
    platform: PlatformFacts
    rules: InForce
    reads: Reads
    harvest: Harvest

    @property
    def bank(self) -> BankFacts | None:
        """Return the bank's facts in force, None when the bank has none."""
        return self.rules.bank


def standing(session: Transaction, reader: GrantReader, catalogue: Catalogue, call: Call, now: datetime) -> Standing:
    """Read how things stand for a call. Reads and harvest are for the caller to count: until then nothing may leave.

    Raises:
        TokenRefused: the grant is gone, or is another platform's.
    """
    grant = reader.find(session, call.grant_id, now)
    if grant is None or grant.platform_id != call.platform_id:
        raise TokenRefused
    return Standing(
        grant=grant,
        platform=facts_of(session, call.platform_id),
        rules=in_force(session, catalogue, grant.bank_id),
        reads=_UNCOUNTED_READS,
        harvest=_UNCOUNTED_HARVEST,
    )
