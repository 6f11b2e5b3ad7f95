"""The negative controls of facts and of policies in force: faults in a copy of the product that the tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_FACTS = "tests/unit/banks/test_bank_facts.py"
_LOGS = "tests/unit/audit/test_policy_changes.py"
_IN_USE = "tests/unit/cli/test_policies_in_force.py"
_PAGE = "tests/unit/web/test_web_bank_facts.py"
_CUT = "    return within(stored, bounds)\n"
PLANTS = (
    # The bank's wish counts as it was stored, however wide.
    Plant("broker/banks/facts.py", _CUT, "    return stored\n", f"{_FACTS}::narrowed_file"),
    Plant("broker/banks/facts.py", "if within(facts, bounds) != facts:", "if False:", f"{_FACTS}::nothing_is_kept"),
    # What was judged by the old facts leaves all the same.
    Plant("broker/banks/facts.py", "known[self.bank_id] == self.version", "True", f"{_FACTS}::while_the_bank_answers"),
    Plant("broker/banks/facts.py", "func.max(_LATER.c.version)", "func.min(_LATER.c.version)", f"{_FACTS}::very_next"),
    Plant(
        "broker/release/cut.py",
        "most = min(most, bank.maximum_lookback_days)",
        "pass",
        f"{_FACTS}::no_further_back",
    ),
    # Somebody who only looks may change, or a change is lost.
    Plant("broker/web/bank_facts.py", "if signed_in().role != _ADMIN:", "if False:", f"{_PAGE}::auditor"),
    Plant("broker/banks/facts.py", "newest_version(session, facts.bank) != after", "False", f"{_FACTS}::two_changes"),
    # The log is told twice, or a set is taken over that nobody was told of.
    Plant("broker/audit/policy_changes.py", "if before == catalogue.digest:", "if False:", f"{_LOGS}::one_tells"),
    Plant("broker/cli/serving/policies.py", "        return False\n", "        return True\n", f"{_IN_USE}::good_set"),
    # Old policies are told as new ones, by who only looks on or by a repetition.
    Plant("broker/cli/serving/policies.py", " if self._tells else ()", "", f"{_IN_USE}::judges_nothing"),
    Plant("broker/cli/serving/policies.py", "self._untold or ()", "()", f"{_IN_USE}::repetition"),
    # A joint account that was listed before is granted after the bank has left them out.
    Plant("broker/grants/consents.py", "not account.is_joint or (", "True or (", f"{_FACTS}::listed_before"),
)


@pytest.mark.control
@pytest.mark.campaign
@pytest.mark.parametrize("plant", PLANTS, ids=range(len(PLANTS)))
def test_the_fault_is_found(tmp_path: Path, plant: Plant) -> None:
    assert survivors(tmp_path, [plant]) == []
