"""What a call finds as things stand now: grant, platform, bank. Read afresh for each look, never kept (invariant 4)."""

from dataclasses import dataclass
from datetime import datetime

from broker.banks.facts import NEWEST, InForce, in_force_by
from broker.clock import day_of
from broker.errors import TokenRefused
from broker.grants.reader import GrantReader
from broker.grants.reads import OF_DAY, Counted, counted_by
from broker.grants.views import Grant
from broker.platforms.service import MAY_ASK, facts_of
from broker.policy import BankFacts, Catalogue, Harvest, PlatformFacts, Reads
from broker.release.asking import Call
from broker.storage.prepared import Prepared, Transaction, rows_of_several

# What stands until it has been counted: the policies refuse it, whatever else a caller forgets.
_UNCOUNTED_READS = Reads(
    is_attended=False, attended_today=0, attended_ceiling=0, unattended_today=0, unattended_ceiling=0
)
_UNCOUNTED_HARVEST = Harvest(is_held=True, people=0, people_ceiling=0, records=0, records_ceiling=0)


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a decision on a call looks at, besides the call.

    `rules` are the policies with the bank's facts; `counted` is how often the category was read today.
    """

    grant: Grant
    platform: PlatformFacts
    rules: InForce
    counted: Counted
    reads: Reads
    harvest: Harvest

    @property
    def bank(self) -> BankFacts | None:
        """Return the bank's facts in force, None when the bank has none."""
        return self.rules.bank


# By one statement beside the grant's own two: a round trip each would cost more than all of their rows.
_BESIDE = Prepared(rows_of_several(platform=MAY_ASK, facts=NEWEST, reads=OF_DAY))


def standing(
    session: Transaction, reader: GrantReader, catalogue: Catalogue, *, call: Call, category: str, now: datetime
) -> Standing:
    """Read how things stand for a call. What its read costs is for the caller to judge: until then nothing may leave.

    Raises:
        TokenRefused: the grant is gone, or is another platform's.
    """
    grant = reader.find(session, call.grant_id, now)
    if grant is None or grant.platform_id != call.platform_id:
        raise TokenRefused
    of_call = {"of_id": call.platform_id, "of_bank": grant.bank_id}
    of_reads = {"of_grant": grant.id, "of_category": category, "on": day_of(now)}
    rows = {row.part: row for row in _BESIDE.all(session, **of_call, **of_reads)}
    return Standing(
        grant=grant,
        platform=facts_of(call.platform_id, rows.get("platform")),
        rules=in_force_by(catalogue, grant.bank_id, rows.get("facts")),
        counted=counted_by(rows.get("reads")),
        reads=_UNCOUNTED_READS,
        harvest=_UNCOUNTED_HARVEST,
    )
