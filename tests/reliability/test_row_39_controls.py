"""The negative controls of row 39: faults in a copy of the product that the simulation must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_RUNS = "tests/reliability/test_row_39_simulation.py::every_promise"
_FRESH = "judge_again(found, call, wanted, now, before=before)"
_COUNTED = "held_still if decision.is_allowed else ()"
_SECOND_LOOK = """\
        decision = judge_again(found, call, wanted, now, before=before)
        event = Event.ACCESS_RELEASED if decision.is_allowed else Event.ACCESS_REFUSED
        left = rendered if decision.is_allowed else None
        fields = wanted.fields_of(grant, self.catalogue)
        entry = access_entry(event, grant, call, wanted, decision, access=access, fields=fields, rendered=left)
        use = Use(grant.id, wanted.category, grant.updated_at, now)
        stays_on = StaysOn(grant.bank_id, grant.platform_id, wanted.category)
        held_still = (use, access.facts, CountedRecords(access.counts, rendered.records), stays_on)
        appended = self.sequencer.append(entry, held_still if decision.is_allowed else (), fenced=True)
"""
PLANTS = (
    # What the person took back while the bank was answering is released.
    Plant(
        "broker/release/service.py",
        _SECOND_LOOK,
        _SECOND_LOOK.replace(_FRESH, "judge(replace(found, grant=before), call, wanted, now)").replace(_COUNTED, "()"),
        _RUNS,
    ),
    Plant(
        "broker/release/service.py",
        "if appended.lost:\n            raise lost(appended.lost, now)\n        self._refuse(",
        "self._refuse(",
        _RUNS,
    ),
    Plant(
        "broker/release/service.py",
        "[*call.claims, *counted]",
        "counted",
        _RUNS,
    ),
    Plant(
        "broker/tokens/codes.py",
        "in_time = (GrantRow.claimed_at.is_(None)) & (GrantRow.authorised_at > now - UNCLAIMED_LIFE)",
        "in_time = GrantRow.claimed_at.is_(None)",
        _RUNS,
    ),
    Plant(
        "broker/grants/service.py",
        "cluster.state = state.value",
        "cluster.state = ClusterState.ACTIVE.value",
        _RUNS,
    ),
    Plant("broker/policy/minimise.py", " and not _is_too_old(limits, one)]", "]", _RUNS),
    Plant(
        "broker/release/entries.py",
        "purpose=grant.terms.purpose,\n        interaction_id=call.interaction_id,\n"
        "        policy_digest=decision.policy_digest",
        'purpose=str(rendered.body) if rendered else "",\n        interaction_id=call.interaction_id,\n'
        "        policy_digest=decision.policy_digest",
        _RUNS,
    ),
    Plant(
        "broker/audit/sequencer.py",
        "        self.session.flush()\n        return",
        "        self.session.flush()\n        self.session.connection().connection.commit()\n        return",
        _RUNS,
    ),
)


@pytest.mark.control
@pytest.mark.campaign
def test_the_simulation_finds_every_planted_fault(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
