"""The negative controls of deleting on request: faults in a copy of the product that their tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_ACTS, _TESTS = "broker/grants/deletions.py", "tests/unit/grants/test_deletions.py"
PLANTS = (
    # Anybody answers for the platform.
    Plant(
        _ACTS,
        "and_(DeletionRow.id == deletion_id, DeletionRow.platform_id == platform.platform_id)",
        "and_(DeletionRow.id == deletion_id)",
        f"{_TESTS}::nobody_else",
    ),
    # Asked, and not a word of it in the log.
    Plant(
        _ACTS,
        "written = append_and_announce(transaction, entry)",
        'written = Appended("", 0, b"")',
        f"{_TESTS}::every_step",
    ),
    Plant(_ACTS, "if entry is not None:", "if False:", f"{_TESTS}::every_step"),
    Plant(_ACTS, "            _check(session, grant)\n", "", f"{_TESTS}::open_at_a_time"),
    Plant(_ACTS, "now + min(self._longest, promised)", "now + self._longest", f"{_TESTS}::promised"),
    Plant("broker/grants/deletion_views.py", "row.respond_by <= now", "row.respond_by < now", f"{_TESTS}::overdue"),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_deleting_on_request_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
