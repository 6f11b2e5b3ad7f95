"""Controls: explaining and replaying broken on purpose, in one place each; their tests must find every one."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_DIFF, _EXPLAIN = "tests/unit/cli/test_policy_diff.py", "tests/unit/cli/test_policy_explain.py"
_READING = "tests/unit/audit/test_decisions.py"
_COMPARING, _REPLAY = "broker/cli/policy/comparing.py", "broker/policy/replay.py"

PLANTS = (
    # What does not fit is dropped silently, or taken for a decision of the policies.
    Plant(_COMPARING, "            self.unrepeated.add(one)\n", "", f"{_DIFF}::its_own_policies"),
    Plant(_COMPARING, "rule.startswith(OWN_RULES)", "False", f"{_DIFF}::no_policy"),
    Plant(_COMPARING, "if one.kept in _NOT_KEPT:", "if False:", f"{_DIFF}::erased"),
    # The ceilings, or a bank's facts, are not those of the folder and of then.
    Plant(_REPLAY, "attended_ceiling=attended, unattended_ceiling=unattended", "", f"{_DIFF}::lower_ceiling"),
    Plant(_COMPARING, "if period.version == version)", "if period.version == 0)", f"{_DIFF}::facts_that_a_bank"),
    # Entries are missed, or erased details look as if there had been none.
    Plant("broker/audit/decisions.py", "bisect_left(range(log.size)", "bisect_left(range(log.size - 3)", _READING),
    Plant("broker/audit/decisions.py", "end = min(first + page,", "end = min(first + page - 1,", _READING),
    Plant("broker/audit/decisions.py", "kept = Kept.ERASED", "pass", f"{_EXPLAIN}::erased"),
    Plant("broker/cli/policy/explain.py", "found[-1].digest == digest", "True", f"{_EXPLAIN}::no_longer"),
)


@pytest.mark.control
@pytest.mark.campaign
@pytest.mark.parametrize("plant", PLANTS, ids=range(len(PLANTS)))
def test_the_fault_is_found(tmp_path: Path, plant: Plant) -> None:
    assert survivors(tmp_path, [plant]) == []
