"""The negative controls of the policies: faults in a copy of the product that table and cases must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_TABLE = "tests/unit/policy/test_policy_table.py"
_CLOSED = "tests/unit/policy/test_policy_fail_closed.py"
_BOOK = "tests/unit/policy/test_policy_rulebook.py"
_NEVER = "when { false };"
PLANTS = (
    # Rules that no longer refuse.
    Plant(
        "policies/10-purpose.cedar",
        "unless { context.registered.purposes.contains(context.purpose.code) };",
        _NEVER,
        f"{_TABLE}::exactly_when",
    ),
    Plant(
        "policies/10-purpose.cedar",
        "unless { context.registered.categories.contains(context.category) };",
        _NEVER,
        f"{_TABLE}::exactly_when",
    ),
    Plant("policies/10-purpose.cedar", '[Purpose::"advertising",\n   ', "[", f"{_CLOSED}::also_when_a_list_allows_it"),
    Plant("policies/10-purpose.cedar", "when { context.purpose.isForbidden };", _NEVER, f"{_CLOSED}::do_not_name_it"),
    Plant(
        "policies/20-banks.cedar",
        "unless { resource.categories.contains(context.category) };",
        _NEVER,
        f"{_TABLE}::exactly_when",
    ),
    Plant(
        "policies/20-banks.cedar",
        "context.lookbackDays > resource.maximumLookbackDays",
        "context.lookbackDays > resource.maximumLookbackDays + 1",
        f"{_TABLE}::lower_ceiling",
    ),
    Plant("policies/20-banks.cedar", 'contains("BANK")', 'contains("BANKS")', f"{_TABLE}::switch"),
    Plant("policies/30-limits.cedar", "context.durationDays < 1 ||", "", f"{_TABLE}::lower_ceiling"),
    Plant(
        "policies/30-limits.cedar",
        "context.reads.unattendedToday >= context.reads.unattendedCeiling",
        "context.reads.unattendedToday > context.reads.unattendedCeiling",
        f"{_TABLE}::kind_of_read",
    ),
    Plant("policies/00-baseline.cedar", "|| context.grant.isExpired", "", f"{_TABLE}::state_of_a_grant"),
    # A purpose in another spelling is taken for the one it looks like.
    Plant(
        "broker/policy/questions.py",
        "purpose = catalogue.purposes.get(code)",
        'purpose = catalogue.purposes.get(code.strip().lower().replace("-", "_"))',
        f"{_TABLE}::another_spelling_of_a_purpose",
    ),
    # The ways in which Cedar fails open.
    Plant("broker/policy/cedar.py", "Decision.Allow and not result.diagnostics.errors", "Decision.Allow", _CLOSED),
    Plant(
        "broker/policy/cedar.py",
        "self.rulebook.policies, facts, self.rulebook.schema)",
        "self.rulebook.policies, facts)",
        _CLOSED,
    ),
    Plant("broker/policy/cedar.py", "elif not refused:", "elif False:", _CLOSED),
    Plant("broker/policy/rulebook.py", "if not checked.validation_passed:", "if False:", _BOOK),
    Plant("broker/policy/rulebook.py", "if statement.file != BASELINE:", "if False:", _BOOK),
    Plant("broker/policy/rulebook.py", "if rule.id in seen:", "if False:", _BOOK),
    Plant("broker/policy/rulebook.py", "if read.templates():", "if False:", _BOOK),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_the_policies_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
