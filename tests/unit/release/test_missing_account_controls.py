"""The negative controls of missing accounts: faults in a copy of the product that their tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_TESTS, _CONNECTORS = "tests/unit/api/test_missing_accounts.py", "tests/unit/banks/test_closed_accounts.py"
PLANTS = (
    # The log says that more left than did.
    Plant(
        "broker/release/entries.py",
        "closed = access.closed if rendered is not None else frozenset[str]()",
        "closed = frozenset[str]()",
        f"{_TESTS}::the_rest_is_named",
    ),
    # Nothing is said of what is missing.
    Plant("broker/release/cut.py", "if account.bank_ref in closed}", "if False}", f"{_TESTS}::lists_no_longer"),
    # What the person took out for good is named to the platform.
    Plant(
        "broker/release/cut.py",
        "account.state is ClusterState.PAUSED]",
        "account.state is not ClusterState.ACTIVE]",
        f"{_TESTS}::taken_out",
    ),
    # Whatever a bank refuses is taken for an account that is gone.
    Plant(
        "broker/banks/connectors/bank_api.py",
        "return self._is_gone(answer)",
        "return True",
        f"{_CONNECTORS}::as_a_whole",
    ),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_missing_accounts_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
